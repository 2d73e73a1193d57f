"""What stands round the notes of a measure: barlines, signs of the roadmap, tempos, dynamics."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from singsynth_mcp.score.dynamics import LEVELS
from singsynth_mcp.score.model import Measure, Part

_JUMPS = {"da_capo": ("D.C.", "dacapo", "yes"), "dal_segno": ("D.S.", "dalsegno", "segno")}


def add_left_barline(own: Element, measure: Measure, before: Measure | None) -> None:
    """Write a repeat's beginning and an ending's."""
    opens = _opens_ending(measure, before)
    if not measure.repeat_start and not opens:
        return
    barline = SubElement(own, "barline", location="left")
    if opens:
        SubElement(barline, "ending", number=_passes(measure), type="start")
    if measure.repeat_start:
        SubElement(barline, "repeat", direction="forward")


def add_right_barline(own: Element, measure: Measure, after: Measure | None) -> None:
    """Write the jump after a measure, a repeat's end and an ending's."""
    if measure.jump:
        words, attribute, value = _JUMPS[measure.jump]
        _add_sound(own, words, attribute, value)
    if measure.to_coda:
        _add_sound(own, "To Coda", "tocoda", "coda")
    if measure.fine:
        _add_sound(own, "Fine", "fine", "yes")
    closes = bool(measure.endings) and (after is None or _opens_ending(after, measure) or not after.endings)
    if not measure.repeat_times and not closes:
        return
    barline = SubElement(own, "barline", location="right")
    if closes:
        SubElement(barline, "ending", number=_passes(measure), type="stop" if measure.repeat_times else "discontinue")
    if measure.repeat_times:
        repeat = SubElement(barline, "repeat", direction="backward")
        if measure.repeat_times != 2:
            repeat.set("times", str(measure.repeat_times))


def _opens_ending(measure: Measure, before: Measure | None) -> bool:
    if not measure.endings:
        return False
    return before is None or before.endings != measure.endings or bool(before.repeat_times)


def _passes(measure: Measure) -> str:
    return ", ".join(map(str, measure.endings))


def add_signs(own: Element, measure: Measure, before: Measure | None) -> None:
    """Write segno, coda and swing."""
    for sign, is_there in (("segno", measure.segno), ("coda", measure.coda)):
        if is_there:
            direction = SubElement(own, "direction", placement="above")
            SubElement(SubElement(direction, "direction-type"), sign)
            SubElement(direction, "sound").set(sign, sign)
    swing, swung = measure.swing, before.swing if before else None
    if swing != swung:
        entry = SubElement(SubElement(own, "sound"), "swing")
        if swing is None:
            SubElement(entry, "straight")
        else:
            SubElement(entry, "first").text = str(swing.numerator)
            SubElement(entry, "second").text = str(swing.denominator - swing.numerator)
            SubElement(entry, "swing-type").text = "eighth"


def _add_sound(own: Element, words: str, attribute: str, value: str) -> None:
    direction = SubElement(own, "direction", placement="above")
    SubElement(SubElement(direction, "direction-type"), "words").text = words
    SubElement(direction, "sound").set(attribute, value)


def add_tempo(own: Element, quarters_per_minute: float, offset: int) -> None:
    """Write a tempo as a metronome mark and for playback."""
    direction = SubElement(own, "direction", placement="above")
    metronome = SubElement(SubElement(direction, "direction-type"), "metronome")
    SubElement(metronome, "beat-unit").text = "quarter"
    SubElement(metronome, "per-minute").text = f"{quarters_per_minute:.4g}"
    if offset:
        SubElement(direction, "offset").text = str(offset)
    text = f"{quarters_per_minute:.12f}".rstrip("0").rstrip(".")
    SubElement(direction, "sound", tempo=text)


def add_dynamics(own: Element, part: Part, measure: Measure, divisions: int, *, is_last: bool) -> None:
    """Write a part's loudness in a measure as dynamics and hairpins."""
    end = measure.position + measure.duration
    points = part.loudness
    for index, point in enumerate(points):
        if not (measure.position <= point.position < end or (is_last and point.position >= end)):
            continue
        offset = round(min(point.position - measure.position, measure.duration) * divisions)
        before = points[index - 1] if index else None
        after = points[index + 1] if index + 1 < len(points) else None
        if before is not None and before.position < point.position and before.decibels != point.decibels:
            _add_mark(own, "wedge", offset, type="stop")
        if after is None or after.position > point.position:
            if before is None or before.decibels != point.decibels or after is not None:
                _add_level(own, point.decibels, offset)
            if after is not None and after.decibels != point.decibels:
                kind = "crescendo" if after.decibels > point.decibels else "diminuendo"
                _add_mark(own, "wedge", offset, type=kind)


def _add_level(own: Element, decibels: float, offset: int) -> None:
    nearest = min(LEVELS, key=lambda name: abs(LEVELS[name] - decibels))
    SubElement(_add_mark(own, "dynamics", offset), nearest)


def _add_mark(own: Element, tag: str, offset: int, **attributes: str) -> Element:
    direction = SubElement(own, "direction", placement="below")
    mark = SubElement(SubElement(direction, "direction-type"), tag, attributes)
    if offset:
        SubElement(direction, "offset").text = str(offset)
    return mark
