"""Quarters → seconds by the tempo map."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction
from math import ceil

from singsynth_mcp.score.lookup import notes_of
from singsynth_mcp.score.model import Score, Tempo, TempoBend

FERMATA_STRETCH = Fraction(3, 2)
"""A held note sounds this many times its written length."""
_STEP = Fraction(1, 2)
"""Quarters between the steps of a bend."""
_MOST_STEPS = 64
Hold = tuple[Fraction, Fraction]
"""From and to, in written quarters: the time that a fermata stretches."""


class TempoMap:
    """Seconds of a position in the score as written, counted from its beginning without repeats."""

    def __init__(self, tempos: Iterable[Tempo], holds: Iterable[Hold] = (), bends: Iterable[TempoBend] = ()) -> None:
        holds = list(holds)
        tempos = list(tempos)
        steps = [step for bend in bends for step in _steps(bend)]
        marks = {tempo.position for tempo in tempos} | {edge for hold in holds for edge in hold}
        self._positions = sorted(marks | {edge for start, end, _ in steps for edge in (start, end)})
        self._places = [float(position) for position in self._positions]
        """For looking up: comparing fractions takes five times as long."""
        self._seconds: list[float] = []
        self._rates: list[float] = []
        seconds, tempo_index, hold_index, step_index = 0.0, 0, 0, 0
        for index, position in enumerate(self._positions):
            if index:
                seconds += self._rates[-1] * float(position - self._positions[index - 1])
            while tempo_index + 1 < len(tempos) and tempos[tempo_index + 1].position <= position:
                tempo_index += 1
            while hold_index < len(holds) and holds[hold_index][1] <= position:
                hold_index += 1
            while step_index < len(steps) and steps[step_index][1] <= position:
                step_index += 1
            rate = 60 / tempos[tempo_index].quarters_per_minute
            if hold_index < len(holds) and holds[hold_index][0] <= position:
                rate *= float(FERMATA_STRETCH)
            if step_index < len(steps) and steps[step_index][0] <= position:
                rate /= steps[step_index][2]
            self._seconds.append(seconds)
            self._rates.append(rate)

    def seconds_at(self, position: Fraction) -> float:
        """Return the seconds from the beginning to `position` quarters."""
        index = max(0, bisect_right(self._places, float(position)) - 1)
        return self._seconds[index] + self._rates[index] * float(position - self._positions[index])

    def steps(self) -> list[Tempo]:
        """Return the map as tempos alone, bends and holds as steps, each only where it changes."""
        steps: list[Tempo] = []
        for position, rate in zip(self._positions, self._rates, strict=True):
            tempo = 60 / rate
            if not steps or abs(steps[-1].quarters_per_minute - tempo) > 1e-9 * tempo:
                steps.append(Tempo(position, tempo))
        return steps


def _steps(bend: TempoBend) -> list[tuple[Fraction, Fraction, float]]:
    """Return a bend as steps of even tempo: from, to, factor."""
    length = bend.end - bend.position
    if bend.first == bend.last:
        return [(bend.position, bend.end, bend.first)]
    count = min(max(1, ceil(length / _STEP)), _MOST_STEPS)
    edges = [bend.position + length * index / count for index in range(count + 1)]
    return [
        (edges[index], edges[index + 1], bend.first + (bend.last - bend.first) * (index + 0.5) / count)
        for index in range(count)
    ]


def holds_of(score: Score) -> list[Hold]:
    """Return the stretches that fermatas hold, in order, never overlapping.

    Every part waits for a fermata in any part. Where several end together, the shortest note is the one that is held.
    """
    by_end: dict[Fraction, Fraction] = {}
    for _, _, note in notes_of(score):
        if note.fermata and note.duration:
            end = note.position + note.duration
            by_end[end] = max(by_end.get(end, note.position), note.position)
    holds: list[Hold] = []
    for start, end in sorted((start, end) for end, start in by_end.items()):
        if holds and start < holds[-1][1]:
            holds[-1] = (holds[-1][0], max(end, holds[-1][1]))
        else:
            holds.append((start, end))
    return holds
