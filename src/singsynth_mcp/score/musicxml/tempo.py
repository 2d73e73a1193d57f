"""Tempo marks: <sound tempo> and <metronome> → quarters per minute."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree.ElementTree import Element

_UNITS = {
    "maxima": Fraction(32), "long": Fraction(16), "breve": Fraction(8), "whole": Fraction(4), "half": Fraction(2),
    "quarter": Fraction(1), "eighth": Fraction(1, 2), "16th": Fraction(1, 4), "32nd": Fraction(1, 8),
    "64th": Fraction(1, 16), "128th": Fraction(1, 32),
}  # fmt: skip
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def metronome_tempo(metronome: Element, tempo_before: float) -> float | None:
    """Return the quarters per minute that a <metronome> asks for.

    "c. 80" is 80, "80-90" is 85; "note = note" gives the right one, from here on, the length that the left one had.
    None where there is nothing to go by.
    """
    units: list[Fraction] = []
    for child in metronome:
        if child.tag == "beat-unit":
            units.append(_UNITS.get((child.text or "").strip(), Fraction(1)))
        elif child.tag == "beat-unit-dot" and units:
            units[-1] += _dot(units[-1])
    if len(units) >= 2:
        return tempo_before * float(units[1] / units[0])
    numbers = [
        float(number.replace(",", ".")) for number in _NUMBER.findall(metronome.findtext("per-minute") or "")[:2]
    ]
    if not units or not numbers:
        return None
    return positive(str(sum(numbers) / len(numbers) * float(units[0])))


def _dot(unit: Fraction) -> Fraction:
    """Return what the next dot adds: half of a plain unit, a quarter of a dotted one."""
    return unit / 2 if unit.numerator & (unit.numerator - 1) == 0 else unit / 6


def positive(text: str | None) -> float | None:
    """Return the number in `text` when it is above 0."""
    match = _NUMBER.fullmatch((text or "").strip())
    value = float(match[0].replace(",", ".")) if match else 0.0
    return value if value > 0 else None
