"""A detector of clicks: single samples and steps that stand out from all that is around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

CLICK_DB = -36.0
"""Smallest step, relative to the audio's peak, that counts."""
_BAND_HZ = 8000.0
"""A voice's power falls steeply above this, a discontinuity's hardly."""
_FRAME_S = 0.046
_SMOOTHING_HZ = 500.0
_BIN_S = 0.0005
_NEAR_BINS = 3
_FAR_BINS = 18
_NEIGHBOUR_RATIO = 2.0
_SIGMAS = 8.0
"""Breath noise, which swells with a voice's pulses, was seen to reach 1.9 times its neighbours and 6.6 deviations."""


def clicks(audio: npt.NDArray[Any], sample_rate: int) -> list[float]:
    """Return the times in seconds of the clicks in `audio`, float [samples].

    What lies above 8 kHz is flattened, frame by frame, to a white spectrum: a click becomes a single peak in noise.
    It counts when it stands 8 standard deviations above the noise of the 9 ms before and of the 9 ms after, and
    twice above their peaks, and holds a step of -36 dB of the audio's peak. A consonant's burst goes on after its
    first sample; a voice's pulses (above 111 Hz) come again. The ends count: audio may not start or stop on a step.
    """
    import numpy as np

    peak = float(np.abs(audio).max(initial=0.0))
    if not peak:
        return []
    margin = round(_FRAME_S * sample_rate)
    padded = np.pad(audio.astype(np.float64), margin)
    white = _whitened(padded, sample_rate)
    width = max(1, round(_BIN_S * sample_rate))
    peaks = _bins(np.abs(white), width).max(axis=1)
    powers = np.square(_bins(white, width)).mean(axis=1)
    steps = _bins(_step_sizes(padded), width).max(axis=1)
    before, after = _sides(powers), _sides(powers[::-1])[::-1]
    noise = np.sqrt(np.maximum(before.mean(axis=1), after.mean(axis=1)))
    highest = np.maximum(_sides(peaks).max(axis=1), _sides(peaks[::-1])[::-1].max(axis=1))
    floor = np.maximum(noise * _SIGMAS, highest * _NEIGHBOUR_RATIO)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(peaks, _NEAR_BINS), 2 * _NEAR_BINS + 1).max(axis=1)
    largest = np.lib.stride_tricks.sliding_window_view(np.pad(steps, 1), 3).max(axis=1)
    found = np.flatnonzero((peaks > floor) & (peaks == near) & (largest > peak * 10 ** (CLICK_DB / 20)))
    samples = [int(np.abs(white[i * width : (i + 1) * width]).argmax()) + i * width - margin for i in found]
    return [float(np.clip(sample, 0, len(audio)) / sample_rate) for sample in samples]


def _whitened(audio: npt.NDArray[Any], sample_rate: int) -> npt.NDArray[Any]:
    """Return `audio` above 8 kHz with every frame's spectrum divided by its own envelope."""
    import numpy as np

    hop = round(_FRAME_S * sample_rate / 2)
    size = 2 * hop
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size)
    count = -(-len(audio) // hop) + 1
    padded = np.pad(audio, (hop, count * hop - len(audio)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * window
    spectrum = np.fft.rfft(frames)
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    spectrum[:, hertz < min(_BAND_HZ, sample_rate / 3)] = 0
    reach = max(1, round(_SMOOTHING_HZ * size / sample_rate))
    totals = np.cumsum(np.pad(np.square(np.abs(spectrum)), ((0, 0), (reach + 1, reach)), mode="edge"), axis=1)
    envelope = (totals[:, 2 * reach + 1 :] - totals[:, : -2 * reach - 1]) / (2 * reach + 1)
    loudest = envelope.max(axis=1, keepdims=True)
    spectrum /= np.sqrt(np.maximum(envelope, loudest * 1e-6) + 1e-20)
    pieces = np.fft.irfft(spectrum, size) * window
    white = np.zeros(len(padded))
    for start, piece in zip(range(0, len(padded), hop), pieces, strict=False):
        white[start : start + size] += piece
    return white[hop : hop + len(audio)]


def _step_sizes(audio: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return, per sample, the step or half the spike that its third difference could stand for."""
    import numpy as np

    return np.abs(np.diff(audio, 3, prepend=np.zeros(3))) / 2


def _bins(values: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    import numpy as np

    count = -(-len(values) // width)
    return np.pad(values, (0, count * width - len(values))).reshape(count, width)


def _sides(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return for each bin those from 9 ms to 1.5 ms before it, [bins, 16]."""
    import numpy as np

    padded = np.pad(values, (_FAR_BINS, 0))
    reach = _FAR_BINS - _NEAR_BINS + 1
    return np.lib.stride_tricks.sliding_window_view(padded, reach)[: len(values)]
