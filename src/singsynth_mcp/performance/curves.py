"""Curves: a number, or points with straight lines between them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from singsynth_mcp.performance.model import Curve


def sample_curve(curve: Curve, times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the curve at each time; before the first point and after the last it keeps their values."""
    if not isinstance(curve, tuple):
        return np.full(len(times_s), float(curve))
    points = sorted(curve)
    return np.interp(times_s, [time for time, _ in points], [value for _, value in points])
