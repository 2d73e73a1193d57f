"""True peaks: how high the waveform rises between samples, where it can rise above a ceiling at all.

BS.1770-4 Annex 2 asks for four times oversampling at 44.1 and 48 kHz. Most of a song is too quiet to come near the
ceiling: an interpolated value is a sum of the samples about it, never above the highest of them times the sum of the
interpolator's weights. Only pieces where that bound reaches the ceiling are oversampled.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

OVERSAMPLING = 4
PIECE = 64
REACH = 12
"""Samples on either side that an interpolated one is made of."""
_KAISER_BETA = 5.0


class TruePeakMeter:
    """Gives each sample the level of the waveform up to the next one where that exceeds a ceiling, 0 elsewhere."""

    def __init__(self, channels: int, ceiling: float) -> None:
        import numpy as np

        self._ceiling = ceiling
        self._pending = np.zeros((REACH, channels), np.float32)
        """From `REACH` samples before the first one that has not been answered for."""

    def add(self, block: Array, last: bool = False) -> tuple[int, Array, Array]:
        """Take the next block, [samples, channels]; `last` says that nothing follows it.

        Returns how many samples are known now, which of them exceed the ceiling, and their levels over all channels.
        """
        import numpy as np

        ahead = np.zeros((REACH if last else 0, block.shape[1]), np.float32)
        self._pending = np.concatenate([self._pending, block, ahead])
        known = max(0, len(self._pending) - 2 * REACH)
        if not last:
            known -= known % PIECE
        pieces = -(-known // PIECE)
        levels = np.zeros(pieces * PIECE, np.float32)
        for channel in range(block.shape[1] if known else 0):
            where, found = self._levels(self._pending[:, channel], pieces)
            rows = levels.reshape(pieces, PIECE)
            rows[where] = np.maximum(rows[where], found)
        self._pending = self._pending[known:]
        above = np.flatnonzero(levels[:known] > self._ceiling)
        return known, above, levels[above]

    def _levels(self, samples: Array, pieces: int) -> tuple[Array, Array]:
        """Return the pieces that may exceed the ceiling and the levels in them, [found, 64]."""
        import numpy as np

        weights, bound = _interpolator()
        width = PIECE + 2 * REACH
        padded = np.zeros(pieces * PIECE + 2 * REACH, np.float32)
        padded[: len(samples)] = samples[: len(padded)]
        windows = np.lib.stride_tricks.sliding_window_view(padded, width)[::PIECE]
        where = np.flatnonzero(_highest(padded, pieces) * bound > self._ceiling)
        near = windows[where]
        levels = np.abs(near[:, REACH : REACH + PIECE])
        between = np.abs(near @ weights)
        for part in range(OVERSAMPLING - 1):
            levels = np.maximum(levels, between[:, part * PIECE : (part + 1) * PIECE])
        return where, levels


def _highest(padded: Array, pieces: int) -> Array:
    """Return the highest level within reach of each piece; it may count samples a little further away."""
    import numpy as np

    level = np.zeros((pieces + 1) * PIECE, np.float32)
    np.abs(padded, out=level[: len(padded)])
    rows = level.reshape(pieces + 1, PIECE)
    while rows.shape[1] > 1:  # by halves: numpy is slow along a short axis
        rows = np.maximum(rows[:, : rows.shape[1] // 2], rows[:, rows.shape[1] // 2 :])
    found: Array = np.maximum(rows[:-1, 0], rows[1:, 0])
    return found


@lru_cache(maxsize=1)
def _interpolator() -> tuple[Array, float]:
    """Return the weights of the values between samples, float32 [64 + 2 × 12, 3 × 64], and the largest sum of sizes."""
    import numpy as np

    offsets = np.arange(-REACH + 1, REACH + 1)
    weights = np.zeros((PIECE + 2 * REACH, (OVERSAMPLING - 1) * PIECE))
    bound = 1.0
    for part in range(1, OVERSAMPLING):
        distances = offsets - part / OVERSAMPLING
        window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(0, 1 - (distances / REACH) ** 2))) / np.i0(_KAISER_BETA)
        taps = np.sinc(distances) * window
        taps /= taps.sum()
        bound = max(bound, float(np.abs(taps).sum()))
        for sample in range(PIECE):
            column = (part - 1) * PIECE + sample
            weights[sample + 1 : sample + 1 + len(taps), column] = taps
    return weights.astype(np.float32), bound
