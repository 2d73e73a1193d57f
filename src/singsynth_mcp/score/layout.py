"""Notes in time without measures → measures by the meters, and the notes in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from singsynth_mcp.score.bars import Bar, new_bar
from singsynth_mcp.score.model import Lyric
from singsynth_mcp.score.voices import WrittenNote


@dataclass(slots=True)
class TimedNote:
    """A note at its place in the whole piece, in quarters."""

    position: Fraction
    duration: Fraction
    midi: float
    lyrics: tuple[Lyric, ...] = ()

    @property
    def end(self) -> Fraction:
        """Where it ends."""
        return self.position + self.duration


@dataclass(frozen=True)
class Meter:
    """A meter that holds from `position` on."""

    position: Fraction
    beats: int
    beat_type: int


class Layout:
    """Measures by the meters up to `end`, with a last one that is whole; a meter may change inside one and cuts it.

    Raises InvalidScore where they are too many.
    """

    def __init__(self, meters: Iterable[Meter], end: Fraction, name: str) -> None:
        self.bars: list[Bar] = []
        self._starts: list[Fraction] = []
        ordered = sorted(meters, key=lambda meter: meter.position)
        if not ordered or ordered[0].position > 0:
            ordered.insert(0, Meter(Fraction(0), 4, 4))
        position = Fraction(0)
        for index, meter in enumerate(ordered):
            is_last = index + 1 == len(ordered)
            until = end if is_last else min(ordered[index + 1].position, end)
            while position < until or (is_last and not self.bars):
                bar = new_bar(self.bars, str(len(self.bars) + 1), meter.beats, meter.beat_type, name)
                bar.duration = bar.nominal if is_last else min(bar.nominal, until - position)
                self.bars.append(bar)
                self._starts.append(position)
                position += bar.duration

    def place(self, position: Fraction) -> tuple[int, Fraction]:
        """Return the measure's index and the offset in it."""
        index = max(bisect_right(self._starts, position) - 1, 0)
        return index, position - self._starts[index]

    def written(self, notes: Sequence[TimedNote]) -> list[WrittenNote]:
        """Return the notes in the measures, as one voice."""
        return [
            WrittenNote(*self.place(note.position), note.duration, note.midi, (1, "1"), note.lyrics) for note in notes
        ]

    def add_tempo(self, position: Fraction, quarters_per_minute: float) -> None:
        """Note a tempo, if it lies within the measures."""
        index, offset = self.place(position)
        self.bars[index].tempos.append((offset, 1, quarters_per_minute))
