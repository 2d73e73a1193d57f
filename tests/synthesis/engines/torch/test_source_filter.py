import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from singsynth_mcp.media.clicks import clicks  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.fourier import BINS, FFT_SIZE, RealFourier, bin_numbers  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.source_filter import (  # noqa: E402
    BANDS,
    HOP,
    SAMPLE_RATE,
    STEP,
    STEPS,
    SourceFilter,
    filter_matrices,
    limit,
    sample_noise,
    step_window,
)

CENTRES = np.linspace(0.0, SAMPLE_RATE / 2, BANDS)
COARSE = np.linspace(0.0, SAMPLE_RATE / 2, 128)
SILENT = -25.0


def envelope(level: float, frames: int = 120) -> "torch.Tensor":
    return torch.full((1, frames * STEPS, BANDS), level)


def sing(harmonic: float, noise: float, f0: float) -> np.ndarray:
    synthesiser = SourceFilter(CENTRES)
    return synthesiser(envelope(harmonic), envelope(noise), torch.full((1, 120), f0))[0].numpy()


def test_transform_equals_the_discrete_fourier_transform_and_inverts():
    frames = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 512))).float()
    fourier = RealFourier()
    real, imaginary = fourier(frames)
    used = bin_numbers() < BINS
    expected = np.fft.rfft(frames.numpy(), n=FFT_SIZE)[:, bin_numbers()[used].numpy()]
    np.testing.assert_allclose(real[:, used], expected.real, atol=2e-4)
    np.testing.assert_allclose(imaginary[:, used], expected.imag, atol=2e-4)
    back = fourier.inverse(real, imaginary)
    np.testing.assert_allclose(back[:, :512], frames, atol=1e-5)
    np.testing.assert_allclose(back[:, 512:], 0.0, atol=1e-5)


@pytest.mark.parametrize("f0", [65.4, 110.0, 261.6, 880.0, 1046.5])
def test_harmonics_have_the_amplitude_and_frequency_asked_for(f0):
    audio = sing(-4.0, SILENT, f0)
    middle = audio[8 * HOP : 100 * HOP]
    spectrum = np.abs(np.fft.rfft(middle * np.blackman(len(middle)), n=1 << 20))
    hertz = np.arange(len(spectrum)) * SAMPLE_RATE / (1 << 20)
    amplitude = 2.0 * math.exp(-4.0) * math.sqrt(f0 / SAMPLE_RATE)
    for number in (1, 3, 7):
        near = np.abs(hertz - number * f0) < f0 / 3
        peak = np.argmax(np.where(near, spectrum, 0.0))
        assert abs(1200 * math.log2(hertz[peak] / (number * f0))) < 1.5
        assert spectrum[peak] / (0.42 * len(middle) / 2) == pytest.approx(amplitude, rel=0.03)


def test_steps_share_the_excitation_and_change_within_a_step():
    window = step_window()
    np.testing.assert_allclose(window[:STEP] + window[STEP:], 1.0)
    levels = envelope(SILENT)
    levels[:, 121:] = -4.0  # from the middle of the sixtieth frame on
    audio = SourceFilter(CENTRES)(envelope(SILENT), levels, torch.full((1, 120), 110.0))[0].numpy()
    loudness = np.sqrt(np.convolve(audio**2, np.full(32, 1 / 32), mode="same"))
    settled = loudness[65 * HOP :].mean()
    opening = 121 * STEP
    assert loudness[opening - 160 - 32] < 0.05 * settled
    assert loudness[opening + 160 : opening + 320].mean() > 0.85 * settled


def test_noise_alone_has_the_level_asked_for_and_no_pitch():
    audio = sing(SILENT, -4.0, 220.0)
    assert audio.std() == pytest.approx(math.exp(-4.0), rel=0.03)
    period = round(SAMPLE_RATE / 220.0)
    assert abs(np.corrcoef(audio[:-period], audio[period:])[0, 1]) < 0.05


def test_noise_is_white_and_repeatable():
    noise = sample_noise(torch.arange(200_000)[None])[0].numpy()
    assert abs(noise.mean()) < 0.01
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    for lag in (1, 7, 512, 4096):
        assert abs(np.corrcoef(noise[:-lag], noise[lag:])[0, 1]) < 0.01
    np.testing.assert_array_equal(noise, sample_noise(torch.arange(200_000)[None])[0].numpy())


def test_the_peaks_of_hiss_are_low():
    # Of white noise with a bell curve's values these are 4.3 times the deviation.
    rising = torch.linspace(-8.0, -2.0, BANDS).expand(1, 120 * STEPS, BANDS)
    audio = SourceFilter(CENTRES)(envelope(SILENT), rising, torch.full((1, 120), 220.0))[0].numpy()
    assert np.abs(audio).max() < 3.7 * audio.std()


def test_silent_envelopes_make_silence():
    assert np.abs(sing(SILENT, SILENT, 220.0)).max() < 1e-8


def test_filters_are_smooth_and_minimum_phase():
    amplitude, phase = filter_matrices(CENTRES)
    levels = np.full(BANDS, -3.0)
    levels[39:42] = 0.0, 3.0, 0.0  # a peak no voice has, and long ringing if it were kept
    response = np.fft.irfft(np.exp(levels @ amplitude + 1j * (levels @ phase)))
    energy = np.cumsum(response**2) / np.sum(response**2)
    assert energy[FFT_SIZE - 2 * STEP - 1] > 0.99
    np.testing.assert_allclose(np.full(BANDS, -3.0) @ amplitude, -3.0, atol=1e-9)


def test_a_steady_note_has_no_lines_at_the_step_rate():
    rng = np.random.default_rng(5)
    levels = np.interp(CENTRES, COARSE, rng.uniform(-6.0, -2.0, len(COARSE)))  # no voice is rougher
    harmonic = torch.from_numpy(levels).float().expand(1, 120 * STEPS, BANDS)
    audio = SourceFilter(CENTRES)(harmonic, envelope(SILENT), torch.full((1, 120), 698.5))[0].numpy()
    middle = audio[20 * HOP : 100 * HOP]
    spectrum = np.abs(np.fft.rfft(middle * np.blackman(len(middle)), n=1 << 18))
    hertz = np.arange(len(spectrum)) * SAMPLE_RATE / (1 << 18)
    carrier = spectrum[np.abs(hertz - 698.5) < 10].max()
    for line in (698.5 - SAMPLE_RATE / STEP, 698.5 + SAMPLE_RATE / STEP):
        assert spectrum[np.abs(hertz - line) < 10].max() < 0.003 * carrier


def test_limit_leaves_quiet_samples_alone_and_never_reaches_one():
    samples = torch.tensor([[-30.0, -0.95, -0.5, 0.0, 0.89, 0.9, 1.5]])
    bent = limit(samples)
    assert bent.abs().max() <= 1.0
    torch.testing.assert_close(bent[:, 2:5], samples[:, 2:5])
    assert (bent[0].diff() >= 0).all()


def test_what_rings_longer_than_a_step_makes_no_click():
    """A narrow resonance opens and shuts in silence: its ringing comes round to the heads of its steps."""
    harmonic = envelope(-14.0)
    harmonic[:, 80:160, 10] = 0.0
    synthesiser = SourceFilter(CENTRES)

    def found() -> int:
        audio = synthesiser(harmonic, envelope(-14.0), torch.full((1, 120), 165.0))[0]
        return len(clicks(audio.numpy(), SAMPLE_RATE))

    assert found() == 0
    synthesiser.edges.fill_(1.0)
    assert found() > 10, "pieces that end on a jump are heard by nobody"
