"""What all parts share: the measures with their meter, their marks for the playing order, and the tempo map.

Any part may carry them, so that every part's reader writes into the same bars.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from xml.etree.ElementTree import Element

from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.model import Jump, Measure, Tempo
from singsynth_mcp.score.musicxml.tempo import metronome_tempo, positive

DEFAULT_TEMPO = 120.0
_SLOWEST, _FASTEST = 5.0, 1000.0
_MAX_REPEATS = 64
_DA_CAPO = re.compile(r"\bD\.?\s?C\b|\bda\s+capo\b", re.IGNORECASE)
_DAL_SEGNO = re.compile(r"\bD\.?\s?S\b|\bdal\s+segno\b", re.IGNORECASE)
_TO_CODA = re.compile(r"\bto\s+coda\b|\bal\s+coda\s*$", re.IGNORECASE)
_FINE = re.compile(r"^\s*fine\W*$", re.IGNORECASE)
_GRADUAL = re.compile(r"\b(rit(ard|en)?|rall|accel|string|allarg)(\b|ando|uto)", re.IGNORECASE)


@dataclass(slots=True)
class Bar:
    """A measure in the making."""

    number: str
    beats: int
    beat_type: int
    duration: Fraction = Fraction(0)
    """Where the longest part has come."""
    repeat_start: bool = False
    repeat_times: int = 0
    endings: tuple[int, ...] = ()
    jump: Jump | None = None
    segno: bool = False
    to_coda: bool = False
    coda: bool = False
    fine: bool = False
    words: list[str] = field(default_factory=list)
    """Directions in words, which tell jumps where no <sound> does."""
    tempos: list[tuple[Fraction, int, float | Element]] = field(default_factory=list)
    """(offset, 0 for a <metronome> or 1 for a <sound>, which wins)."""

    @property
    def nominal(self) -> Fraction:
        """Quarters that the meter gives a whole measure."""
        return Fraction(4 * self.beats, self.beat_type)


def read_barline(bar: Bar, barline: Element) -> None:
    """Read a <barline>'s repeat and the signs on it; endings span measures, see part.py."""
    repeat = barline.find("repeat")
    if repeat is not None:
        if repeat.get("direction") == "forward":
            bar.repeat_start = True
        else:
            times = repeat.get("times", "")
            bar.repeat_times = min(int(times), _MAX_REPEATS) if times.isdecimal() else 2
    bar.segno |= barline.find("segno") is not None


def read_direction(bar: Bar, direction: Element, offset: Fraction) -> None:
    """Read a <direction>: its <sound>, else its <metronome>, its words and signs."""
    sound = direction.find("sound")
    heard = sound is not None and read_sound(bar, sound, offset)
    for kind in direction.iterfind("direction-type"):
        for mark in kind:
            if mark.tag == "metronome" and not heard:
                bar.tempos.append((offset, 0, mark))
            elif mark.tag == "words" and mark.text:
                bar.words.append(mark.text)
            elif mark.tag == "segno":
                bar.segno = True
            elif mark.tag == "coda":
                bar.words.append("\N{MUSICAL SYMBOL CODA}")


def read_sound(bar: Bar, sound: Element, offset: Fraction) -> bool:
    """Read a <sound>'s tempo and jumps; True when it sets the tempo."""
    if sound.get("dacapo") == "yes":
        bar.jump = "da_capo"
    elif sound.get("dalsegno"):
        bar.jump = "dal_segno"
    bar.segno |= bool(sound.get("segno"))
    bar.coda |= bool(sound.get("coda"))
    bar.to_coda |= bool(sound.get("tocoda"))
    bar.fine |= bool(sound.get("fine"))
    bar.repeat_start |= sound.get("forward-repeat") == "yes"
    written = sound.get("tempo")
    tempo = positive(written)
    if written is not None:
        bar.tempos.append((offset, 1, tempo or 0.0))  # 0 is passed over below, with a warning
    return tempo is not None


def measures_of(bars: list[Bar]) -> tuple[Measure, ...]:
    """Return the measures, one after the other; a measure without content has its meter's length."""
    if not any(bar.jump or bar.fine or bar.coda or bar.to_coda for bar in bars):
        _read_jumps_from_words(bars)
    measures: list[Measure] = []
    position = Fraction(0)
    for bar in bars:
        duration = bar.duration or bar.nominal
        measures.append(
            Measure(
                bar.number, position, duration, bar.beats, bar.beat_type, bar.repeat_start, bar.repeat_times,
                bar.endings, bar.jump, bar.segno, bar.to_coda, bar.coda, bar.fine,
            )
        )  # fmt: skip
        position += duration
    return tuple(measures)


def _read_jumps_from_words(bars: list[Bar]) -> None:
    """Read D.C., D.S., Fine and Coda from words and signs, for files whose writer left <sound> out."""
    coda_signs = [bar for bar in bars if "\N{MUSICAL SYMBOL CODA}" in bar.words]
    jumps = False
    for bar in bars:
        text = " ".join(" ".join(bar.words).split())
        if _DA_CAPO.search(text) or _DAL_SEGNO.search(text):
            bar.jump = "da_capo" if _DA_CAPO.search(text) else "dal_segno"
            jumps = True
        bar.fine |= any(_FINE.match(words) for words in bar.words)
    if jumps and len(coda_signs) == 2:
        coda_signs[0].to_coda = coda_signs[1].coda = True


def tempos_of(bars: list[Bar], measures: tuple[Measure, ...], findings: Findings) -> tuple[Tempo, ...]:
    """Return the tempo map: one tempo a position, the first at 0 (120 where the score says nothing).

    A mark outside what music has (a typing error) is passed over with a warning.
    """
    marks = sorted(
        ((measure.position + offset, rank, mark, bar.number) for bar, measure in zip(bars, measures, strict=True)
         for offset, rank, mark in bar.tempos),
        key=lambda mark: mark[:2],
    )  # fmt: skip
    tempo = DEFAULT_TEMPO
    by_position = {Fraction(0): tempo}
    for position, _, mark, measure in marks:
        found = mark if isinstance(mark, float) else metronome_tempo(mark, tempo)
        if found is not None and not _SLOWEST <= found <= _FASTEST:
            message = f"No tempo from {_SLOWEST:g} to {_FASTEST:g} quarters a minute ({found:g}): {tempo:g} goes on"
            findings.add("tempo_ignored", message, measure=measure)
        elif found is not None:
            by_position[position] = tempo = found
    return tuple(Tempo(position, tempo) for position, tempo in sorted(by_position.items()))


def gradual_changes(bars: list[Bar]) -> list[str]:
    """Return the numbers of the measures with a ritardando or accelerando in words."""
    return [bar.number for bar in bars if any(_GRADUAL.search(words) for words in bar.words)]
