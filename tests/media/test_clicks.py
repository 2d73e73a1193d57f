from __future__ import annotations

import numpy as np
import pytest

from singsynth_mcp.media.clicks import clicks

RATE = 44_100


def voice(hertz: float, seconds: float = 2.0) -> np.ndarray:
    """Harmonics up to 9 kHz, all in phase: sharp pulses, and a little breath."""
    time = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.cos(2 * np.pi * hertz * k * time) / k for k in range(1, int(9000 / hertz)))
    wave = wave * np.clip(np.minimum(time, seconds - time) / 0.02, 0, 1)
    return 0.15 * wave + 2e-4 * np.random.default_rng(1).standard_normal(len(time))


@pytest.mark.parametrize("hertz", [120, 220, 440, 660])
def test_pulses_are_no_clicks(hertz: float) -> None:
    assert clicks(voice(hertz), RATE) == []


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_its_bursts_are_no_clicks(seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal(4 * RATE) * 0.1
    time = np.arange(len(noise)) / RATE % 0.25
    burst = np.clip(time / 0.002, 0, 1) * np.exp(-time / 0.02) * noise
    assert clicks(noise, RATE) == []
    assert clicks(burst, RATE) == []


def test_a_vocoder_that_clicks_every_frame_is_found_out() -> None:
    audio = voice(262)
    places = np.arange(RATE // 2, RATE, 512)
    audio[places] += np.abs(audio).max() * 10 ** (-30 / 20)
    found = clicks(audio, RATE)
    assert len(found) >= 0.9 * len(places)
    assert all(np.abs(places / RATE - time).min() < 0.001 for time in found)


def test_audio_that_starts_or_stops_on_a_step_clicks() -> None:
    inside = voice(262)[RATE // 2 : RATE]
    found = clicks(inside, RATE)
    assert len(found) == 2
    assert found[0] < 0.001
    assert found[1] == pytest.approx(0.5, abs=0.001)


def test_silence_and_nothing() -> None:
    assert clicks(np.zeros(RATE), RATE) == []
    assert clicks(np.zeros(0), RATE) == []
    assert len(clicks(np.eye(1, RATE, RATE // 2)[0], RATE)) == 1
