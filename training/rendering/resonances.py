"""What the mouth does to a sound in singing, of which speech has less: envelopes changed, phoneme by phoneme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

from training.inventory import BY_SYMBOL
from training.rendering.levelling import GAIN_SMOOTHING_STEPS
from training.targets import NEPERS_PER_DB, warped_centres

if TYPE_CHECKING:
    from training.inventory import Phoneme
    from training.rendering.reading import Reading
    from training.songs import Song

_LOWEST_FORMANT_HZ = 200.0
_CARRYING_HZ, _CARRYING_OCTAVES, _CARRYING_DB = 3500.0, 0.35, 5.0
"""The formant of a voice that carries, where trained actors have it (Leino, Laukkanen and Radolf, Formation of the
actor's/speaker's formant, Journal of Voice 25, 2011); the teacher's voices are those of somebody near."""
_BRIGHT_HZ = (2000.0, 4000.0)
"""Unvoiced consonants are raised above the second, not below the first, where a louder burst passes for the vowel's
onset."""
_SIBILANT_DB, _WEAK_DB = 2.0, 6.0
_SIBILANTS = frozenset(("s", "sh", "ch", "ts"))
_SILENT = "cl"


def with_resonances(song: Song, reading: Reading, envelope: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Give what was spoken the resonances of singing: log amplitude float32 [S, 256], changed by phoneme.

    Vowels and sonorants: a first formant that lies under the pitch ``f0`` Hz [S] follows it up, as sopranos do by
    opening the mouth (Joliveau, Smith and Wolfe, Tuning of vocal tract resonance by sopranos, Nature 427, 2004), and a
    formant is added that carries. Unvoiced consonants are made with more breath: brighter, the weak ones more.
    """
    known = [BY_SYMBOL[phoneme.symbol] for phoneme in song.phonemes]
    resonant = np.array([float(phoneme.is_vowel or phoneme.is_sonorant) for phoneme in known])
    brighter = np.array([_brighter_db(phoneme) for phoneme in known])
    centres = np.maximum(warped_centres(envelope.shape[1]), 1.0).astype(np.float32)
    carrying = _CARRYING_DB * NEPERS_PER_DB * np.exp(-0.5 * (np.log2(centres / _CARRYING_HZ) / _CARRYING_OCTAVES) ** 2)
    bright = NEPERS_PER_DB * np.interp(np.log(centres), np.log(_BRIGHT_HZ), (0.0, 1.0))
    resonated = _by_step(resonant, reading) * (_followed(envelope, f0, centres) + carrying.astype(np.float32))
    return envelope + resonated + _by_step(brighter, reading) * bright.astype(np.float32)


def _by_step(values: np.ndarray, reading: Reading) -> np.ndarray:
    """Return float32 [S, 1]: the values of the phonemes at the steps, smoothed."""
    return gaussian_filter1d(values[reading.phoneme].astype(np.float32), GAIN_SMOOTHING_STEPS)[:, None]


def _brighter_db(phoneme: Phoneme) -> float:
    """Return by how much a phoneme is raised above 4 kHz."""
    if phoneme.voiced or phoneme.is_vowel or phoneme.name == _SILENT:
        return 0.0
    return _SIBILANT_DB if phoneme.name in _SIBILANTS else _WEAK_DB


def _followed(envelope: np.ndarray, f0: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return nepers [S, 256] that bring a formant under the pitch up to it.

    Below the pitch nothing sounds, so the loudest that lies there is brought up to it, with a skirt of an octave.
    """
    above_pitch = np.log2(centres / f0[:, None].astype(np.float32))
    formants = np.where(centres >= _LOWEST_FORMANT_HZ, envelope, -np.inf)
    rise = np.maximum(np.maximum.accumulate(formants, axis=1) - envelope, 0.0)
    at_pitch = np.take_along_axis(rise, np.count_nonzero(above_pitch <= 0.0, axis=1)[:, None] - 1, axis=1)
    return np.where(above_pitch <= 0.0, rise, at_pitch * np.clip(1.0 - above_pitch, 0.0, 1.0))
