"""Played quarters against seconds, as the played notes say."""

from __future__ import annotations

from collections.abc import Sequence

from singsynth_mcp.performance.curves import TimeMap
from singsynth_mcp.score.model import PlayedNote


def time_map(notes: Sequence[PlayedNote]) -> TimeMap:
    """Return the map through the starts and ends of played notes, in order of time; the song starts at 0."""
    knots = [(0.0, 0.0)]
    for note in notes:
        end = (float(note.start_quarters + note.duration_quarters), note.start_s + note.duration_s)
        for quarter, second in ((float(note.start_quarters), note.start_s), end):
            if quarter > knots[-1][0] and second > knots[-1][1]:
                knots.append((quarter, second))
    if len(knots) == 1:
        knots.append((1.0, 1.0))
    quarters, seconds = zip(*knots, strict=True)
    return TimeMap(quarters, seconds)
