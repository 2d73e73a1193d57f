"""<direction>, <sound> and <barline> → the bars' marks, and a part's dynamics."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree.ElementTree import Element

from singsynth_mcp.score.bars import MAX_REPEATS, Bar
from singsynth_mcp.score.dynamics import DynamicMark, dynamic_mark, mark_in_words
from singsynth_mcp.score.jumps import CODA_SIGN
from singsynth_mcp.score.musicxml.metronome import positive, read_metronome

_PASSES = re.compile(r"(\d{1,2})(?:\s*-\s*(\d{1,2}))?")


def read_barline(bar: Bar, barline: Element) -> None:
    """Read a <barline>'s repeat and the signs on it; endings span measures, see part.py."""
    repeat = barline.find("repeat")
    if repeat is not None:
        if repeat.get("direction") == "forward":
            bar.repeat_start = True
        else:
            times = repeat.get("times", "")
            bar.repeat_times = min(int(times), MAX_REPEATS) if times.isdecimal() and len(times) < 9 else 2
    bar.segno |= barline.find("segno") is not None


def ending_passes(text: str) -> tuple[int, ...]:
    """Return the passes of an ending's number: "1, 2" and "1-2" are 1 and 2."""
    passes: set[int] = set()
    for first, last in _PASSES.findall(text):
        passes.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(passes))


def read_direction(bar: Bar, index: int, direction: Element, offset: Fraction) -> list[DynamicMark]:
    """Read a <direction>: its <sound>, else its <metronome>, its words and signs. Returns the part's dynamics in it."""
    sound = direction.find("sound")
    heard = sound is not None and read_sound(bar, sound, offset)
    dynamics: list[DynamicMark | None] = []
    for kind in direction.iterfind("direction-type"):
        for mark in kind:
            tag = mark.tag
            if tag == "metronome" and not heard:
                tempo = read_metronome(mark)
                if tempo is not None:
                    bar.tempos.append((offset, 0, tempo))
            elif tag in ("words", "rehearsal") and mark.text:
                bar.words.append((offset, mark.text))
                if tag == "words":
                    dynamics.append(mark_in_words(mark.text, index, offset))
            elif tag == "segno":
                bar.segno = True
            elif tag == "coda":
                bar.words.append((offset, CODA_SIGN))
            elif tag == "dynamics":
                dynamics += read_dynamics(mark, index, offset)
            elif tag == "wedge":
                dynamics.append(_wedge(mark, index, offset))
    return [mark for mark in dynamics if mark is not None]


def read_dynamics(dynamics: Element, index: int, offset: Fraction) -> list[DynamicMark]:
    """Read a <dynamics>: one element a sign."""
    marks = [dynamic_mark(sign.text or "" if sign.tag == "other-dynamics" else sign.tag, index, offset)
             for sign in dynamics]  # fmt: skip
    return [mark for mark in marks if mark is not None]


def _wedge(wedge: Element, index: int, offset: Fraction) -> DynamicMark | None:
    kind = wedge.get("type")
    if kind in ("crescendo", "diminuendo", "stop"):
        return DynamicMark(index, offset, kind)  # type: ignore[arg-type]
    return None


def read_sound(bar: Bar, sound: Element, offset: Fraction) -> bool:
    """Read a <sound>'s tempo, swing and jumps; True when it sets the tempo."""
    if sound.get("dacapo") == "yes":
        bar.jump = "da_capo"
    elif sound.get("dalsegno"):
        bar.jump = "dal_segno"
    bar.segno |= bool(sound.get("segno"))
    bar.coda |= bool(sound.get("coda"))
    bar.to_coda |= bool(sound.get("tocoda"))
    bar.fine |= bool(sound.get("fine"))
    bar.repeat_start |= sound.get("forward-repeat") == "yes"
    swing = sound.find("swing")
    if swing is not None:
        bar.swing = _swing(swing)
    written = sound.get("tempo")
    tempo = positive(written)
    if written is not None:
        bar.tempos.append((offset, 1, tempo or 0.0))  # 0 is passed over later, with a warning
    return tempo is not None


def _swing(swing: Element) -> Fraction | None:
    """Return the share of the first of two eighths; <straight/> is a half. Sixteenths that swing are left even."""
    if swing.find("straight") is not None:
        return Fraction(1, 2)
    first, second = (swing.findtext(tag) or "" for tag in ("first", "second"))
    if not (first.isdecimal() and second.isdecimal() and len(first + second) <= 6 and int(first) + int(second)):
        return None
    if swing.findtext("swing-type") == "16th":
        return None
    return Fraction(int(first), int(first) + int(second))
