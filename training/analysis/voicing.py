"""Which 5 ms frames are voiced, from audio and labels.

WORLD's own test calls a quarter to a half of unvoiced consonants voiced; wrong voicing was the
largest loss of quality in a trial, so it is decided by periodicity at the known pitch, level, and
what the labels say must be so.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import butter, sosfiltfilt

from training.inventory import BY_SYMBOL, SILENCE

FRAME_SECONDS = 0.005
_BAND_HZ = (60.0, 1300.0)
_PERIODIC = 0.72
_LEVEL_DB = 32.0
_WINDOW_SECONDS = 0.025


def periodic_frames(audio: np.ndarray, sample_rate: int, f0_hz: float, frames: int) -> np.ndarray:
    """Return bool [frames]: correlated with itself one period later, and not too weak."""
    sections = butter(4, _BAND_HZ, btype="bandpass", fs=sample_rate, output="sos")
    band = sosfiltfilt(sections, np.asarray(audio, np.float64))
    lag = round(sample_rate / f0_hz)
    early, late = band[:-lag], band[lag:]
    centres = np.arange(frames) * FRAME_SECONDS - lag / 2 / sample_rate
    product = _moving_sum(early * late, centres, sample_rate)
    energy = _moving_sum(early**2, centres, sample_rate), _moving_sum(late**2, centres, sample_rate)
    correlation = product / (np.sqrt(energy[0] * energy[1]) + 1e-9)
    level = 10.0 * np.log10(energy[0] + energy[1] + 1e-9)
    return (correlation > _PERIODIC) & (level > np.percentile(level, 97) - _LEVEL_DB)


def _moving_sum(values: np.ndarray, centres: np.ndarray, sample_rate: int) -> np.ndarray:
    total = np.concatenate([[0.0], np.cumsum(values)])
    half = round(_WINDOW_SECONDS * sample_rate / 2)
    middle = np.round(centres * sample_rate).astype(int)
    return total[np.clip(middle + half, 0, len(values))] - total[np.clip(middle - half, 0, len(values))]


def voiced_share(voiced: np.ndarray, start: float, end: float) -> float:
    """Return the share of voiced frames in a stretch of seconds."""
    part = voiced[round(start / FRAME_SECONDS) : max(round(end / FRAME_SECONDS), 1)]
    return float(part.mean()) if len(part) else 0.0


def by_labels(voiced: np.ndarray, phonemes: tuple[str, ...], starts: np.ndarray) -> np.ndarray:
    """Return the voicing with what labels know forced.

    Off inside unvoiced consonants and pauses (12 ms after their start, 8 ms before their end); on
    over 20-85 % of every vowel and over sonorants, without a gap where two of them meet; then a
    median over five frames.
    """
    forced = voiced.copy()
    sings = [_always_voiced(symbol) for symbol in phonemes]
    for i, (start, end) in enumerate(itertools.pairwise(starts)):
        length = end - start
        if sings[i]:
            joined = i > 0 and sings[i - 1], i + 1 < len(sings) and sings[i + 1]
            low = start if joined[0] else start + 0.20 * length
            high = end if joined[1] else start + 0.85 * length
        elif phonemes[i] == SILENCE or not BY_SYMBOL[phonemes[i]].voiced:
            low, high = start + 0.012, end - 0.008
        else:
            continue
        first, last = round(low / FRAME_SECONDS), round(high / FRAME_SECONDS)
        forced[max(first, 0) : max(last, 0)] = sings[i]
    return median_filter(forced.astype(np.uint8), 5).astype(bool)


def _always_voiced(symbol: str) -> bool:
    """Whether a phoneme is sung with the voice throughout: vowels, nasals, glides, liquids."""
    phoneme = BY_SYMBOL[symbol]
    return phoneme.voiced and (phoneme.is_vowel or phoneme.is_sonorant)
