"""Loudness as ITU-R BS.1770-4 measures it, block by block.

pyloudnorm wants the whole song in memory and costs a second of start-up for its scipy; a test holds this meter to it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
_OFFSET_LU = -0.691
_STEPS_PER_SECOND = 10
_STEPS_PER_WINDOW = 4
"""Gating windows of 400 ms, 100 ms apart."""
_SHELF = (1681.974450955533, 3.999843853973347, 0.7071752369554196)
"""Hz, dB, Q of the first filter: the standard's 48 kHz coefficients as an analogue prototype."""
_HIGH_PASS = (38.13547087602444, 0.5003270373238773)
"""Hz, Q of the second."""
_RESPONSE_S = 0.1
"""Length kept of the filters' impulse response; what follows is below -150 dB."""

_FFT_STEP = 8192
"""Transforms have a multiple of this length: fast for a block of any length."""


class LoudnessMeter:
    """Collects blocks of a song and answers with its integrated loudness."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        import numpy as np

        self._rate = sample_rate
        self._taps = math.ceil(_RESPONSE_S * sample_rate)
        self._history = np.zeros((channels, self._taps), np.float32)
        self._pending = np.zeros(0)
        self._samples = 0
        self._steps: list[float] = []
        """Sums of squares of whole 100 ms steps, channels added."""

    def add(self, block: npt.NDArray[Any]) -> None:
        """Take the next block, [samples, channels]."""
        import numpy as np

        if not len(block):
            return
        joined = np.concatenate([self._history, block.T.astype(np.float32)], axis=1)
        samples = joined.shape[1]
        size = -(-samples // _FFT_STEP) * _FFT_STEP
        spectrum = np.fft.rfft(joined, size) * _k_weighting(self._rate, self._taps, size)
        weighted = np.fft.irfft(spectrum, size)[:, self._taps : samples]
        self._history = joined[:, -self._taps :]
        self._samples += len(block)
        self._pending = np.concatenate([self._pending, np.square(weighted, dtype=np.float64).sum(axis=0)])
        self._take_steps()

    def integrated(self) -> float | None:
        """Return LUFS, or None for silence. A clip under 0.4 s has no gating window: its mean level is returned."""
        import numpy as np

        steps = np.array(self._steps)
        if len(steps) < _STEPS_PER_WINDOW:
            total = float(steps.sum() + self._pending.sum())
            level = _lufs(total / max(self._samples, 1))
            return level if level > ABSOLUTE_GATE_LUFS else None
        window_samples = _STEPS_PER_WINDOW * self._rate / _STEPS_PER_SECOND
        powers = np.convolve(steps, np.ones(_STEPS_PER_WINDOW), "valid") / window_samples
        powers = powers[powers >= _power(ABSOLUTE_GATE_LUFS)]
        if not len(powers):
            return None
        relative = _lufs(float(powers.mean())) + RELATIVE_GATE_LU
        return _lufs(float(powers[powers > _power(relative)].mean()))

    def _take_steps(self) -> None:
        done = len(self._steps)
        start = round(done * self._rate / _STEPS_PER_SECOND)
        position = start
        while (stop := round((done + 1) * self._rate / _STEPS_PER_SECOND)) - start <= len(self._pending):
            self._steps.append(float(self._pending[position - start : stop - start].sum()))
            position, done = stop, done + 1
        self._pending = self._pending[position - start :]


def decibels(ratio: float) -> float:
    """Return an amplitude ratio in dB; -120 for anything below that."""
    return 20 * math.log10(max(ratio, 1e-6))


@lru_cache(maxsize=8)
def _k_weighting(sample_rate: int, taps: int, size: int) -> npt.NDArray[Any]:
    """Return the spectrum, at `size` points, of the two K-weighting filters' impulse response cut to `taps`."""
    import numpy as np

    grid = 1 << (4 * taps).bit_length()
    z = np.exp(-2j * np.pi * np.arange(grid // 2 + 1) / grid)
    impulse = np.fft.irfft(_shelf(z, sample_rate) * _high_pass(z, sample_rate), grid)[:taps]
    return np.fft.rfft(impulse, size).astype(np.complex64)


def _shelf(z: npt.NDArray[Any], sample_rate: int) -> npt.NDArray[Any]:
    """Return the high shelf's response at the unit-circle points `z` (each standing for one sample's delay)."""
    frequency, gain_db, q = _SHELF
    k = math.tan(math.pi * frequency / sample_rate)
    high = 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    numerator = (high + band * k / q + k * k) + 2 * (k * k - high) * z + (high - band * k / q + k * k) * z**2
    response: npt.NDArray[Any] = numerator / ((1 + k / q + k * k) + 2 * (k * k - 1) * z + (1 - k / q + k * k) * z**2)
    return response


def _high_pass(z: npt.NDArray[Any], sample_rate: int) -> npt.NDArray[Any]:
    frequency, q = _HIGH_PASS
    k = math.tan(math.pi * frequency / sample_rate)
    scale = 1 + k / q + k * k
    denominator = 1 + 2 * (k * k - 1) / scale * z + (1 - k / q + k * k) / scale * z**2
    response: npt.NDArray[Any] = (1 - 2 * z + z**2) / denominator
    return response


def _lufs(power: float) -> float:
    return _OFFSET_LU + 10 * math.log10(max(power, 1e-20))


def _power(lufs: float) -> float:
    return 10 ** ((lufs - _OFFSET_LU) / 10)
