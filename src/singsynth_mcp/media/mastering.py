"""A mix becomes a file: measured in one pass, levelled, limited and written in a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singsynth_mcp.media.encoding import write_audio
from singsynth_mcp.media.limiter import Limiter
from singsynth_mcp.media.loudness import LoudnessMeter, decibels
from singsynth_mcp.media.mixing import Mix

if TYPE_CHECKING:
    import numpy.typing as npt

CEILING_DBTP = -1.0
"""Highest true peak of a saved file: what streaming services ask for, room for a lossy codec's overshoot."""

OnSamples = Callable[[int], None]
"""Told how many samples of both passes together are done; raises to stop the work."""


@dataclass(frozen=True)
class Master:
    """A written file in numbers, measured on the samples that were encoded."""

    samples: int
    peak_dbfs: float
    loudness_lufs: float | None
    """None for silence."""
    limited: bool


@dataclass(frozen=True)
class _Levels:
    peak: float
    loudness_lufs: float | None
    samples: int


def save_mix(mix: Mix, path: Path, *, format: str, loudness_lufs: float | None, on_samples: OnSamples) -> Master:
    """Write `mix` to `path` at `loudness_lufs` with its true peak at -1 dBTP or below.

    With `loudness_lufs` None the level stays as it is, and the limiter works only where a sample would clip.
    Raises StorageProblem and InvalidRequest as write_audio does.
    """
    before = _measure(mix, on_samples)
    gain = 1.0
    if loudness_lufs is not None and before.loudness_lufs is not None:
        gain = 10 ** ((loudness_lufs - before.loudness_lufs) / 20)
    limiter = None
    if loudness_lufs is not None or before.peak > 1:
        limiter = Limiter(mix.sample_rate, mix.channels, CEILING_DBTP)
    meter = _Meter(mix)

    def blocks() -> Iterator[npt.NDArray[Any]]:
        for block in _levelled(mix, gain, limiter):
            meter.add(block)
            on_samples(before.samples + meter.samples)
            yield block

    write_audio(path, blocks(), sample_rate=mix.sample_rate, channels=mix.channels, format=format)
    after = meter.levels()
    return Master(after.samples, decibels(after.peak), after.loudness_lufs, limiter is not None and limiter.active)


def _measure(mix: Mix, on_samples: OnSamples) -> _Levels:
    meter = _Meter(mix)
    for block in mix.blocks():
        meter.add(block)
        on_samples(meter.samples)
    return meter.levels()


def _levelled(mix: Mix, gain: float, limiter: Limiter | None) -> Iterator[npt.NDArray[Any]]:
    import numpy as np

    for block in mix.blocks():
        scaled = block * np.float32(gain)
        yield limiter.add(scaled) if limiter else scaled
    if limiter:
        yield limiter.add(np.zeros((0, mix.channels), np.float32), last=True)


class _Meter:
    def __init__(self, mix: Mix) -> None:
        self._loudness = LoudnessMeter(mix.sample_rate, mix.channels)
        self._peak = 0.0
        self.samples = 0

    def add(self, block: npt.NDArray[Any]) -> None:
        import numpy as np

        self._loudness.add(block)
        self._peak = max(self._peak, float(np.abs(block).max(initial=0.0)))
        self.samples += len(block)

    def levels(self) -> _Levels:
        return _Levels(self._peak, self._loudness.integrated(), self.samples)
