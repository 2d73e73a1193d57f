"""The limiter that keeps the true peak under a ceiling: look-ahead, block by block, at work only where it must."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from singsynth_mcp.media.true_peak import TruePeakMeter

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

LOOK_AHEAD_S = 0.01
"""Longer than a pitch period of the lowest voice, so that the gain does not follow the waveform."""
_MARGIN_DB = 0.2
"""For what changing the gain adds between samples."""


class Limiter:
    """Turns down what would exceed the ceiling, beginning 20 ms before and ending 20 ms after; leaves the rest."""

    def __init__(self, sample_rate: int, channels: int, ceiling_dbtp: float) -> None:
        import numpy as np

        self.ceiling: float = 10 ** ((ceiling_dbtp - _MARGIN_DB) / 20)
        """What has no true peak above this is left alone."""
        self._meter = TruePeakMeter(channels, self.ceiling)
        self._reach = round(LOOK_AHEAD_S * sample_rate)
        self._pending = np.zeros((0, channels), np.float32)
        self._known = 0
        """How many of the pending samples the meter has answered for."""
        self._peaks = np.zeros(0, np.int64)
        """Those that exceed the ceiling, counted from the first pending sample, ..."""
        self._needed = np.zeros(0, np.float32)
        """... and the gains that they need."""
        self.active = False
        """Whether anything had to be turned down so far."""

    def add(self, block: Array, last: bool = False) -> tuple[Array, Array | None]:
        """Take the next block, [samples, channels]; return the samples that are ready, in order, and their gains.

        The gains are None where nothing had to be turned down.
        """
        import numpy as np

        known, above, levels = self._meter.add(block, last)
        self._pending = np.concatenate([self._pending, block])
        self._peaks = np.concatenate([self._peaks, above + self._known])
        self._needed = np.concatenate([self._needed, self.ceiling / levels])
        self._known += known
        ready = max(0, self._known - (0 if last else 2 * self._reach))
        samples, gains = self._pending[:ready], self._gains(ready)
        self._pending, self._known = self._pending[ready:], self._known - ready
        kept = self._peaks >= ready - 2 * self._reach
        self._peaks, self._needed = self._peaks[kept] - ready, self._needed[kept]
        if gains is None:
            return samples, None
        self.active = True
        limited: Array = samples * gains[:, np.newaxis]
        return limited, gains

    def _gains(self, count: int) -> Array | None:
        """Return the gain of the first `count` pending samples, None where it is 1 throughout."""
        import numpy as np

        near = 2 * self._reach
        bearing = self._peaks < count + near
        peaks, needed = self._peaks[bearing], self._needed[bearing]
        if not count or not len(peaks):
            return None
        gains = np.ones(count, np.float32)
        starts = np.flatnonzero(np.diff(peaks, prepend=-np.inf) > 2 * near)
        for start, stop in zip(starts, [*starts[1:], len(peaks)], strict=True):
            first, smoothed = self._smoothed(peaks[start:stop], needed[start:stop])
            low, high = max(0, first), min(count, first + len(smoothed))
            if low < high:
                gains[low:high] = smoothed[low - first : high - first]
        return gains

    def _smoothed(self, peaks: Array, needed: Array) -> tuple[int, Array]:
        """Return the first sample that some peaks bear on, and the gains from there.

        The lowest gain needed within the reach, averaged over a window of the same reach: never above what a peak
        needs, and without a corner.
        """
        import numpy as np

        near, width = 2 * self._reach, 2 * self._reach + 1
        first = int(peaks[0]) - near
        gains = np.ones(int(peaks[-1]) + near + 1 - first + 2 * near)
        gains[peaks - first + near] = needed
        held = _sliding_minimum(gains, width)
        size = 1 << (len(held) - 1).bit_length()
        spectrum = np.fft.rfft(1 - held, size) * _window(width, size)
        # Of what is turned down, since a mean of ones would not be one.
        mean = np.fft.irfft(spectrum, size)[width - 1 : len(held)]
        return first, np.minimum(1, 1 - mean).astype(np.float32)


@lru_cache(maxsize=16)
def _window(width: int, size: int) -> Array:
    """Return the spectrum of a Hann window of sum 1."""
    import numpy as np

    window = np.hanning(width + 2)[1:-1]
    return np.fft.rfft(window / window.sum(), size)


def _sliding_minimum(values: Array, width: int) -> Array:
    """Return the minimum of every run of `width` values, by doubling."""
    import numpy as np

    done = 1
    while done < width:
        step = min(done, width - done)
        values = np.minimum(values[:-step], values[step:])
        done += step
    return values
