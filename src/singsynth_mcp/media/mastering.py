"""A mix becomes a file: measured first, then levelled, limited and written in one pass.

Where one singer's phrases do not touch, their levels, measured phrase by phrase, are the song's; any other mix is heard
once for its levels. Which of the two it is depends on the mix alone, so that the same call writes the same samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singsynth_mcp.media.encoding import write_audio
from singsynth_mcp.media.levels import PhraseLevels
from singsynth_mcp.media.limiter import Limiter
from singsynth_mcp.media.loudness import LoudnessMeter, decibels, response_pieces
from singsynth_mcp.media.mixing import Mix
from singsynth_mcp.media.true_peak import highest
from singsynth_mcp.media.weighting import PIECE, weighted_energies

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

CEILING_DBTP = -1.0
"""Highest true peak of a saved file: what streaming services ask for, room for a lossy codec's overshoot."""
_GAIN_DECIMALS = 3
"""In dB: rounding of sums, which differs between processors, must not show in the samples."""

OnSamples = Callable[[int], None]
"""Told how many samples of both passes together are done; raises to stop the work."""


@dataclass(frozen=True)
class PlacedLevels:
    """A phrase's levels and where its origin lies in the song."""

    start_seconds: float
    levels: PhraseLevels

    @property
    def first_seconds(self) -> float:
        """Where its audio begins in the song."""
        return self.start_seconds + self.levels.offset_s

    @property
    def stop_seconds(self) -> float:
        """Where its audio ends in the song."""
        return self.first_seconds + self.levels.samples / self.sample_rate

    @property
    def sample_rate(self) -> int:
        """Of its audio."""
        return self.levels.sample_rate


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
    meter: LoudnessMeter
    samples: int
    true_peak: float | None = None
    """None where nobody looked."""

    @property
    def loudness_lufs(self) -> float | None:
        return self.meter.integrated(self.samples)


def save_mix(
    mix: Mix,
    path: Path,
    *,
    format: str,
    loudness_lufs: float | None,
    on_samples: OnSamples,
    levels: Sequence[PlacedLevels] = (),
) -> Master:
    """Write `mix` to `path` at `loudness_lufs` with its true peak at -1 dBTP or below.

    With `loudness_lufs` None the level stays as it is, and the limiter works only where a sample would clip.
    levels: those of the phrases of a mix's only track, where they are known.
    Raises StorageProblem and InvalidRequest as write_audio does.
    """
    before = _combined(mix, levels) or _measure(mix, on_samples)
    gain, loudness = 1.0, before.loudness_lufs
    if loudness_lufs is not None and loudness is not None:
        gain = 10 ** (round(loudness_lufs - loudness, _GAIN_DECIMALS) / 20)
    writing = _Writing(mix, before, gain, is_levelled=loudness_lufs is not None)

    def blocks() -> Iterator[Array]:
        for block in writing.blocks():
            on_samples(before.samples + writing.samples)
            yield block

    write_audio(path, blocks(), sample_rate=mix.sample_rate, channels=mix.channels, format=format)
    return Master(writing.samples, decibels(writing.peak), writing.loudness_lufs(), writing.limited)


def _combined(mix: Mix, levels: Sequence[PlacedLevels]) -> _Levels | None:
    """Return the levels of a song from those of its phrases; None where they sound together."""
    if len(mix.tracks) != 1 or mix.channels != 1 or not levels:
        return None
    track, rate = mix.tracks[0], mix.sample_rate
    firsts = [mix.first_sample(track, placed.first_seconds) for placed in levels]
    stops = [first + placed.levels.samples for first, placed in zip(firsts, levels, strict=True)]
    apart = response_pieces(rate) * PIECE
    if any(placed.sample_rate != rate for placed in levels) or any(
        following - stop < apart for (_, stop), (following, _) in pairwise(zip(firsts, stops, strict=True))
    ):
        return None
    meter = LoudnessMeter(rate, 1)
    gain: float = 10 ** (track.gain_db / 20)
    for first, stop, placed in zip(firsts, stops, levels, strict=True):
        meter.add_energies(first, placed.levels.energies * (gain * gain), stop + apart)
    peak = max(placed.levels.peak for placed in levels)
    true_peak = max(placed.levels.true_peak for placed in levels)
    return _Levels(gain * peak, meter, stops[-1], gain * true_peak)


def _measure(mix: Mix, on_samples: OnSamples) -> _Levels:
    meter, peak = LoudnessMeter(mix.sample_rate, mix.channels), 0.0
    for block in mix.blocks():
        meter.add(block)
        peak = max(peak, highest(block))
        on_samples(meter.samples)
    return _Levels(peak, meter, meter.samples)


class _Writing:
    """The second pass: what is encoded, and the levels of that."""

    def __init__(self, mix: Mix, before: _Levels, gain: float, *, is_levelled: bool) -> None:
        self.samples = 0
        self.peak = 0.0
        self._mix = mix
        self._gain = gain
        self._meter = before.meter
        self._meter.scale(gain)
        limiter = Limiter(mix.sample_rate, mix.channels, CEILING_DBTP)
        is_quiet = before.true_peak is not None and before.true_peak * gain <= limiter.ceiling
        self._limiter = limiter if (is_levelled or before.peak > 1) and not is_quiet else None
        self._change = _Change(mix)

    @property
    def limited(self) -> bool:
        """Whether anything had to be turned down."""
        return self._limiter is not None and self._limiter.active

    def blocks(self) -> Iterator[Array]:
        """Yield what is to be encoded."""
        import numpy as np

        for block in self._mix.blocks():
            block *= np.float32(self._gain)
            yield self._limited(block) if self._limiter else self._noted(block)
        if self._limiter:
            yield self._limited(np.zeros((0, self._mix.channels), np.float32), last=True)

    def loudness_lufs(self) -> float | None:
        """Return the loudness of what was encoded."""
        return self._meter.integrated(self.samples)

    def _limited(self, block: Array, *, last: bool = False) -> Array:
        assert self._limiter is not None
        limited, gains = self._limiter.add(block, last)
        change = self._change.energies(limited, gains)
        if change is not None:
            self._meter.add_energies(self.samples, change, self.samples + len(limited))
        return self._noted(limited)

    def _noted(self, block: Array) -> Array:
        self.peak = max(self.peak, highest(block))
        self.samples += len(block)
        return block


class _Change:
    """What limiting takes from the energies of a song; hears only the blocks that it changed."""

    def __init__(self, mix: Mix) -> None:
        import numpy as np

        self._rate = mix.sample_rate
        self._settled = response_pieces(mix.sample_rate)
        self._after = self._before = np.zeros((self._settled * PIECE, mix.channels), np.float32)
        """What came last as it was encoded, and as it would have been."""
        self._rings = False

    def energies(self, block: Array, gains: Array | None) -> Array | None:
        """Return the change by pieces of 64 samples, None where there is none."""
        import numpy as np

        untouched = block if gains is None else block / gains[:, np.newaxis]
        after, before = np.concatenate([self._after, block]), np.concatenate([self._before, untouched])
        change = None
        if len(block) and (gains is not None or self._rings):
            skip = self._settled
            change = weighted_energies(after, self._rate, skip=skip) - weighted_energies(before, self._rate, skip=skip)
        self._rings = gains is not None
        self._after, self._before = after[-len(self._after) :], before[-len(self._before) :]
        return change
