"""Curves: what a caller draws in played quarters, kept in a phrase in seconds, read at frames."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from singsynth_mcp.performance.model import Curve
from singsynth_mcp.performance.phrases import to_grid

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_DIGITS = 9
"""Values are rounded so far that equal curves at different places of a song are equal bytes."""


RAMP_S = 0.03
"""Over which a curve leaves what was put into it: a step of loudness would click."""


@dataclass(frozen=True)
class TimeMap:
    """Played quarters against seconds: knots, linear between, the outer slopes going on for ever."""

    quarters: tuple[float, ...]
    seconds: tuple[float, ...]
    """Both rising strictly, at least two knots."""

    def to_seconds(self, quarter: float) -> float:
        """Return the second at which a quarter is played."""
        return _interpolate(self.quarters, self.seconds, quarter)

    def to_quarters(self, second: float) -> float:
        """Return the quarter that is played at a second."""
        return _interpolate(self.seconds, self.quarters, second)


def phrase_curve(curve: Curve, time_map: TimeMap, origin_s: float, first_s: float, last_s: float) -> Curve:
    """Cut a curve over played quarters to a phrase and return it in seconds from the phrase's origin.

    A curve that is level within the phrase becomes a constant, so that it leaves the phrase's bytes as they would be
    anywhere else in the song.

    Args:
        curve: a constant, or points (quarter, value) with rising quarters; level before the first and after the last.
        time_map: of the whole song.
        origin_s: where the phrase's origin lies in the song.
        first_s: start of the stretch that is kept, in seconds from the origin.
        last_s: its end.
    """
    if not isinstance(curve, tuple):
        return float(curve)
    first_quarter, last_quarter = (time_map.to_quarters(origin_s + second) for second in (first_s, last_s))
    inner = curve[bisect_right(curve, first_quarter, key=_x) : bisect_left(curve, last_quarter, key=_x)]
    points = [
        (to_grid(first_s), level(curve, first_quarter)),
        *((to_grid(time_map.to_seconds(quarter) - origin_s), value) for quarter, value in inner),
        (to_grid(last_s), level(curve, last_quarter)),
    ]
    rounded = tuple((time, round(value, _DIGITS)) for time, value in points)
    return rounded[0][1] if len({value for _, value in rounded}) == 1 else rounded


def spliced(curve: Curve, piece: Curve, start_s: float, end_s: float, first_s: float, last_s: float) -> Curve:
    """Return a phrase's curve with another one put into a stretch; outside it runs over to the curve in RAMP_S.

    first_s, last_s: the phrase's own ends; a stretch that covers both leaves the piece alone.
    """
    inner = piece if isinstance(piece, tuple) else ((start_s, piece), (end_s, piece))
    inside = [point for point in inner if start_s < point[0] < end_s]
    points = [(start_s, level(inner, start_s)), *inside, (end_s, level(inner, end_s))]
    if start_s <= first_s and end_s >= last_s and not isinstance(piece, tuple):
        return piece
    outer = curve if isinstance(curve, tuple) else ((first_s, curve), (last_s, curve))
    if start_s > first_s:
        edge = start_s - RAMP_S
        points[:0] = [*(point for point in outer if point[0] < edge), (edge, level(outer, edge))]
    if end_s < last_s:
        edge = end_s + RAMP_S
        points += [(edge, level(outer, edge)), *(point for point in outer if point[0] > edge)]
    rounded = tuple((to_grid(time), round(value, _DIGITS)) for time, value in points)
    return rounded[0][1] if len({value for _, value in rounded}) == 1 else rounded


def sample_curve(curve: Curve, times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a phrase's curve at times in seconds from its origin; level outside its points."""
    import numpy as np

    if not isinstance(curve, tuple):
        return np.full(times_s.shape, float(curve))
    times, values = zip(*curve, strict=True)
    sampled: npt.NDArray[np.float64] = np.interp(times_s, times, values)
    return sampled


def _x(point: tuple[float, float]) -> float:
    return point[0]


def level(points: Sequence[tuple[float, float]], x: float) -> float:
    """Interpolate, level outside; the later of points at one place counts."""
    after = bisect_right(points, x, key=_x)
    if after == 0:
        return points[0][1]
    if after == len(points):
        return points[-1][1]
    (left, low), (right, high) = points[after - 1], points[after]
    return low + (x - left) / (right - left) * (high - low)


def _interpolate(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    after = min(max(bisect_right(xs, x), 1), len(xs) - 1)
    slope = (ys[after] - ys[after - 1]) / (xs[after] - xs[after - 1])
    return ys[after - 1] + slope * (x - xs[after - 1])
