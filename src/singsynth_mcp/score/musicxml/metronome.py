"""Tempo marks: <metronome> → quarters per minute."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree.ElementTree import Element

from singsynth_mcp.score.bars import Modulation

NOTE_TYPES = {
    "maxima": Fraction(32), "long": Fraction(16), "breve": Fraction(8), "whole": Fraction(4), "half": Fraction(2),
    "quarter": Fraction(1), "eighth": Fraction(1, 2), "16th": Fraction(1, 4), "32nd": Fraction(1, 8),
    "64th": Fraction(1, 16), "128th": Fraction(1, 32), "256th": Fraction(1, 64), "512th": Fraction(1, 128),
    "1024th": Fraction(1, 256),
}  # fmt: skip
"""MusicXML's note-type-value in quarters."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def read_metronome(metronome: Element) -> float | Modulation | None:
    """Return the quarters per minute that a <metronome> asks for.

    "c. 80" is 80, "80-90" is 85; "note = note" gives the right one, from here on, the length that the left one had, in
    beat units or in metronome notes (tuplets count). None where there is nothing to go by.
    """
    units: list[Fraction] = []
    for child in metronome:
        if child.tag == "beat-unit":
            units.append(NOTE_TYPES.get((child.text or "").strip(), Fraction(1)))
        elif child.tag == "beat-unit-dot" and units:
            units[-1] += _dot(units[-1])
    if len(units) >= 2:
        return Modulation(float(units[1] / units[0]))
    if not units:
        return _note_relation(metronome)
    numbers = [
        float(number.replace(",", ".")) for number in _NUMBER.findall(metronome.findtext("per-minute") or "")[:2]
    ]
    return positive(str(sum(numbers) / len(numbers) * float(units[0]))) if numbers else None


def _note_relation(metronome: Element) -> Modulation | None:
    """Read <metronome-note>s on both sides of a <metronome-relation>."""
    sides = [Fraction(0), Fraction(0)]
    side = 0
    for child in metronome:
        if child.tag == "metronome-relation":
            side = 1
        elif child.tag == "metronome-note":
            length = NOTE_TYPES.get((child.findtext("metronome-type") or "").strip(), Fraction(1))
            for _ in child.findall("metronome-dot")[:4]:
                length += _dot(length)
            normal, actual = (child.findtext(f"metronome-tuplet/{kind}-notes") or "1" for kind in ("normal", "actual"))
            if normal.isdecimal() and actual.isdecimal() and int(actual):
                length *= Fraction(int(normal), int(actual))
            sides[side] += length
    return Modulation(float(sides[1] / sides[0])) if all(sides) else None


def _dot(unit: Fraction) -> Fraction:
    """Return what the next dot adds: half of a plain unit, a quarter of a dotted one."""
    return unit / 2 if unit.numerator & (unit.numerator - 1) == 0 else unit / 6


def positive(text: str | None) -> float | None:
    """Return the number in `text` when it is above 0."""
    match = _NUMBER.fullmatch((text or "").strip())
    value = float(match[0].replace(",", ".")) if match else 0.0
    return value if value > 0 else None
