"""The controls' measures find what was done to a sound, and nothing where nothing was done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.listening.singer import RATE
from tests.training.report.made_singing import HOP, made_singing, spoilt
from training.report.controls import formant_shift, harmonics_to_noise, measure_sound, mix_places
from training.report.singing import Singing, SungPhrase


@pytest.fixture(scope="module")
def sung() -> Singing:
    return made_singing(8)


@pytest.mark.parametrize("ratio_db", [6.0, 12.0, 24.0])
def test_harmonics_to_noise_is_the_ratio_that_was_mixed(ratio_db: float) -> None:
    frames = 120
    time = np.arange(frames * HOP) / RATE
    tone = sum(np.sin(2 * np.pi * 220 * k * time + k) / k for k in range(1, 12))
    noise = np.random.default_rng(0).standard_normal(len(time)) * np.std(tone) * 10 ** (-ratio_db / 20)
    f0 = np.full(frames, 220.0, np.float32)
    phrase = SungPhrase((0.1 * (tone + noise)).astype(np.float32), RATE, HOP, 0.0, f0, (), np.ones(frames, bool))
    inner = np.arange(10, frames - 10)
    found = harmonics_to_noise(phrase, (inner + 0.5) * HOP / RATE, f0[inner])
    assert np.median(found) == pytest.approx(ratio_db, abs=1.0)


@pytest.mark.parametrize("semitones", [-3.0, -1.0, 0.0, 2.0])
def test_a_formant_shift_is_found(semitones: float) -> None:
    hertz = np.linspace(0.0, 22050.0, 2049)

    def envelope(scale: float) -> np.ndarray:
        peaks = sum(1.0 / (1.0 + ((hertz - f * scale) / 120.0) ** 2) for f in (700.0, 1200.0, 2900.0, 4100.0))
        return np.log(peaks + 0.01)

    assert formant_shift(envelope(2.0 ** (semitones / 12.0)), envelope(1.0)) == pytest.approx(semitones, abs=0.26)


def test_level_and_tilt_follow_the_sound(sung: Singing) -> None:
    before = measure_sound(sung)
    louder = measure_sound(spoilt(sung, lambda audio, _: audio * np.float32(2.0)))
    assert louder.level_db - before.level_db == pytest.approx(6.02, abs=0.05)
    assert louder.centroid_hz == pytest.approx(before.centroid_hz, rel=1e-3)

    def brighter(audio: np.ndarray, _: SungPhrase) -> np.ndarray:
        return np.diff(audio, prepend=np.float32(0)) * np.float32(10.0)

    after = measure_sound(spoilt(sung, brighter))
    assert after.tilt_db_per_octave - before.tilt_db_per_octave == pytest.approx(6.0, abs=0.7)
    assert after.centroid_hz > 1.2 * before.centroid_hz


def test_a_mix_that_moves_is_placed_between_its_ends(sung: Singing) -> None:
    """The second singer is the first without what lies high; the mix goes from one to the other."""

    def duller(audio: np.ndarray, _: SungPhrase) -> np.ndarray:
        kernel = np.hanning(31)
        return np.convolve(audio, kernel / kernel.sum(), mode="same").astype(np.float32)

    second = spoilt(sung, duller)
    place = np.linspace(0.0, 1.0, len(sung.phrases[0].audio), dtype=np.float32)
    mixed = replace(
        sung,
        phrases=(
            replace(
                sung.phrases[0],
                audio=sung.phrases[0].audio * (1 - place) + second.phrases[0].audio * place,
            ),
        ),
    )
    places = mix_places(mixed, sung, second)
    assert mix_places(sung, sung, second) == pytest.approx(np.zeros(8), abs=1e-6)
    assert mix_places(second, sung, second) == pytest.approx(np.ones(8), abs=1e-6)
    assert places[0] < 0.2
    assert places[-1] > 0.5
    assert np.all(np.diff(places) > -0.05)
