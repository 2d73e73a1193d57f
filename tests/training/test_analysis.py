"""Analysis on signals whose answer is known."""

import warnings

import numpy as np
import pytest

from training.analysis.labels import burst_times, mend_boundaries
from training.analysis.onsets import STEP_SECONDS, band_energy_db, steepest_rise
from training.analysis.voicing import FRAME_SECONDS, by_labels, periodic_frames, voiced_share

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pyworld asks for pkg_resources, which warns
    from training.analysis.parameters import BANDS, analyse

from training.rendering.reading import STEP_SAMPLES
from training.rendering.synthesis import pulse_phase, pulse_train, shape
from training.targets import warped_centres

RATE = 24000


def _pulses(f0_hz: float, seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return sum(np.cos(2 * np.pi * f0_hz * k * time) / k for k in range(1, int(RATE / 2 / f0_hz)))


def test_vowel_onset_is_where_the_low_energy_rises():
    audio = np.random.default_rng(1).standard_normal(RATE) * 1e-4
    audio[int(0.5 * RATE) :] += 0.1 * _pulses(220.0, 0.5)
    place, rise = steepest_rise(band_energy_db(audio, RATE), 0.53, 0.08)
    assert place == pytest.approx(0.5, abs=0.012)
    assert rise > 20.0
    assert steepest_rise(np.zeros(10), 5.0, 0.01) == (5.0, 0.0)


def test_periodic_frames_tell_voice_from_noise():
    noise = np.random.default_rng(2).standard_normal(RATE) * 0.05
    voice = 0.1 * _pulses(262.0, 1.0)
    frames = int(2.0 / FRAME_SECONDS)
    found = periodic_frames(np.concatenate([voice, noise]), RATE, 262.0, frames)
    assert voiced_share(found, 0.05, 0.9) > 0.98
    assert voiced_share(found, 1.1, 1.95) < 0.2


def test_labels_overrule_what_is_heard():
    phonemes = ("SP", "ja/s", "ja/a", "ja/m", "ja/o", "SP")
    starts = np.array([0.0, 0.1, 0.2, 0.4, 0.5, 0.7, 0.9])
    deaf = by_labels(np.zeros(180, bool), phonemes, starts)
    assert voiced_share(deaf, 0.25, 0.66) == 1.0
    assert voiced_share(deaf, 0.72, 0.9) == 0.0
    keen = by_labels(np.ones(180, bool), phonemes, starts)
    assert voiced_share(keen, 0.13, 0.18) == 0.0


def _stop_energy(burst: float, vowel: float, end: float = 1.0) -> np.ndarray:
    times = np.arange(0.0, end, STEP_SECONDS)
    return np.select([times < burst, times < vowel], [-60.0, -25.0], 0.0)


def test_vowels_after_stops_start_after_the_burst():
    phonemes = ("SP", "ja/k", "ja/a", "SP")
    starts = np.array([0.0, 0.3, 0.41, 0.8, 1.0])
    energy = _stop_energy(burst=0.36, vowel=0.42)
    mended = mend_boundaries(phonemes, starts, energy, energy, np.zeros_like(energy))
    assert mended[2] == pytest.approx(0.42, abs=0.006)
    assert burst_times(phonemes, mended, energy)[1] == pytest.approx(0.36, abs=0.006)


def test_vowels_start_where_their_first_formants_rise_not_where_a_burst_does():
    # An English t: the burst is the steepest rise of all the energy, the vowel's formants come 50 ms later.
    starts = np.array([0.0, 0.3, 0.38, 0.8, 1.0])
    burst, vowel = _stop_energy(0.36, 0.36), _stop_energy(0.41, 0.41)
    mended = mend_boundaries(("SP", "en/s", "en/aa", "SP"), starts, burst, vowel, np.zeros_like(vowel))
    assert mended[2] == pytest.approx(0.41, abs=0.006)


def test_a_vowel_does_not_start_at_the_burst_before_it():
    # A Japanese t has its burst in the vowel's band too, and 20 ms of breath before the vowel.
    starts = np.array([0.0, 0.3, 0.41, 0.8, 1.0])
    energy = _stop_energy(burst=0.40, vowel=0.42)
    mended = mend_boundaries(("SP", "ja/t", "ja/e", "SP"), starts, energy, energy, np.zeros_like(energy))
    assert mended[2] == pytest.approx(0.42, abs=0.006)


def test_last_vowel_ends_where_it_has_faded():
    phonemes = ("SP", "ja/m", "ja/a", "SP")
    starts = np.array([0.0, 0.2, 0.3, 0.8, 1.0])
    times = np.arange(0.0, 1.0, STEP_SECONDS)
    energy = np.where((times > 0.3) & (times < 0.55), 0.0, -40.0)
    assert mend_boundaries(phonemes, starts, energy, energy, np.zeros_like(energy))[3] == pytest.approx(0.55, abs=0.01)


def test_a_vowel_ends_where_it_falls_into_a_closure_or_a_hiss():
    times = np.arange(0.0, 1.0, STEP_SECONDS)
    starts = np.array([0.0, 0.2, 0.5, 0.6, 0.9, 1.0])
    closed = np.where((times > 0.2) & (times < 0.44), 0.0, np.where(times > 0.6, 0.0, -50.0))
    stop = mend_boundaries(("SP", "ja/a", "ja/k", "ja/a", "SP"), starts, closed, closed, np.full_like(times, -60.0))
    assert stop[2] == pytest.approx(0.44, abs=0.006)
    # A hiss is louder than what is left of the vowel, not than its voice: the low band alone hardly falls.
    voice, hiss = np.where(times < 0.46, 0.0, -3.0), np.where((times > 0.46) & (times < 0.6), -5.0, -40.0)
    assert mend_boundaries(("SP", "ja/a", "ja/s", "ja/a", "SP"), starts, voice, voice, hiss)[2] == pytest.approx(
        0.46, abs=0.006
    )
    steady = np.zeros_like(times)
    assert mend_boundaries(("SP", "ja/a", "ja/k", "ja/a", "SP"), starts, steady, steady, steady)[2] == 0.5


@pytest.mark.parametrize("before", ["en/l", "en/n", "en/d"])
def test_a_voiced_consonant_ends_where_a_hiss_begins(before):
    times = np.arange(0.0, 1.0, STEP_SECONDS)
    starts = np.array([0.0, 0.2, 0.4, 0.5, 0.6, 0.9, 1.0])
    phonemes = ("SP", "en/aa", before, "en/s", "en/aa", "en/aa", "SP")
    voice, hiss = np.where(times < 0.45, 0.0, -8.0), np.where((times > 0.45) & (times < 0.6), -5.0, -40.0)
    assert mend_boundaries(phonemes, starts, voice, voice, hiss)[3] == pytest.approx(0.45, abs=0.006)
    # A z hisses itself: where it ends cannot be heard by its hiss.
    buzzing = ("SP", "en/aa", "en/z", "en/s", "en/aa", "en/aa", "SP")
    assert mend_boundaries(buzzing, starts, voice, voice, hiss)[3] == 0.5


def test_analysis_finds_the_envelope_that_was_rendered():
    # What the renderer makes of a smooth envelope, analysed, is that envelope: one convention of
    # amplitude through both. At 44.1 kHz, where nothing is extended but the top.
    rate, f0 = 44100, np.full(400, 250.0)
    bins = np.linspace(-2.0, -7.0, 1025, dtype=np.float32)
    cycles, hertz = pulse_phase(f0)
    audio = shape(pulse_train(cycles, hertz), np.tile(bins, (400, 1))).astype(np.float64)
    voiced = np.ones(int(400 * STEP_SAMPLES / rate / FRAME_SECONDS), bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = analyse(audio, rate, 250.0, voiced).envelope[len(voiced) // 2]
    centres = warped_centres(BANDS)
    expected = np.interp(centres, np.arange(1025) * rate / 2048, bins)
    band = (centres > 300) & (centres < 9000)
    assert np.abs(found - expected)[band].mean() < 0.15
