"""Numbers from audio, against what was asked for; no voicebank, no teacher, no torch here.

Audio is float [samples]; a frame is ``hop`` samples. Definitions that a bar depends on:

* pitch track: WORLD's harvest refined by stonemask, 5 ms frames, half an octave beyond what was asked for
* gross: more than 100 cents off; the root mean square error leaves gross frames out
* voiced: correlated by more than 0.72 with itself one asked-for period later, in 60-1300 Hz (to twice the pitch where
  that is higher), and within 32 dB of the phrase's loudest moments there
* edges: three frames on either side of a phoneme's edge are not judged
* active: 20 ms frames of what is sung, not breathed, within 40 dB of the loudest
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyworld
from scipy.signal import butter, resample_poly, sosfiltfilt

from training.mel import log_mel

EDGE_FRAMES = 3
GROSS_CENTS = 100.0
TRACK_S = 0.005
_SIZES = (2048, 1024, 512, 256)
_BAND_HZ = (60.0, 1300.0)
_PERIODIC, _VOICED_DB, _VOICED_WINDOW_S = 0.72, 32.0, 0.025
_ACTIVE_S, _ACTIVE_DB = 0.020, 40.0
_STEP_WINDOW_S, _STEP_DB, _STEP_FLOOR_DB = 0.005, 12.0, -50.0


Track = tuple[np.ndarray, np.ndarray]
"""Seconds and Hz (0 is unvoiced)."""


def track(audio: np.ndarray, sample_rate: int, f0: np.ndarray) -> Track:
    """Return (seconds, Hz; 0 is unvoiced) of a tracker that knows of ``f0`` only its lowest and highest value."""
    wave = np.nan_to_num(np.asarray(audio, np.float64))
    floor, ceiling = max(45.0, float(f0.min()) / np.sqrt(2)), min(1600.0, float(f0.max()) * np.sqrt(2))
    rough, seconds = pyworld.harvest(wave, sample_rate, floor, ceiling, 1000 * TRACK_S)
    return seconds, pyworld.stonemask(wave, rough, seconds, sample_rate)


def f0_cents(tracked: Track, f0: np.ndarray, judged: np.ndarray, frame_s: float) -> np.ndarray:
    """Return cents off the asked-for curve in the judged frames [T] where a pitch was found."""
    seconds, hertz = tracked
    centres = (np.arange(len(f0)) + 0.5) * frame_s
    frame = np.minimum((seconds / frame_s).astype(int), len(f0) - 1)
    wanted = np.interp(seconds, centres, f0)
    found = judged[frame] & (hertz > 0)
    return np.asarray(1200.0 * np.log2(hertz[found] / wanted[found]))


def fine_rms(cents: np.ndarray) -> float:
    """Return the root mean square of the errors that are not gross; NaN where all are."""
    fine = cents[np.abs(cents) <= GROSS_CENTS]
    return float(np.sqrt(np.mean(fine**2))) if len(fine) else float("nan")


def away_from_edges(edges: Sequence[int], frames: int, reach: int = EDGE_FRAMES) -> np.ndarray:
    """Return bool [frames], false within ``reach`` frames of an edge."""
    keep = np.ones(frames, bool)
    for edge in edges:
        keep[max(0, edge - reach) : edge + reach] = False
    return keep


def voiced_frames(audio: np.ndarray, sample_rate: int, f0: np.ndarray, frame_s: float) -> np.ndarray:
    """Return bool [T]: frames that sound periodic at the pitch that was asked for."""
    top = min(max(_BAND_HZ[1], 2.0 * float(f0.max())), 0.2 * sample_rate)
    sections = butter(4, (_BAND_HZ[0], top), btype="bandpass", fs=sample_rate, output="sos")
    band = resample_poly(sosfiltfilt(sections, np.nan_to_num(np.asarray(audio, np.float64))), 1, 2)
    rate = sample_rate / 2
    half = round(_VOICED_WINDOW_S * rate / 2)
    lag = np.round(rate / f0).astype(int)
    room = half + int(lag.max()) + 2
    padded = np.pad(band, (room, room + round(frame_s * rate)))
    middle = np.round((np.arange(len(f0)) + 0.5) * frame_s * rate).astype(int) + room
    span = np.arange(-half, half)
    best = np.zeros(len(f0))
    energy = np.zeros(len(f0))
    for shift in (-1, 0, 1):  # a period is no whole number of samples
        early = padded[(middle - lag // 2)[:, None] + span]
        late = padded[(middle - lag // 2 + lag + shift)[:, None] + span]
        powers = (early**2).sum(axis=1), (late**2).sum(axis=1)
        best = np.maximum(best, (early * late).sum(axis=1) / (np.sqrt(powers[0] * powers[1]) + 1e-12))
        energy = np.maximum(energy, powers[0] + powers[1])
    level = 10.0 * np.log10(energy + 1e-12)
    return (best > _PERIODIC) & (level > np.percentile(level, 97) - _VOICED_DB)


def largest_step(audio: np.ndarray, frames: np.ndarray, hop: int) -> float:
    """Return the largest difference of neighbouring samples in the chosen frames [T]."""
    count = min(len(frames), len(audio) // hop)
    steps = np.abs(np.diff(audio, append=audio[-1:]))[: count * hop].reshape(count, hop).max(axis=1)
    return float(np.nan_to_num(steps[frames[:count]], nan=np.inf).max(initial=0.0))


def levels_db(audio: np.ndarray, size: int) -> np.ndarray:
    """Return the RMS in dBFS of each ``size`` samples."""
    count = len(audio) // size
    power = (np.nan_to_num(audio[: count * size]).reshape(count, size).astype(np.float64) ** 2).mean(axis=1)
    return np.asarray(10.0 * np.log10(power + 1e-12))


def level_spread_db(sung: Iterable[tuple[np.ndarray, np.ndarray, int]], sample_rate: int) -> float:
    """Return the span between the 10th and the 90th percentile of the levels of active frames.

    ``sung``: of each phrase its samples, which of its frames are sung (bool [T]), and the samples of a frame. A breath
    is no syllable that came out too soft: left in, those of the English songs, 32 dB under the vowels, made the spread
    0.7 to 1.7 dB wider, and the teacher, whom it is held against, has none.
    """
    size = round(_ACTIVE_S * sample_rate)
    found = []
    for audio, is_sung, hop in sung:
        levels = levels_db(audio, size)
        middles = (np.arange(len(levels)) * size + size // 2) // hop
        found.append(levels[is_sung[np.minimum(middles, len(is_sung) - 1)]])
    levels = np.concatenate(found)
    low, high = np.percentile(levels[levels > levels.max() - _ACTIVE_DB], [10, 90])
    return float(high - low)


def level_steps(audio: np.ndarray, sample_rate: int, joins_s: Sequence[float]) -> int:
    """Count the joins of phrases within 10 ms of which the level jumps by more than 12 dB, from or to a sound."""
    size = round(_STEP_WINDOW_S * sample_rate)
    found = 0
    for join in joins_s:
        first = round(join * sample_rate) - 3 * size
        around = np.pad(audio, (4 * size, 4 * size))[first + 4 * size : first + 10 * size]
        levels = np.maximum(levels_db(around, size), _STEP_FLOOR_DB)
        found += bool(len(levels) > 1 and np.abs(np.diff(levels)).max() > _STEP_DB)
    return found


def spectral_distance(audio: np.ndarray, reference: np.ndarray) -> float:
    """Return the multi-resolution STFT distance: spectral convergence plus L1 of log magnitude."""
    total = 0.0
    for size in _SIZES:
        a, b = _magnitude(audio, size), _magnitude(reference, size)
        convergence = np.linalg.norm(a - b) / np.linalg.norm(b)
        total += convergence + np.mean(np.abs(np.log(a + 1e-5) - np.log(b + 1e-5)))
    return float(total / len(_SIZES) / 2)


def _magnitude(audio: np.ndarray, size: int) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 4]
    return np.abs(np.fft.rfft(frames * np.hanning(size), axis=1))


def mel_cepstral_distances(audio: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the mel-cepstral distance in dB of each frame of 512, coefficients 1 to 24; 44 100 Hz."""
    gap = log_mel(audio) - log_mel(reference)
    bins = gap.shape[1]
    order = np.arange(1, 25)
    basis = np.cos(np.pi * order[:, None] * (np.arange(bins) + 0.5) / bins) * 2.0 / bins
    scale = 10.0 / np.log(10.0) * np.sqrt(2.0)
    return np.asarray(scale * np.sqrt(((gap @ basis.T) ** 2).sum(axis=1)))
