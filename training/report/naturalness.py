"""DNSMOS P808: a listener's overall opinion of speech, 1 to 5, as Microsoft's model predicts it.

The model is in the package speechmos; of that the file alone is read. Its input is librosa's mel spectrogram with that
function's defaults, computed here. It is made for speech: compare a singer with the teacher of that singer only.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from training.mel import hz_to_mel, mel_to_hz

MISSING = "not measured: pip install --no-deps speechmos"
_RATE = 16_000
_SECONDS = 9.01
_WINDOW, _HOP, _BINS = 321, 160, 120


def dnsmos_is_there() -> bool:
    """Return whether the model is installed."""
    path = _model_path()
    return path is not None and path.is_file()


def p808(audio: np.ndarray, sample_rate: int) -> float:
    """Return the mean opinion over windows of 9 s; a shorter piece is repeated."""
    wave = soxr.resample(np.nan_to_num(audio.astype(np.float32)), sample_rate, _RATE)
    wave = np.clip(wave, -1.0, 1.0)
    size = int(_SECONDS * _RATE)
    while len(wave) < size:
        wave = np.concatenate([wave, wave])
    starts = range(0, len(wave) - size + 1, _RATE)
    opinions = [
        float(_session().run(None, {"input_1": mel_features(wave[start : start + size - _HOP])[None]})[0][0][0])
        for start in starts
    ]
    return float(np.mean(opinions))


def mel_features(wave: np.ndarray) -> np.ndarray:
    """Return float32 [frames, 120], (dB under the loudest + 40) / 40, of samples at 16 kHz."""
    padded = np.pad(wave.astype(np.float32), _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2 @ _filterbank().T
    decibels = 10.0 * np.log10(np.maximum(power, 1e-10)) - 10.0 * np.log10(max(power.max(), 1e-10))
    return np.asarray((np.maximum(decibels, -80.0) + 40.0) / 40.0, np.float32)


@cache
def _filterbank() -> np.ndarray:
    """Return float64 [120, 161]: slaney triangles of equal area over 0-8 kHz."""
    top = float(hz_to_mel(np.array(_RATE / 2.0)))
    edges = mel_to_hz(np.linspace(0.0, top, _BINS + 2))
    bins = np.fft.rfftfreq(_WINDOW, 1 / _RATE)
    width = np.diff(edges)
    rising = (bins - edges[:-2, None]) / width[:-1, None]
    falling = (edges[2:, None] - bins) / width[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]


@cache
def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(_model_path()), options, providers=["CPUExecutionProvider"])


def _model_path() -> Path | None:
    spec = find_spec("speechmos")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "dnsmos_models" / "model_v8.onnx"
