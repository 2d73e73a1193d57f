"""Exact training targets of a rendering: envelopes on bands, analytic mel, levels of its parts.

Amplitudes follow one convention everywhere: a harmonic at frequency f is a cosine of amplitude
``2 exp(harmonic(f)) sqrt(f0 / fs)`` and the noise is white noise of unit variance under
``exp(noise(f))``.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import convolve1d

from training.examples import ENVELOPE_BANDS, HOP_SIZE, SAMPLE_RATE
from training.mel import FLOOR, WINDOW_SIZE, hz_to_mel, mel_filterbank, mel_to_hz

_BINS = WINDOW_SIZE // 2 + 1
_RAYLEIGH_MEAN = np.sqrt(np.pi) / 2.0
LOWEST_DB = -96.0
NEPERS_PER_DB = np.log(10.0) / 20.0
"""Natural log amplitude of one decibel."""


def warped_centres(bands: int) -> np.ndarray:
    """Return float64 [bands] Hz: centres equally spaced on slaney's mel scale over 0-22 050 Hz."""
    top = hz_to_mel(np.array(SAMPLE_RATE / 2.0))
    return mel_to_hz(np.linspace(0.0, float(top), bands))


def band_centres() -> np.ndarray:
    """Return float64 [128], the centres in Hz of the bands of ``harmonic`` and ``noise``."""
    return warped_centres(ENVELOPE_BANDS)


@cache
def interpolation(source_hz: tuple[float, ...], target_hz: tuple[float, ...]) -> np.ndarray:
    """Return float32 [source, target]: values at source centres times this are at the targets."""
    rows = [np.interp(target_hz, source_hz, row) for row in np.eye(len(source_hz))]
    return np.array(rows, np.float32)


def analytic_mel(harmonic_bins: np.ndarray, noise_bins: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Return float32 [T, 128], the log-mel expected of a harmonic-plus-noise sound.

    ``harmonic_bins`` and ``noise_bins`` float32 [T, 1025] are log amplitudes at the DFT bins,
    ``f0`` [T] Hz. Harmonics are lines under the main lobe of the Hann window, noise counts with
    the mean of its (Rayleigh) magnitude; what the sum of both gives is free of chance.
    """
    bin_hz = SAMPLE_RATE / WINDOW_SIZE
    bins = np.arange(_BINS, dtype=np.float32)
    spacing = (f0 / bin_hz).astype(np.float32)[:, None]
    below = np.maximum(np.floor(bins / spacing), 1.0)
    lines = np.zeros((len(f0), _BINS), np.float32)
    for number in (below, below + 1.0):
        place = number * spacing
        index = np.minimum(place.astype(np.int32), _BINS - 2)
        part = np.minimum(place - index, 1.0)
        low = np.take_along_axis(harmonic_bins, index, axis=1)
        high = np.take_along_axis(harmonic_bins, index + 1, axis=1)
        level = np.exp(low + (high - low) * part)
        lines += np.where(place < _BINS - 1, level * _hann_lobe(place - bins), 0.0)
    lines *= np.sqrt(f0 / SAMPLE_RATE).astype(np.float32)[:, None] * (WINDOW_SIZE / 2.0)
    noise = np.exp(noise_bins) * (_RAYLEIGH_MEAN * np.sqrt(0.375 * WINDOW_SIZE))
    magnitude = np.sqrt(lines**2 + noise**2)
    mel = magnitude @ mel_filterbank().T.astype(np.float32)
    return np.log(np.maximum(mel, FLOOR)).astype(np.float32)


def _hann_lobe(offset: np.ndarray) -> np.ndarray:
    """Return the main lobe of the Hann window's spectrum, 1 at the centre, 0 beyond two bins."""
    near = np.abs(offset) < 2.0
    singular = np.abs(np.abs(offset) - 1.0) < 1e-4
    x = np.where(near & ~singular, offset, 0.0)
    lobe = np.sinc(x) / (1.0 - x**2)
    return np.where(near, np.where(singular, 0.5, lobe), 0.0).astype(np.float32)


def level_db(part: np.ndarray, frames: int) -> np.ndarray:
    """Return float32 [frames], dB: the format's RMS curve of a part of the sound (section 4.2).

    Windows of 2048 at steps of 512, half-sine smoothing over five frames, -96 .. 0.
    """
    half = WINDOW_SIZE // 2
    power = np.concatenate([[0.0], np.cumsum(np.pad(part.astype(np.float64), half) ** 2)])
    starts = np.arange(frames) * HOP_SIZE + HOP_SIZE // 2
    mean = (power[starts + WINDOW_SIZE] - power[starts]) / WINDOW_SIZE
    decibels = 10.0 * np.log10(np.maximum(mean, 1e-10))
    decibels = np.maximum(decibels, max(decibels.max() - 80.0, LOWEST_DB))
    kernel = np.sin(np.pi * (np.arange(5) + 0.5) / 5)
    smooth = convolve1d(decibels, kernel / kernel.sum(), mode="nearest")
    return np.clip(smooth, LOWEST_DB, 0.0).astype(np.float32)
