"""True peak and the limiter that keeps it under a ceiling: look-ahead, four times oversampled, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

OVERSAMPLING = 4
"""What BS.1770-4 Annex 2 asks of a true-peak meter at 44.1 and 48 kHz."""
LOOK_AHEAD_S = 0.01
"""Longer than a pitch period of the lowest voice, so that the gain does not follow the waveform."""
_MARGIN_DB = 0.2
"""For what changing the gain adds between samples."""


class TruePeakMeter:
    """Gives each sample the highest level, over channels, of the waveform up to the next sample."""

    def __init__(self, channels: int) -> None:
        import numpy as np
        import soxr

        self._oversample = soxr.ResampleStream(1, OVERSAMPLING, channels, dtype="float32")
        self._samples = np.zeros(0, np.float32)
        self._between = np.zeros(0, np.float32)

    def add(self, block: npt.NDArray[Any], last: bool = False) -> npt.NDArray[Any]:
        """Return the peaks that are known now, float32 [≤ samples so far]; `last` flushes the rest."""
        import numpy as np

        finer = self._oversample.resample_chunk(np.ascontiguousarray(block, np.float32), last=last)
        self._samples = np.concatenate([self._samples, np.abs(block).max(axis=1)])
        self._between = np.concatenate([self._between, np.abs(finer.reshape(-1, block.shape[1])).max(axis=1)])
        if last:
            missing = OVERSAMPLING * len(self._samples) - len(self._between)
            self._between = np.pad(self._between, (0, max(0, missing)))
        known = min(len(self._between) // OVERSAMPLING, len(self._samples))
        between = self._between[: known * OVERSAMPLING].reshape(known, OVERSAMPLING).max(axis=1, initial=0.0)
        peaks: npt.NDArray[Any] = np.maximum(self._samples[:known], between)
        self._samples, self._between = self._samples[known:], self._between[known * OVERSAMPLING :]
        return peaks


class Limiter:
    """Turns down what would exceed the ceiling, beginning 20 ms before and ending 20 ms after; leaves the rest."""

    def __init__(self, sample_rate: int, channels: int, ceiling_dbtp: float) -> None:
        import numpy as np

        self._meter = TruePeakMeter(channels)
        self._ceiling = 10 ** ((ceiling_dbtp - _MARGIN_DB) / 20)
        self._reach = round(LOOK_AHEAD_S * sample_rate)
        self._pending = np.zeros((0, channels), np.float32)
        self._gains = np.ones(2 * self._reach, np.float32)
        """Needed gains from 2 × reach samples before the first pending one."""
        self.active = False
        """Whether anything had to be turned down so far."""

    def add(self, block: npt.NDArray[Any], last: bool = False) -> npt.NDArray[Any]:
        """Take the next block, [samples, channels], and return those samples that are ready, in order."""
        import numpy as np

        peaks = self._meter.add(block, last)
        needed = self._ceiling / np.maximum(peaks, self._ceiling)
        self._gains = np.concatenate([self._gains, needed.astype(np.float32)])
        self._pending = np.concatenate([self._pending, block])
        if last:
            self._gains = np.concatenate([self._gains, np.ones(2 * self._reach, np.float32)])
        ready = max(0, len(self._gains) - 4 * self._reach)
        limited: npt.NDArray[Any] = self._pending[:ready] * self._smoothed(ready)[:, np.newaxis]
        self._pending, self._gains = self._pending[ready:], self._gains[ready:]
        return limited

    def _smoothed(self, count: int) -> npt.NDArray[Any]:
        """Return the gain of the first `count` pending samples.

        The lowest gain needed within the reach, averaged over a window of the same reach: never above what a peak
        needs, and without a corner.
        """
        import numpy as np

        gains = self._gains[: count + 4 * self._reach]
        if not count or gains.min() >= 1:
            return np.ones(count, np.float32)
        self.active = True
        width = 2 * self._reach + 1
        held = _sliding_minimum(gains, width)
        window = np.hanning(width + 2)[1:-1]
        # In double precision a mean of ones rounds to one, whatever order a processor adds in.
        return np.convolve(held.astype(np.float64), window / window.sum(), "valid").astype(np.float32)


def _sliding_minimum(values: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    """Return the minimum of every run of `width` values, by doubling."""
    import numpy as np

    done = 1
    while done < width:
        step = min(done, width - done)
        values = np.minimum(values[:-step], values[step:])
        done += step
    return values
