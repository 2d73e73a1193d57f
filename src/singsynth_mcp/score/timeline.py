"""The score's time as played: the measures in their order, and seconds."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction

from singsynth_mcp.score.model import Score
from singsynth_mcp.score.roadmap import playing_order
from singsynth_mcp.score.tempo import TempoMap, holds_of


class Timeline:
    """The playing order of a score's measures, and the seconds of a played position, with fermatas and tempo words."""

    def __init__(self, score: Score) -> None:
        self.order = playing_order(score.measures)
        self._tempo_map = TempoMap(score.tempos, holds_of(score), score.bends)
        self._starts: list[Fraction] = []
        self._places: list[float] = []
        """The same, for looking up (as in TempoMap)."""
        self._start_seconds: list[float] = []
        self._written: list[tuple[Fraction, float]] = []
        """Where each measure begins as written, in quarters and seconds."""
        self._known: dict[Fraction, float] = {}
        """Seconds by played quarters: a note begins where the one before ended."""
        quarters, seconds = Fraction(0), 0.0
        for played in self.order:
            measure = score.measures[played.index]
            written_seconds = self._tempo_map.seconds_at(measure.position)
            self._starts.append(quarters)
            self._places.append(float(quarters))
            self._start_seconds.append(seconds)
            self._written.append((measure.position, written_seconds))
            quarters += measure.duration
            seconds += self._tempo_map.seconds_at(measure.position + measure.duration) - written_seconds

    def seconds_at(self, played: Fraction) -> float:
        """Return the seconds from the beginning to `played` quarters."""
        seconds = self._known.get(played)
        if seconds is None:
            index = bisect_right(self._places, float(played)) - 1
            written, written_seconds = self._written[index]
            inside = self._tempo_map.seconds_at(written + played - self._starts[index])
            seconds = self._known[played] = self._start_seconds[index] + inside - written_seconds
        return seconds


def played_length(score: Score) -> tuple[Fraction, float]:
    """Return the score's length as played, in quarters, and in seconds by its tempo marks alone (no fermatas)."""
    tempo_map = TempoMap(score.tempos)
    measures = [score.measures[played.index] for played in playing_order(score.measures)]
    seconds = sum(
        tempo_map.seconds_at(measure.position + measure.duration) - tempo_map.seconds_at(measure.position)
        for measure in measures
    )
    return sum((measure.duration for measure in measures), Fraction(0)), seconds
