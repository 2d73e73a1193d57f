"""Harmonics and noise to samples: a band-limited pulse train and noise under moving envelopes.

Frames of 512 samples at steps of 256, Hann windows that sum to one. The pulse train is a sum of
cosines in closed form (Dirichlet kernel), filtered with minimum phase; the noise of voiced frames
swells and falls with the pulses, as breath does in phonation (Mehta and Quatieri, Synthesis,
analysis and pitch modification of the breathy vowel, WASPAA 2005).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import fft

from training.examples import SAMPLE_RATE
from training.rendering.reading import STEP_SAMPLES

FFT_SIZE = 2048
_BINS = FFT_SIZE // 2 + 1
_LEAD = 256
_SWELL = 0.5
_BLOCK = 256


def bin_hertz() -> np.ndarray:
    """Return float64 [1025], the frequencies of the DFT bins in Hz."""
    return np.arange(_BINS) * SAMPLE_RATE / FFT_SIZE


@cache
def _minimum_phase_lifter() -> np.ndarray:
    lifter = np.zeros(FFT_SIZE, np.float32)
    lifter[0] = lifter[FFT_SIZE // 2] = 1.0
    lifter[1 : FFT_SIZE // 2] = 2.0
    return lifter


def minimum_phase(log_amplitude: np.ndarray) -> np.ndarray:
    """Return complex64 [S, 1025], the minimum-phase spectrum of float32 log amplitudes."""
    cepstrum = fft.irfft(log_amplitude, axis=1)
    return np.exp(fft.rfft(cepstrum * _minimum_phase_lifter(), axis=1)).astype(np.complex64)


def pulse_phase(f0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (cycles, Hz), float64 per sample, for ``f0`` [S] at the steps' centres."""
    centres = np.arange(len(f0)) * STEP_SAMPLES + STEP_SAMPLES / 2
    hertz = np.interp(np.arange(len(f0) * STEP_SAMPLES), centres, f0)
    return np.cumsum(hertz) / SAMPLE_RATE, hertz


def pulse_train(cycles: np.ndarray, hertz: np.ndarray) -> np.ndarray:
    """Return float32 samples: all harmonics below 22 050 Hz, each 2 sqrt(f0 / fs) cos(k phase)."""
    phase = cycles - np.round(cycles)
    partials = np.floor(SAMPLE_RATE / 2.0 / hertz)
    below = np.sin(np.pi * phase)
    tiny = np.abs(below) < 1e-9
    kernel = np.sin((2.0 * partials + 1.0) * np.pi * phase) / np.where(tiny, 1.0, below)
    train = np.where(tiny, 2.0 * partials + 1.0, kernel) - 1.0
    return (train * np.sqrt(hertz / SAMPLE_RATE)).astype(np.float32)


def breath_source(cycles: np.ndarray, voiced: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return float32 white noise of unit variance that swells with the pulses where ``voiced``.

    ``voiced`` float [S], 0 .. 1 at the steps' centres.
    """
    centres = np.arange(len(voiced)) * STEP_SAMPLES + STEP_SAMPLES / 2
    swell = _SWELL * np.interp(np.arange(len(cycles)), centres, voiced)
    swing = (1.0 + swell * np.cos(2.0 * np.pi * cycles)) / np.sqrt(1.0 + swell**2 / 2.0)
    return (generator.standard_normal(len(cycles)) * swing).astype(np.float32)


def shape(excitation: np.ndarray, log_amplitude: np.ndarray) -> np.ndarray:
    """Filter an excitation, float32 [S * 256], under log amplitudes [S, 1025] at the bins.

    Envelopes are those at the steps' centres; the result has as many samples.
    """
    steps = len(log_amplitude)
    window = np.hanning(2 * STEP_SAMPLES + 1)[:-1].astype(np.float32)
    half = STEP_SAMPLES // 2
    padded = np.pad(excitation, (half, half + STEP_SAMPLES))
    output = np.zeros(len(excitation) + FFT_SIZE + STEP_SAMPLES, np.float32)
    for first in range(0, steps, _BLOCK):
        last = min(first + _BLOCK, steps)
        frames = np.zeros((last - first, FFT_SIZE), np.float32)
        views = np.lib.stride_tricks.sliding_window_view(padded, 2 * STEP_SAMPLES)
        frames[:, _LEAD : _LEAD + 2 * STEP_SAMPLES] = (
            views[first * STEP_SAMPLES : last * STEP_SAMPLES : STEP_SAMPLES] * window
        )
        spectrum = fft.rfft(frames, axis=1) * minimum_phase(log_amplitude[first:last])
        _overlap_add(output, fft.irfft(spectrum, axis=1) * _frame_edges(), first)
    start = _LEAD + half
    return output[start : start + len(excitation)]


@cache
def _frame_edges() -> np.ndarray:
    """Return float32 [2048]: what rings longer than a frame ends softly, nor begins with its tail."""
    edges = np.ones(FFT_SIZE, np.float32)
    edges[:_LEAD] = np.hanning(2 * _LEAD)[:_LEAD]
    edges[-_LEAD:] = np.hanning(2 * _LEAD)[_LEAD:]
    return edges


def _overlap_add(output: np.ndarray, frames: np.ndarray, first: int) -> None:
    parts = FFT_SIZE // STEP_SAMPLES
    blocks = frames.reshape(len(frames), parts, STEP_SAMPLES)
    for part in range(parts):
        start = (first + part) * STEP_SAMPLES
        piece = blocks[:, part].reshape(-1)
        stop = min(start + len(piece), len(output))
        output[start:stop] += piece[: stop - start]
