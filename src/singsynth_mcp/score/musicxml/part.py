"""One part's measures → its written notes; what all parts share goes into the bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from xml.etree.ElementTree import Element

from singsynth_mcp.errors import InvalidScore
from singsynth_mcp.score.assembly import KeySign, WrittenPart
from singsynth_mcp.score.bars import Bar, new_bar
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.musicxml.directions import (
    ending_passes,
    read_barline,
    read_direction,
    read_dynamics,
    read_sound,
)
from singsynth_mcp.score.musicxml.lyrics import read_lyrics
from singsynth_mcp.score.musicxml.notes import NoteContent, decimal, read_note
from singsynth_mcp.score.voices import WrittenNote

_LONGEST = 10_000
"""Quarters; of a note or rest."""
_MOST_BEATS = 1024
_MOST_SIGNS = 14


@dataclass
class PartReader:
    """Reads one part, measure by measure."""

    part: WrittenPart
    """Filled here."""
    bars: list[Bar]
    findings: Findings
    language: str | None = None
    """Of lyrics that name none."""
    is_top: bool = True
    """The first part: endings count where they stand over the whole system, not over an accompaniment's staff."""
    _divisions: Fraction = Fraction(1)
    _transpose: float = 0
    _beats: int = 4
    _beat_type: int = 4
    _cursor: Fraction = Fraction(0)
    _chord_start: Fraction = Fraction(0)
    _ending: tuple[int, ...] = ()
    _slurs: dict[tuple[int, str], set[str]] = field(default_factory=dict)
    _known_quarters: dict[str | None, Fraction] = field(default_factory=dict)
    _cue_reaches: dict[tuple[int, str], Fraction] = field(default_factory=dict)
    """Where the last cue note that is sung ends in its measure."""
    _chord_symbols: int = 0

    def read(self, measures: list[Element]) -> None:
        """Read the part. Raises InvalidScore with part and measure where a number cannot be read."""
        for index, measure in enumerate(measures):
            number = measure.get("number") or str(index + 1)
            if index == len(self.bars):
                self.bars.append(new_bar(self.bars, number, self._beats, self._beat_type, "the score"))
            try:
                self._read_measure(index, measure)
            except (ValueError, ZeroDivisionError, OverflowError) as error:
                message = f"Part {self.part.id}, measure {number}: cannot read {error}"
                hint = "Mend that measure, or export the score again"
                raise InvalidScore(message, hint=hint, part=self.part.id, measure=number) from error
        if self._chord_symbols:
            message = f"{self._chord_symbols} chord symbols are not sung"
            self.findings.add("chord_symbols", message, part=self.part.id)

    def _read_measure(self, index: int, measure: Element) -> None:
        bar = self.bars[index]
        self._cursor = self._chord_start = Fraction(0)
        self._cue_reaches.clear()
        ending_closes = False
        for child in measure:
            tag = child.tag
            if tag == "note":
                self._read_note(index, child)
            elif tag == "backup":
                bar.duration = max(bar.duration, self._cursor)
                self._cursor = max(Fraction(0), self._cursor - self._quarters(child.findtext("duration")))
            elif tag == "forward":
                self._cursor += self._quarters(child.findtext("duration"))
            elif tag == "attributes":
                self._read_attributes(index, child)
            elif tag == "direction":
                offset = decimal(child.findtext("offset") or "0") / self._divisions
                place = max(Fraction(0), self._cursor + offset)
                self.part.dynamics += read_direction(bar, index, child, place)
            elif tag == "sound":
                read_sound(bar, child, self._cursor)
            elif tag == "barline":
                read_barline(bar, child)
                ending_closes |= self._read_ending(child)
            elif tag == "harmony":
                self._chord_symbols += 1
        bar.duration = max(bar.duration, self._cursor)
        if self._ending and self.is_top:
            bar.endings = self._ending
        if ending_closes:
            self._ending = ()

    def _quarters(self, text: str | None) -> Fraction:
        duration = self._known_quarters.get(text)
        if duration is None:
            duration = decimal(text or "0") / self._divisions
            if not 0 <= duration <= _LONGEST:
                raise ValueError(f"a duration of {text} at {self._divisions} divisions")
            self._known_quarters[text] = duration
        return duration

    def _read_attributes(self, index: int, attributes: Element) -> None:
        bar = self.bars[index]
        divisions = attributes.findtext("divisions")
        if divisions is not None:
            self._divisions = decimal(divisions)
            if self._divisions <= 0:
                raise ValueError(f"divisions of {divisions}")
            self._known_quarters.clear()
        time = attributes.find("time")
        if time is not None and time.find("senza-misura") is None:
            # 3+2/8 is five eighths; of several meters at once the first counts.
            self._beats = sum(int(beats) for beats in (time.findtext("beats") or "4").split("+"))
            self._beat_type = int(time.findtext("beat-type") or 4)
            if not (0 < self._beats <= _MOST_BEATS and 0 < self._beat_type <= _MOST_BEATS):
                raise ValueError(f"the meter {self._beats}/{self._beat_type}")
            bar.beats, bar.beat_type = self._beats, self._beat_type
        transpose = attributes.find("transpose")
        if transpose is not None:
            octaves = int(transpose.findtext("octave-change") or 0)
            self._transpose = float(decimal(transpose.findtext("chromatic") or "0")) + 12 * octaves
        key = attributes.find("key")
        if key is not None and key.findtext("fifths"):
            self._read_key(index, key)

    def _read_key(self, index: int, key: Element) -> None:
        """Read a key signature, of a transposing instrument as it sounds; of two staves' the first counts."""
        fifths = int(key.findtext("fifths") or 0)
        if abs(fifths) > _MOST_SIGNS:
            raise ValueError(f"a key of {fifths} fifths")
        if self._transpose % 12:
            fifths = (fifths + 7 * round(self._transpose) + 6) % 12 - 6
        is_minor = (key.findtext("mode") or "").strip().lower() in ("minor", "aeolian")
        self.part.keys.append(KeySign(index, self._cursor, fifths, is_minor))

    def _read_ending(self, barline: Element) -> bool:
        """Open an ending; True when the measure closes it."""
        ending = barline.find("ending")
        if ending is None:
            return False
        if ending.get("type") == "start":
            self._ending = ending_passes(ending.get("number", ""))
            return False
        return True

    def _read_note(self, index: int, element: Element) -> None:
        content = read_note(element)
        duration = Fraction(0) if content.grace else self._quarters(content.duration)
        if not content.chord:
            self._chord_start = self._cursor
            self._cursor += duration
        if content.rest and read_lyrics(content.lyrics):
            self._find(index, "lyric_on_rest", "A syllable under a rest is not sung")
        if content.rest or (content.cue and not self._is_sung_cue(content)):
            return
        if content.midi is None:
            self._pass_over_unpitched(index, content)
            return
        if not duration and not content.grace:
            self._find(index, "zero_length", "A note without length is not heard")
        midi = content.midi + self._transpose
        if not 0 <= midi <= 127:
            raise ValueError(f"a pitch at MIDI note {midi:g}")
        voice = (content.staff, content.voice)
        slurred = self._slurred(voice, content.slurs)
        notes = self.part.notes
        if content.chord and notes:
            slurred = notes[-1].slurred
        if content.dynamics is not None:
            self.part.dynamics += read_dynamics(content.dynamics, index, self._chord_start)
        if content.ornament and content.lyrics:
            self._find(index, "ornament", f"An ornament ({content.ornament}) is sung as the plain note")
        notes.append(
            WrittenNote(
                index, self._chord_start, duration, midi, voice, read_lyrics(content.lyrics, self.language),
                content.grace, content.tie_start, content.tie_stop, slurred, content.breath_mark,
                content.fermata, chord=content.chord, articulations=tuple(sorted(content.articulations)),
            )
        )  # fmt: skip

    def _is_sung_cue(self, content: NoteContent) -> bool:
        """Return whether a cue note is sung: one with words (a verse's rhythm), or one that such a note leads to."""
        voice = (content.staff, content.voice)
        is_sung = not content.chord and (bool(content.lyrics) or self._cue_reaches.get(voice) == self._chord_start)
        if is_sung:
            self._cue_reaches[voice] = self._cursor
        return is_sung

    def _pass_over_unpitched(self, index: int, content: NoteContent) -> None:
        self.part.unpitched += 1
        if content.lyrics:
            self._find(index, "unpitched_note", "A spoken note (no pitch) is not sung")

    def _find(self, index: int, code: str, message: str) -> None:
        bar = self.bars[index]
        beat = float(1 + self._chord_start * bar.beat_type / 4)
        self.findings.add(code, message, part=self.part.id, measure=bar.number, beat=beat)

    def _slurred(self, voice: tuple[int, str], slurs: list[tuple[str, str]]) -> bool:
        """Return whether a slur reaches the note from an earlier one of its voice."""
        opened = self._slurs.setdefault(voice, set())
        slurred = bool(opened)  # before the starts: a slur's first note is not reached by it
        for number, kind in slurs:
            if kind == "start":
                opened.add(number)
            elif kind == "stop":
                opened.discard(number)
        return slurred
