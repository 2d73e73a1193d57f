"""A song mastered from its phrases' levels is the song mastered by hearing it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from singsynth_mcp.errors import ArtifactError
from singsynth_mcp.media.levels import levels_from_bytes, levels_to_bytes, measure_phrase
from singsynth_mcp.media.loudness import LoudnessMeter
from singsynth_mcp.media.mastering import Master, PlacedLevels, save_mix
from singsynth_mcp.media.mixing import Mix, PlacedPhrase, Track
from singsynth_mcp.performance.model import AudioPhrase

RATE = 44_100


def sung(seconds: float, level: float, seed: int) -> AudioPhrase:
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * 220 * k * time + k) / k for k in range(1, 20)) * np.sin(np.pi * time / seconds)
    return AudioPhrase((level * (tone + 0.01 * generator.standard_normal(len(time)))).astype(np.float32), RATE, -0.2)


def song(*gaps: float, level: float = 0.2, gain_db: float = 0.0) -> tuple[Mix, list[PlacedLevels]]:
    """Return phrases of 3 s with such gaps between them, and their levels."""
    placed, start = [], 0.2
    for seed, gap in enumerate((*gaps, 0.0)):
        placed.append(PlacedPhrase(start, sung(3, level * (1 + seed), seed)))
        start += 3 + gap
    levels = [PlacedLevels(one.start_seconds, measure_phrase(one.phrase)) for one in placed]
    return Mix.of([Track(placed, gain_db=gain_db)]), levels


def saved(mix: Mix, path: Path, levels: list[PlacedLevels], loudness: float | None = -16) -> tuple[Master, np.ndarray]:
    master = save_mix(mix, path, format="wav", loudness_lufs=loudness, on_samples=lambda _: None, levels=levels)
    return master, soundfile.read(path)[0]


@pytest.mark.parametrize("gain_db", [0.0, -9.0])
@pytest.mark.parametrize("loudness", [-16, -8, None])
def test_levels_of_phrases_give_the_songs(tmp_path: Path, loudness: float | None, gain_db: float) -> None:
    mix, levels = song(0.7, 1.3, gain_db=gain_db)
    heard, expected = saved(mix, tmp_path / "heard.wav", [], loudness)
    known, samples = saved(mix, tmp_path / "known.wav", levels, loudness)
    np.testing.assert_allclose(samples, expected, atol=2e-4)
    assert known.samples == heard.samples
    assert known.limited == heard.limited
    assert known.limited or loudness != -8
    assert known.loudness_lufs == pytest.approx(heard.loudness_lufs, abs=0.01)
    assert known.peak_dbfs == pytest.approx(heard.peak_dbfs, abs=0.01)


def test_the_loudness_that_is_told_is_that_of_the_file(tmp_path: Path) -> None:
    """Also where the limiter has changed it: only what it changed is heard again."""
    for loudness in (-16, -9, -6):
        mix, levels = song(0.7, 2.5)
        master, samples = saved(mix, tmp_path / "song.wav", levels, loudness)
        meter = LoudnessMeter(RATE, 1)
        meter.add(samples[:, np.newaxis].astype(np.float32))
        assert master.loudness_lufs == pytest.approx(meter.integrated(), abs=0.01)


def test_phrases_that_touch_are_heard(tmp_path: Path) -> None:
    """What the filters leave of one phrase would sound in the next: the levels given are not used."""
    mix, levels = song(0.05)
    wrong = [replace(one, levels=replace(one.levels, energies=one.levels.energies * 100)) for one in levels]
    assert saved(mix, tmp_path / "a.wav", wrong)[0] == saved(mix, tmp_path / "b.wav", [])[0]


def test_the_true_peak_of_a_phrase() -> None:
    """A tone at a quarter of the sample rate, 45° off its samples, peaks 3 dB above them."""
    tone = np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4).astype(np.float32) * np.hanning(RATE).astype(np.float32)
    levels = measure_phrase(AudioPhrase(tone, RATE, 0.0))
    assert levels.peak == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert levels.true_peak == pytest.approx(1, abs=0.01)
    assert levels.true_peak == pytest.approx(np.abs(soxr.resample(tone, 1, 8, quality="VHQ")).max(), abs=0.02)


@pytest.mark.parametrize("samples", [0, 1, 63, 64, 5000])
def test_levels_come_back_as_they_went_in(samples: int) -> None:
    levels = measure_phrase(AudioPhrase(sung(1, 0.5, 3).audio[:samples], RATE, -0.125))
    again = levels_from_bytes(levels_to_bytes(levels))
    np.testing.assert_array_equal(again.energies, levels.energies)
    assert replace(again, energies=levels.energies) == levels
    with pytest.raises(ArtifactError, match="levels of a phrase"):
        levels_from_bytes(b"something else")
