"""Loudness as ITU-R BS.1770-4 measures it, from blocks of a song or from energies measured before.

pyloudnorm wants the whole song in memory and costs a second of start-up for its scipy; a test holds this meter to it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from singsynth_mcp.media.weighting import PIECE, weighted_energies

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
RESPONSE_S = 0.1
"""How long the filters ring: what follows is below -150 dB."""
_OFFSET_LU = -0.691
_STEPS_PER_SECOND = 10
_STEPS_PER_WINDOW = 4
"""Gating windows of 400 ms, 100 ms apart."""


class LoudnessMeter:
    """Collects the energies of a song and answers with its integrated loudness."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        import numpy as np

        self._rate = sample_rate
        self._history = np.zeros((response_pieces(sample_rate) * PIECE, channels), np.float32)
        self._steps = np.zeros(0)
        """Energies of 100 ms each."""
        self.samples = 0

    def add(self, block: Array) -> None:
        """Take the next block, [samples, channels]."""
        import numpy as np

        if not len(block):
            return
        joined = np.concatenate([self._history, block])
        settled = len(self._history)
        self.add_energies(
            self.samples, weighted_energies(joined, self._rate, skip=settled // PIECE), self.samples + len(block)
        )
        self._history = joined[-settled:]

    def add_energies(self, first: int, energies: Array, stop: int) -> None:
        """Take what `weighted_energies` gave for the samples from `first` to `stop` of the song."""
        import numpy as np

        width = self._rate / _STEPS_PER_SECOND
        low, high = int(first / width), math.ceil(stop / width)
        if high > len(self._steps):
            self._steps = np.pad(self._steps, (0, max(high, 2 * len(self._steps)) - len(self._steps)))
        ends = np.minimum(first + PIECE * np.arange(len(energies) + 1), stop)
        grown = np.concatenate([[0.0], np.cumsum(energies)])
        self._steps[low:high] += np.diff(np.interp(np.arange(low, high + 1) * width, ends, grown))
        self.samples = max(self.samples, stop)

    def scale(self, gain: float) -> None:
        """Count everything taken so far as if it had been louder by `gain`."""
        self._steps *= gain * gain

    def integrated(self, samples: int | None = None) -> float | None:
        """Return LUFS, or None for silence. A clip under 0.4 s has no gating window: its mean level is returned.

        samples: length of the song where it ends before the filters have stopped ringing.
        """
        import numpy as np

        length = self.samples if samples is None else samples
        steps = self._steps[: length * _STEPS_PER_SECOND // self._rate]
        if len(steps) < _STEPS_PER_WINDOW:
            level = _lufs(float(self._steps.sum()) / max(length, 1))
            return level if level > ABSOLUTE_GATE_LUFS else None
        window_samples = _STEPS_PER_WINDOW * self._rate / _STEPS_PER_SECOND
        powers = np.convolve(steps, np.ones(_STEPS_PER_WINDOW), "valid") / window_samples
        powers = powers[powers >= _power(ABSOLUTE_GATE_LUFS)]
        if not len(powers):
            return None
        relative = _lufs(float(powers.mean())) + RELATIVE_GATE_LU
        return _lufs(float(powers[powers > _power(relative)].mean()))


def response_pieces(sample_rate: int) -> int:
    """Return how many pieces of 64 samples the filters ring."""
    return math.ceil(RESPONSE_S * sample_rate / PIECE)


def decibels(ratio: float) -> float:
    """Return an amplitude ratio in dB; -120 for anything below that."""
    return 20 * math.log10(max(ratio, 1e-6))


def _lufs(power: float) -> float:
    return _OFFSET_LU + 10 * math.log10(max(power, 1e-20))


def _power(lufs: float) -> float:
    return 10 ** ((lufs - _OFFSET_LU) / 10)
