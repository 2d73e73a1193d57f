"""Durations → the values that notation has."""

from __future__ import annotations

from fractions import Fraction

_TYPES = (
    ("breve", 8), ("whole", 4), ("half", 2), ("quarter", 1), ("eighth", Fraction(1, 2)), ("16th", Fraction(1, 4)),
    ("32nd", Fraction(1, 8)), ("64th", Fraction(1, 16)), ("128th", Fraction(1, 32)),
)  # fmt: skip
_DOTTED = {Fraction(length) * (2 - Fraction(1, 2**dots)): (name, dots, None) for name, length in _TYPES
           for dots in (0, 1, 2)}  # fmt: skip
_TUPLETS = {
    Fraction(length) * Fraction(normal, actual): (name, 0, (actual, normal))
    for actual, normal in ((7, 4), (5, 4), (3, 2))
    for name, length in _TYPES
}
Value = tuple[str, int, tuple[int, int] | None]
"""Type, dots, and (actual, normal) of a tuplet."""


def note_value(duration: Fraction) -> Value | None:
    """Return how a duration is written; None where no single sign has it."""
    return _DOTTED.get(duration) or _TUPLETS.get(duration)


def written_pieces(duration: Fraction) -> list[Fraction]:
    """Return a duration as tied values, the longest first; what no value fits stays whole."""
    pieces: list[Fraction] = []
    while duration and note_value(duration) is None:
        largest = max((length for length in _DOTTED if length < duration), default=None)
        if largest is None or len(pieces) == 3:
            break
        pieces.append(largest)
        duration -= largest
    return [*pieces, duration] if duration else pieces
