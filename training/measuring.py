"""Measures of sung audio against what was asked for. Frames are the format's (512 / 44 100 Hz)."""

from __future__ import annotations

import numpy as np
import pyworld

from training.examples import FRAME_SECONDS, HOP_SIZE, SAMPLE_RATE
from training.mel import log_mel

TRACK_SECONDS = 0.005
_EDGE_FRAMES = 3
"""Frames around phoneme edges that voicing is not judged in."""
_SIZES = (2048, 1024, 512, 256)


Track = tuple[np.ndarray, np.ndarray]
"""Seconds and Hz (0 is unvoiced)."""


def track(audio: np.ndarray) -> Track:
    """Return (seconds, Hz) of a pitch tracker that knows nothing of the score; 0 is unvoiced."""
    wave = audio.astype(np.float64)
    hertz, seconds = pyworld.harvest(
        wave, SAMPLE_RATE, f0_floor=90.0, f0_ceil=1300.0, frame_period=1000 * TRACK_SECONDS
    )
    return seconds, pyworld.stonemask(wave, hertz, seconds, SAMPLE_RATE)


def frame_seconds(frames: int) -> np.ndarray:
    """Return the times of the frames' centres."""
    return (np.arange(frames) + 0.5) * FRAME_SECONDS


def cents_off(tracked: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return cents between two F0 arrays in Hz, where both are > 0."""
    both = (tracked > 0) & (wanted > 0)
    return np.asarray(1200.0 * np.log2(tracked[both] / wanted[both]))


def f0_errors(tracked: Track, f0: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Return cents between tracked and requested F0 in the frames labelled voiced, edges left out."""
    seconds, hertz = tracked
    inner = _away_from_edges(voiced) & voiced
    at = np.interp(seconds, frame_seconds(len(f0)), f0)
    frame = np.minimum((seconds / FRAME_SECONDS).astype(int), len(f0) - 1)
    return cents_off(np.where(inner[frame], hertz, 0.0), at)


def voicing_errors(tracked: Track, voiced: np.ndarray, sounding: np.ndarray) -> float:
    """Return the share of sounding frames whose voicing is not the label's, edges left out."""
    seconds, hertz = tracked
    heard = np.interp(frame_seconds(len(voiced)), seconds, (hertz > 0).astype(float)) > 0.5
    judged = _away_from_edges(voiced) & sounding
    return float(np.mean(heard[judged] != voiced[judged]))


def _away_from_edges(labels: np.ndarray) -> np.ndarray:
    changes = np.flatnonzero(np.diff(labels.astype(int))) + 1
    keep = np.ones(len(labels), bool)
    for change in changes:
        keep[max(0, change - _EDGE_FRAMES) : change + _EDGE_FRAMES] = False
    return keep


def note_body_cents(
    audio: np.ndarray, note_midi: np.ndarray, note_rest: np.ndarray, note_dur: np.ndarray
) -> np.ndarray:
    """Return, for each sung note of 8 frames or more, its median cents off the written pitch.

    A note's body leaves out its first 30 % (the glide) and last 15 %.
    """
    seconds, hertz = track(audio)
    ends = np.cumsum(note_dur)
    results = []
    for i, (end, length) in enumerate(zip(ends, note_dur, strict=True)):
        if note_rest[i] or length < 8:
            continue
        first, last = (end - 0.7 * length) * FRAME_SECONDS, (end - 0.15 * length) * FRAME_SECONDS
        body = hertz[(seconds >= first) & (seconds < last)]
        body = body[body > 0]
        if len(body) >= 3:
            wanted = 440.0 * 2.0 ** ((note_midi[i] - 69.0) / 12.0)
            results.append(float(np.median(1200.0 * np.log2(body / wanted))))
    return np.array(results)


def largest_step(audio: np.ndarray, voiced: np.ndarray) -> float:
    """Return the largest difference of neighbouring samples in voiced frames."""
    steps = np.abs(np.diff(audio, append=audio[-1:]))
    frames = steps[: len(voiced) * HOP_SIZE].reshape(-1, HOP_SIZE).max(axis=1)
    return float(frames[voiced].max()) if voiced.any() else 0.0


def level_spread_db(audio: np.ndarray, sounding: np.ndarray) -> float:
    """Return the span between the 10th and 90th percentile of the level of sounding frames."""
    levels = frame_levels_db(audio)[: len(sounding)][sounding]
    low, high = np.percentile(levels, [10, 90])
    return float(high - low)


def frame_levels_db(audio: np.ndarray) -> np.ndarray:
    """Return the RMS of each frame in dBFS."""
    count = len(audio) // HOP_SIZE
    power = (audio[: count * HOP_SIZE].reshape(count, HOP_SIZE).astype(np.float64) ** 2).mean(axis=1)
    return np.asarray(10.0 * np.log10(power + 1e-12))


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


def mel_cepstral_distance(audio: np.ndarray, reference: np.ndarray, sounding: np.ndarray) -> float:
    """Return the mel-cepstral distance in dB over sounding frames, coefficients 1 to 24."""
    gap = log_mel(audio)[: len(sounding)] - log_mel(reference)[: len(sounding)]
    bins = gap.shape[1]
    order = np.arange(1, 25)
    basis = np.cos(np.pi * order[:, None] * (np.arange(bins) + 0.5) / bins) * 2.0 / bins
    cepstra = gap[sounding] @ basis.T
    scale = 10.0 / np.log(10.0) * np.sqrt(2.0)
    return float(scale * np.mean(np.sqrt((cepstra**2).sum(axis=1))))
