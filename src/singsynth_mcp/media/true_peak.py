"""True peaks: how high the waveform rises between samples, four times oversampled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

OVERSAMPLING = 4
"""What BS.1770-4 Annex 2 asks of a true-peak meter at 44.1 and 48 kHz."""


class TruePeakMeter:
    """Finds the samples from which the waveform rises above a ceiling before the next one."""

    def __init__(self, channels: int, ceiling: float) -> None:
        import numpy as np
        import soxr

        self.highest = 0.0
        """The true peak of all that is known."""
        self._ceiling = ceiling
        self._oversample = soxr.ResampleStream(1, OVERSAMPLING, channels, dtype="float32")
        self._samples = np.zeros((0, channels), np.float32)
        self._between = np.zeros((0, channels), np.float32)

    def add(self, block: Array, last: bool = False) -> tuple[int, Array, Array]:
        """Take the next block, [samples, channels]; `last` says that nothing follows it.

        Returns how many samples are known now, which of them exceed the ceiling, and their levels over all channels.
        """
        import numpy as np

        finer = self._oversample.resample_chunk(np.ascontiguousarray(block, np.float32), last=last)
        self._samples = np.concatenate([self._samples, block])
        self._between = np.concatenate([self._between, finer.reshape(-1, block.shape[1])])
        if last:
            missing = OVERSAMPLING * len(self._samples) - len(self._between)
            self._between = np.pad(self._between, ((0, max(0, missing)), (0, 0)))
        known = min(len(self._between) // OVERSAMPLING, len(self._samples))
        stop = known * OVERSAMPLING
        found = self._above(self._samples[:known], self._between[:stop])
        self._samples, self._between = self._samples[known:], self._between[stop:]
        return known, *found

    def _above(self, samples: Array, between: Array) -> tuple[Array, Array]:
        import numpy as np

        peak = max(highest(samples), highest(between))
        self.highest = max(self.highest, peak)
        if peak <= self._ceiling:  # as nearly everywhere: nothing is worth looking at sample by sample
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        levels = np.abs(samples).max(axis=1)
        for part in range(OVERSAMPLING):
            np.maximum(levels, np.abs(between[part::OVERSAMPLING]).max(axis=1), out=levels)
        above = np.flatnonzero(levels > self._ceiling)
        return above, levels[above]


def highest(samples: Array) -> float:
    """Return the highest level of samples; without a copy of them all, as numpy's abs would make one."""
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
