import numpy as np
import pytest

pytest.importorskip("scipy")

from training.mel import FLOOR, hz_to_mel, log_mel, mel_centres, mel_filterbank, mel_to_hz

RATE = 44100


def test_scale_is_slaneys():
    # Slaney's Auditory Toolbox: 15 mel at 1 kHz, linear below, 27 steps per factor of 6.4 above.
    np.testing.assert_allclose(hz_to_mel(np.array([200.0, 1000.0, 6400.0])), [3.0, 15.0, 42.0])
    hertz = np.array([40.0, 440.0, 5000.0, 16000.0])
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hertz)), hertz)


def test_frames_are_floor_of_samples_over_hop():
    assert log_mel(np.zeros(44100)).shape == (86, 128)


def test_silence_is_the_floor_and_a_tone_lies_in_its_bin():
    assert log_mel(np.zeros(4096)) == pytest.approx(np.log(FLOOR))
    for hertz in (220.0, 1000.0, 7000.0):
        tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
        loudest = int(log_mel(tone)[40].argmax())
        assert abs(mel_centres()[loudest] - hertz) < 0.04 * hertz + 20


def test_triangles_have_equal_area():
    areas = mel_filterbank().sum(axis=1) * RATE / 2048
    np.testing.assert_allclose(areas[60:], 1.0, atol=0.02)


def test_frame_is_centred_256_samples_after_its_start():
    audio = np.zeros(44100)
    audio[512 * 40 + 256] = 1.0
    energy = np.exp(log_mel(audio)).sum(axis=1)
    assert energy.argmax() == 40
    assert energy[39] == pytest.approx(energy[41], rel=1e-3)
