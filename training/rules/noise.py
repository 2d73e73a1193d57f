"""Slow chance: low-passed noise for drift, jitter and the wandering of held vowels."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d


def smooth_noise(count: int, step: float, hertz: float, generator: np.random.Generator) -> np.ndarray:
    """Return float64 [count] of unit deviation, low-passed at about ``hertz``; ``step`` in seconds."""
    sigma = 1.0 / (2.0 * np.pi * hertz * step)
    margin = int(4 * sigma) + 1
    noise = gaussian_filter1d(generator.standard_normal(count + 2 * margin), sigma)
    return noise[margin : margin + count] * np.sqrt(2.0 * sigma * np.sqrt(np.pi))
