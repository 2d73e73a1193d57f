"""Windows of phrases: what `sing` sends through the stages at a time, so that the first sound comes early."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST_SECONDS = 60.0


@dataclass(frozen=True, order=True)
class Window:
    """Consecutive phrases of one part."""

    start: float
    """Fraction of its part that lies before it: windows of several parts in this order follow the music."""
    part: int
    first: int
    """From 1."""
    last: int

    @property
    def phrases(self) -> str:
        """The `phrases` argument of the gpu tools."""
        return f"{self.first}-{self.last}"

    @property
    def size(self) -> int:
        """Number of phrases."""
        return self.last - self.first + 1


def windows_of(part: int, phrases: int, seconds: float, sung: Iterable[str] = ()) -> list[Window]:
    """Split a part of so many phrases and seconds: the first phrase alone, then doubling up to a minute of music.

    sung: phrases (`first-last`) that were sung before; as they take no time, they are not counted.
    """
    longest = max(1, int(_LONGEST_SECONDS * phrases / seconds)) if seconds > 0 else phrases
    known = {phrase for span in sung for phrase in _span(span)}
    windows = []
    first, size = 1, 1
    while first <= phrases:
        last, left = first - 1, size
        while last < phrases and (left or last + 1 in known):
            last += 1
            left -= last not in known
        windows.append(Window((first - 1) / phrases, part, first, last))
        first, size = last + 1, min(2 * size, longest)
    return windows


def _span(phrases: str) -> range:
    first, last = map(int, phrases.split("-"))
    return range(first, last + 1)
