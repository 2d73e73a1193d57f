from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr

from singsynth_mcp.media.limiter import Limiter
from singsynth_mcp.media.loudness import LoudnessMeter, decibels
from singsynth_mcp.media.true_peak import TruePeakMeter

RATE = 44_100


def measured(audio: np.ndarray, rate: int = RATE, block: int = 65_536) -> float | None:
    meter = LoudnessMeter(rate, audio.shape[1])
    for start in range(0, len(audio), block):
        meter.add(audio[start : start + block])
    return meter.integrated()


def sung_like(seconds: float, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """Notes of different level with rests between, so that both gates have something to do."""
    generator = np.random.default_rng(7)
    time = np.arange(int(seconds * rate)) / rate
    level = 10 ** (generator.uniform(-40, 0, int(seconds) + 1)[(time).astype(int)] / 20) * (time % 3 < 2.2)
    tone = sum(np.sin(2 * np.pi * 233 * k * time) / k for k in range(1, 30)) * level * 0.2
    tone = tone + generator.standard_normal(len(time)) * 1e-3
    return np.stack([tone * 0.8**channel for channel in range(channels)], axis=1)


def test_the_standards_own_check() -> None:
    """BS.1770-4: a 997 Hz sine at full scale in one channel reads -3.01 LUFS."""
    sine = np.sin(2 * np.pi * 997 * np.arange(10 * 48_000) / 48_000)[:, np.newaxis]
    assert measured(sine, 48_000) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (48_000, 2), (24_000, 1)])
def test_it_agrees_with_pyloudnorm(rate: int, channels: int) -> None:
    pyloudnorm = pytest.importorskip("pyloudnorm")
    audio = sung_like(20, rate, channels)
    loudness = measured(audio, rate)
    exact = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(audio)
    assert loudness == pytest.approx(exact, abs=0.02)
    assert loudness == pytest.approx(pyloudnorm.Meter(rate).integrated_loudness(audio), abs=0.1)


def test_the_size_of_the_blocks_does_not_matter() -> None:
    audio = sung_like(5)
    assert measured(audio, block=1000) == pytest.approx(measured(audio, block=10**9), abs=1e-3)


def test_silence_has_no_loudness_and_a_short_clip_has_its_mean() -> None:
    assert measured(np.zeros((RATE, 1))) is None
    assert measured(np.zeros((0, 1))) is None
    assert measured(np.zeros((100, 1))) is None
    tone = 0.5 * np.sin(2 * np.pi * 997 * np.arange(RATE) / RATE)[:, np.newaxis]
    assert measured(tone[: RATE // 5]) == pytest.approx(measured(tone), abs=0.3)


def limited(audio: np.ndarray, block: int = 65_536) -> tuple[np.ndarray, Limiter]:
    limiter = Limiter(RATE, audio.shape[1], -1.0)
    pieces = [limiter.add(audio[start : start + block])[0] for start in range(0, len(audio), block)]
    return np.concatenate([*pieces, limiter.add(audio[:0], last=True)[0]]), limiter


def true_peak_dbtp(audio: np.ndarray) -> float:
    return decibels(float(np.abs(soxr.resample(audio, 1, 8, quality="VHQ")).max()))


def test_the_limiter_holds_the_ceiling_between_samples_too() -> None:
    """A tone at a quarter of the sample rate, 45° off its samples, peaks 3 dB above them."""
    between = np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4)[:, np.newaxis].astype(np.float32)
    assert decibels(np.abs(between).max()) < -3
    loud = (sung_like(10, channels=2) * 6).astype(np.float32)
    for audio in (between, loud):
        result, limiter = limited(audio)
        assert limiter.active
        assert len(result) == len(audio)
        assert true_peak_dbtp(result) <= -1.0


def test_the_limiter_leaves_alone_what_is_quiet() -> None:
    quiet = (sung_like(3) * 0.3).astype(np.float32)
    result, limiter = limited(quiet)
    np.testing.assert_array_equal(result, quiet)
    assert not limiter.active
    burst = quiet.copy()
    burst[RATE : RATE + 20] = 1.0
    result, limiter = limited(burst)
    assert limiter.active
    untouched = np.r_[0 : RATE - 900, RATE + 920 : len(burst)]
    np.testing.assert_array_equal(result[untouched], burst[untouched])


@pytest.mark.parametrize("length", [0, 1, 50, 900, 70_000])
def test_no_length_and_no_block_size_loses_a_sample(length: int) -> None:
    audio = (sung_like(2) * 6).astype(np.float32)[:length]
    result, _ = limited(audio)
    assert result.shape == audio.shape
    assert TruePeakMeter(1, 1.0).add(audio, last=True)[0] == length
    np.testing.assert_allclose(limited(audio, block=777)[0], result, atol=1e-6)


def test_nothing_here_imports_scipy(tmp_path: Path) -> None:
    """scipy.signal alone would cost a second and a half before the first file is saved."""
    import subprocess
    import sys

    code = (
        "import sys, singsynth_mcp.media.mastering as m, singsynth_mcp.media.loudness; sys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
