"""The mel spectrogram of the voicebank format (section 4.1), from audio.

44 100 Hz, hop 512, periodic Hann window of 2048, magnitude, 128 slaney mel bins of 40-16 000 Hz
with slaney area normalisation, natural logarithm floored at 1e-5. Frame ``i`` is centred on sample
``512 i + 256``.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from training.examples import HOP_SIZE, MEL_BINS, SAMPLE_RATE

WINDOW_SIZE = 2048
LOWEST_HZ = 40.0
HIGHEST_HZ = 16000.0
FLOOR = 1e-5

# Slaney's scale: linear below 1 kHz (200/3 Hz a mel), then 27 steps per factor of 6.4.
_LINEAR_HZ = 200.0 / 3.0
_KNEE_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(hertz: np.ndarray) -> np.ndarray:
    """Return slaney mels of frequencies in Hz."""
    log = _KNEE_HZ / _LINEAR_HZ + np.log(np.maximum(hertz, 1e-9) / _KNEE_HZ) / _LOG_STEP
    return np.where(hertz < _KNEE_HZ, hertz / _LINEAR_HZ, log)


def mel_to_hz(mels: np.ndarray) -> np.ndarray:
    """Return frequencies in Hz of slaney mels."""
    knee = _KNEE_HZ / _LINEAR_HZ
    return np.where(mels < knee, mels * _LINEAR_HZ, _KNEE_HZ * np.exp(_LOG_STEP * (mels - knee)))


def _edges() -> np.ndarray:
    low, high = hz_to_mel(np.array([LOWEST_HZ, HIGHEST_HZ]))
    return mel_to_hz(np.linspace(low, high, MEL_BINS + 2))


def mel_centres() -> np.ndarray:
    """Return float64 [128], the centres of the mel bins in Hz."""
    return _edges()[1:-1]


@cache
def mel_filterbank() -> np.ndarray:
    """Return float64 [128, 1025]: triangles of equal area over the DFT bins."""
    edges = _edges()
    bins = np.arange(WINDOW_SIZE // 2 + 1) * SAMPLE_RATE / WINDOW_SIZE
    width = np.diff(edges)
    rising = (bins - edges[:-2, None]) / width[:-1, None]
    falling = (edges[2:, None] - bins) / width[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]


def log_mel(audio: np.ndarray) -> np.ndarray:
    """Return float32 [samples // 512, 128] of ``audio`` (mono, -1 .. 1)."""
    side = (WINDOW_SIZE - HOP_SIZE) // 2
    padded = np.pad(np.asarray(audio, np.float64), side, mode="reflect")
    count = len(audio) // HOP_SIZE
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SIZE)[::HOP_SIZE][:count]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SIZE) / WINDOW_SIZE)
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1))
    return np.log(np.maximum(spectrum @ mel_filterbank().T, FLOOR)).astype(np.float32)
