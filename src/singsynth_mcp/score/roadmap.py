"""Repeats, endings and jumps → the order in which the measures are played.

Every pass of a repeat is played, `times` is honoured; D.C. and D.S. are taken once, and after the jump repeats are not
taken and the last ending is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from singsynth_mcp.score.model import Measure

MAX_PLAYED = 20_000
"""Measures; a score that would go on longer is cut there."""


@dataclass(frozen=True)
class PlayedMeasure:
    """A measure as it comes in the playing order."""

    index: int
    """Into the score's measures."""
    pass_number: int
    """From 1, never twice the same for a measure: how often it has come by now; an ending's is its repeat's pass."""


def playing_order(measures: Sequence[Measure]) -> tuple[PlayedMeasure, ...]:
    """Return the measures in the order in which they are played."""
    return tuple(_Player(measures).play())


class _Player:
    """Walks the measures as a reader of the page does."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        self._measures = measures
        self._index = 0
        self._section_start = 0
        self._pass = 1
        self._jumped = False
        self._last_passes = _last_passes(measures)

    def play(self) -> list[PlayedMeasure]:
        played: list[PlayedMeasure] = []
        counts: Counter[int] = Counter()
        while self._index < len(self._measures) and len(played) < MAX_PLAYED:
            measure = self._measures[self._index]
            if measure.repeat_start and self._index > self._section_start:
                self._section_start, self._pass = self._index, 1
            if self._skips(measure):
                self._index += 1
                continue
            in_pass = self._pass if measure.endings and not self._jumped else 1
            counts[self._index] = max(counts[self._index] + 1, in_pass)
            played.append(PlayedMeasure(self._index, counts[self._index]))
            if self._jumped and measure.fine:
                break
            self._go_on(measure)
        return played

    def _skips(self, measure: Measure) -> bool:
        """Return whether the measure is an ending of another pass."""
        if not measure.endings:
            return False
        if self._jumped:
            return self._last_passes[self._index] not in measure.endings
        return self._pass not in measure.endings

    def _go_on(self, measure: Measure) -> None:
        """Move to the measure that comes after the one just played."""
        if self._jumped:
            coda = self._target("coda") if measure.to_coda else None
            self._index = self._index + 1 if coda is None else coda
            return
        passes = self._last_passes[self._index] or measure.repeat_times
        if measure.repeat_times and self._pass < passes:
            self._pass += 1
            self._index = self._section_start
            return
        if measure.jump:
            self._jumped = True
            segno = self._target("segno") if measure.jump == "dal_segno" else None
            self._index = segno or 0
            return
        self._index += 1
        if measure.repeat_times or self._leaves_endings(measure):
            self._section_start, self._pass = self._index, 1

    def _leaves_endings(self, measure: Measure) -> bool:
        if not measure.endings or self._index >= len(self._measures):
            return bool(measure.endings)
        return not self._measures[self._index].endings

    def _target(self, sign: str) -> int | None:
        """Return the measure with a segno or coda: the last one before here, else the next one after."""
        signs = [index for index, measure in enumerate(self._measures) if getattr(measure, sign)]
        if sign == "coda":
            return next((index for index in signs if index > self._index), None)
        return max((index for index in signs if index <= self._index), default=signs[0] if signs else None)


def _last_passes(measures: Sequence[Measure]) -> list[int]:
    """Return for each measure the last pass that its group of endings names; 0 outside endings."""
    last = [0] * len(measures)
    start = 0
    while start < len(measures):
        end = start
        while end < len(measures) and measures[end].endings and not (end > start and measures[end].repeat_start):
            end += 1
        if end > start:
            last[start:end] = [max(max(measure.endings) for measure in measures[start:end])] * (end - start)
        start = max(end, start + 1)
    return last
