"""A pitch track of one voice from audio alone: YIN (de Cheveigné and Kawahara 2002) with a parabola at its dips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

LOWEST_HZ, HIGHEST_HZ = 60.0, 1400.0
TRACK_FRAME_S = 0.01
_THRESHOLD = 0.15
"""Of the normalised difference: the first dip below it is the period; with none, the frame is unvoiced."""
_FRAMES_AT_ONCE = 256


def pitch_track(audio: npt.NDArray[Any], sample_rate: int, start_s: float, stop_s: float) -> npt.NDArray[Any]:
    """Return f0 in Hz, [frames of 10 ms from start_s], 0 where unvoiced; audio is float [samples]."""
    import numpy as np

    longest = int(sample_rate / LOWEST_HZ) + 2
    window = 2 * longest
    count = max(0, int((stop_s - start_s) / TRACK_FRAME_S) + 1)
    centres = np.round((start_s + np.arange(count) * TRACK_FRAME_S) * sample_rate).astype(int)
    margin = window + max(0, -int(centres[0])) if count else 0
    padded = np.pad(audio.astype(np.float64), (margin, window + max(0, int(centres[-1]) - len(audio)) if count else 0))
    track = np.zeros(count)
    for first in range(0, count, _FRAMES_AT_ONCE):  # bounded memory, however long the song
        starts = centres[first : first + _FRAMES_AT_ONCE] + margin - window // 2
        frames = padded[starts[:, np.newaxis] + np.arange(window)]
        track[first : first + len(frames)] = [_pitch(row, sample_rate) for row in _differences(frames, longest)]
    return track


def _differences(frames: npt.NDArray[Any], longest: int) -> npt.NDArray[Any]:
    """Return YIN's cumulative mean normalised difference, [frames, lags]."""
    import numpy as np

    half = frames.shape[1] - longest
    size = 1 << (frames.shape[1] + half - 1).bit_length()
    spectra = np.conj(np.fft.rfft(frames[:, :half], size)) * np.fft.rfft(frames, size)
    products = np.fft.irfft(spectra, size)[:, :longest]
    energies = np.cumsum(np.pad(np.square(frames), ((0, 0), (1, 0))), axis=1)
    power = energies[:, half : half + longest] - energies[:, :longest]
    difference = np.maximum(power[:, :1] + power - 2 * products, 0.0)
    lags = np.arange(longest)
    mean = np.cumsum(difference, axis=1) / np.maximum(lags, 1)
    normalised: npt.NDArray[Any] = np.where(mean > 1e-12, difference / np.maximum(mean, 1e-12), 1.0)
    return normalised


def _pitch(difference: npt.NDArray[Any], sample_rate: int) -> float:
    import numpy as np

    shortest = int(sample_rate / HIGHEST_HZ)
    inner = difference[shortest - 1 : -1]
    before, after = difference[shortest - 2 : -2], difference[shortest:]
    dips = np.flatnonzero((inner < _THRESHOLD) & (inner <= before) & (inner < after)) + shortest - 1
    if not len(dips):
        return 0.0
    period = _bottom(difference, int(dips[0]))
    multiple = 2
    while multiple * period < len(difference) / 4:  # several periods tell one more finely than a sample can
        near = round(multiple * period)
        around = difference[near - 2 : near + 3]
        if around.min() >= _THRESHOLD or around.argmin() in (0, 4):
            break
        period = _bottom(difference, near - 2 + int(around.argmin())) / multiple
        multiple *= 2
    return sample_rate / period


def _bottom(difference: npt.NDArray[Any], lag: int) -> float:
    """Return where a parabola through a dip and its neighbours is lowest."""
    left, middle, right = (float(value) for value in difference[lag - 1 : lag + 2])
    bend = left - 2 * middle + right
    return lag + (0.5 * (left - right) / bend if bend > 0 else 0.0)
