"""A part's loudness curve as it is played: the written one along the roadmap."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from fractions import Fraction

from singsynth_mcp.score.lookup import find_line
from singsynth_mcp.score.model import Loudness, Score
from singsynth_mcp.score.timeline import Timeline


def played_loudness(score: Score, part: str, timeline: Timeline | None = None) -> tuple[tuple[float, float], ...]:
    """Return (played quarter, dB) points, linear between, two at one place a jump; empty where nothing is marked.

    Before its first mark a part is at 0 dB, mf. Raises UnknownName.
    """
    written = find_line(score, part)[0].loudness
    if not any(point.decibels for point in written):
        return ()
    points: list[tuple[float, float]] = []
    start = Fraction(0)
    for played in (timeline or Timeline(score)).order:
        measure = score.measures[played.index]
        first, end = measure.position, measure.position + measure.duration
        inside = written[bisect_right(written, first, key=_position) : bisect_left(written, end, key=_position)]
        points.append((float(start), _level(written, first, is_after=True)))
        points += [(float(start + point.position - first), point.decibels) for point in inside]
        start += measure.duration
        points.append((float(start), _level(written, end, is_after=False)))
    return tuple(points)


def _position(point: Loudness) -> Fraction:
    return point.position


def _level(points: tuple[Loudness, ...], position: Fraction, *, is_after: bool) -> float:
    """Return the decibels just before a position, or from it on."""
    place = (bisect_right if is_after else bisect_left)(points, position, key=_position)
    if place == 0:
        return 0.0
    left = points[place - 1]
    if place == len(points) or left.position == position:
        return left.decibels
    right = points[place]
    if not is_after and right.position == position:
        return right.decibels if right.position > left.position else left.decibels
    share = float((position - left.position) / (right.position - left.position))
    return left.decibels + share * (right.decibels - left.decibels)
