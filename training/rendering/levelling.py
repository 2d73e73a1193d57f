"""How loud each sound of a song is sung: what was spoken, levelled."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from training.inventory import BY_SYMBOL
from training.targets import warped_centres

if TYPE_CHECKING:
    from training.inventory import Phoneme
    from training.rendering.reading import Reading
    from training.songs import Song
    from training.voices import Voice

VOWEL_TARGET_DB = -14.0
_FLATTENING = 0.9
_HEADROOM_DB = 3.0
"""How far any moment may stand out of the vowels' loudness: the teacher begins some vowels with a shout."""
_CONSONANT_GAIN_DB = (-4.0, 2.0)
_CONSONANT_DB = {
    **dict.fromkeys(("z", "zh", "j", "jh"), -8.0),
    **dict.fromkeys(("p", "py"), -6.0),
    **dict.fromkeys(("h", "hh", "hy"), -2.0),
    **dict.fromkeys(("k", "ky", "t", "ty"), -1.0),
}
"""The teacher's voiced sibilants swell with the pulses; its h and the puff after its p, less so after k and t, pass for
the vowel's onset."""
_VOWEL_LEVEL = (0.0, -10.0, 10.0)
_SONORANT_LEVEL = (-5.0, -4.0, 8.0)
_VOICED_STOP_LEVEL = (-18.0, 0.0, 4.0)
_WEAK_LEVELS = {
    **dict.fromkeys(("v", "dh"), (-16.0, 0.0, 10.0)),
    **dict.fromkeys(("f", "th"), (-24.0, 4.0, 10.0)),
}
"""Where phonemes should lie against vowels, and the least and the most by which they are moved towards it, all in dB.
The women's v and dh lie 22 to 31 dB under their vowels, f and th 33 to 44; the men's 16 to 20 and 28 to 32."""
GAIN_SMOOTHING_STEPS = 2.0
_DB_PER_OCTAVE, _MOST_REGISTER_DB = 1.5, 2.0
_ENDING_SECONDS, _MOST_OF_VOWEL, _ENDING_DB = 0.2, 0.4, 22.0
"""How the last note before a pause is left: over how long, at most what share of its vowel, and by how much."""
_HISSING = frozenset(("v", "dh"))
_MOST_HISS_DB = -36.0
"""Full scale: of a v whose voice is soft the hiss above 3 kHz, which its level does not count, would be loud."""


def gains_db(song: Song, reading: Reading, against_vowels: np.ndarray) -> np.ndarray:
    """Return dB [S]: most sounds brought near a level of their own, the others following their vowel within limits.

    ``against_vowels`` dB [S] is how loud they were read, against the median of the singer's vowels.
    """
    gains = np.zeros(len(song.phonemes))
    vowel_gain = 0.0
    for i in reversed(range(len(song.phonemes))):
        phoneme = BY_SYMBOL[song.phonemes[i].symbol]
        level = _level(phoneme)
        if song.phonemes[i].source is None:
            vowel_gain = 0.0
        elif level is None:
            gains[i] = np.clip(vowel_gain, *_CONSONANT_GAIN_DB) + _CONSONANT_DB.get(phoneme.name, 0.0)
        else:
            gains[i] = _towards(level, against_vowels[(reading.phoneme == i) & (reading.presence >= 1.0)])
            vowel_gain = gains[i] if phoneme.is_vowel else vowel_gain
    owner = reading.phoneme.copy()
    resting = np.array([phoneme.source is None for phoneme in song.phonemes])[owner]
    owner[resting & (reading.recording >= 0)] -= 1
    smooth = gaussian_filter1d(gains[np.maximum(owner, 0)], GAIN_SMOOTHING_STEPS)
    return smooth - _held_down(against_vowels + smooth - _HEADROOM_DB)


def _level(phoneme: Phoneme) -> tuple[float, float, float] | None:
    """Return the level that a phoneme is moved to, with its limits; None where it follows the vowel behind it."""
    if phoneme.is_vowel:
        return _VOWEL_LEVEL
    if phoneme.is_sonorant:
        return _SONORANT_LEVEL
    if phoneme.kind == "stop" and phoneme.voiced:
        return _VOICED_STOP_LEVEL
    return _WEAK_LEVELS.get(phoneme.name)


def _towards(level: tuple[float, float, float], against_vowels: np.ndarray) -> float:
    """Return the gain in dB that brings a phoneme, read as loud against vowels as dB [S] say, near a level."""
    wanted, least, most = level
    core = against_vowels[int(0.25 * len(against_vowels)) : max(int(0.8 * len(against_vowels)), 1)]
    if not len(core):
        return 0.0
    return float(np.clip(_FLATTENING * (wanted - core.mean()), least, most))


def register_db(voice: Voice, f0: np.ndarray) -> np.ndarray:
    """Return dB [S]: notes above the middle of the singer's range are louder, those below softer."""
    octaves = np.log2(f0 / 440.0) - (np.mean(voice.comfortable) - 69.0) / 12.0
    return np.clip(_DB_PER_OCTAVE * octaves, -_MOST_REGISTER_DB, _MOST_REGISTER_DB)


def ending_db(song: Song, times: np.ndarray) -> np.ndarray:
    """Return dB [S] at ``times`` in seconds: a vowel or sonorant before a pause is left softly; a stop shuts it off."""
    ending = np.zeros(len(times))
    vowel_seconds = 0.0
    for last, after in itertools.pairwise(song.phonemes):
        known, own_seconds = BY_SYMBOL[last.symbol], last.end - last.start
        if last.source is None:
            vowel_seconds = 0.0
        elif known.is_vowel:
            vowel_seconds = own_seconds
        if last.source is not None and after.source is None and (known.is_vowel or known.is_sonorant):
            length = min(_ENDING_SECONDS, _MOST_OF_VOWEL * (vowel_seconds or own_seconds))
            here = (times >= last.end - length) & (times < after.end)
            ending[here] = -_ENDING_DB * np.clip(1.0 - (last.end - times[here]) / length, 0.0, 1.0) ** 2
    return ending


def hiss_db(song: Song, reading: Reading, noise: np.ndarray) -> np.ndarray:
    """Return dB [S], at most 0, that keep the hiss of weak voiced fricatives weak, of ``noise`` [S, 256]."""
    weak = np.array([BY_SYMBOL[phoneme.symbol].name in _HISSING for phoneme in song.phonemes])[reading.phoneme]
    widths = np.gradient(warped_centres(noise.shape[1]))
    level = 10.0 * np.log10(np.exp(2.0 * noise) @ (widths / widths.sum()) + 1e-12)
    return np.where(weak, -_held_down(np.where(weak, level - _MOST_HISS_DB, 0.0)), 0.0)


def _held_down(above: np.ndarray) -> np.ndarray:
    """Return dB [S], smooth, by which to turn down what lies ``above`` a limit (dB [S], negative below it)."""
    excess = maximum_filter1d(np.maximum(above, 0.0), 2 * int(GAIN_SMOOTHING_STEPS) + 1)
    return np.asarray(gaussian_filter1d(excess, GAIN_SMOOTHING_STEPS))
