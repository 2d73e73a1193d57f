"""When phonemes are sung: vowels on the note, consonants before it.

Singers place the vowel, not the consonant, on the beat (Sundberg, The Science of the Singing
Voice, 1987; Sundberg and Bauer-Huppmann, When does a sung tone start?, Journal of Voice 2007).
"""

from __future__ import annotations

import numpy as np

from training.examples import FRAME_SECONDS

_LEAST_SECONDS = {
    **dict.fromkeys(("s", "sh", "ch", "ts"), 0.095),
    **dict.fromkeys(("f", "h", "hy", "hh", "th", "p", "py", "t", "ty", "k", "ky", "cl"), 0.080),
}
_TAPS, _TAP_SECONDS = frozenset(("ja/r", "ja/ry")), 0.040
_LEAST_OTHER_SECONDS = 0.065
_IN_CLUSTER = 0.6
"""Consonants are shorter beside others: in English by a third to a half (Klatt, cited below)."""
_MOST_SECONDS = 0.160
_MOST_OF_NOTE = 0.5
_UNHURRIED_SECONDS, _MOST_HURRIED = 0.4, 0.6
_CODA_SHARE = 0.35
_CODA_SECONDS = (0.070, 0.250)
SHORTEST_SECONDS = 2.0 * FRAME_SECONDS


def natural_seconds(symbol: str, spoken: float, *, clustered: bool = False) -> float:
    """Return how long a consonant is sung when there is room; ``spoken`` is its spoken length."""
    name = symbol.rpartition("/")[2]
    least = _TAP_SECONDS if symbol in _TAPS else _LEAST_SECONDS.get(name, _LEAST_OTHER_SECONDS)
    return float(np.clip(spoken, least * _IN_CLUSTER if clustered else least, _MOST_SECONDS))


def hurried_seconds(natural: float, room: float) -> float:
    """Return a consonant's length where it takes its time from a note of ``room`` seconds.

    Consonants are spared less than vowels as tempo rises, but they give some: their length goes with
    the root of short notes' lengths (compare Klatt, Linguistic uses of segmental duration in English,
    JASA 59, 1976, on incompressibility).
    """
    return natural * float(np.clip(np.sqrt(room / _UNHURRIED_SECONDS), _MOST_HURRIED, 1.0))


def fitted_seconds(natural: list[float], room: float) -> list[float]:
    """Return the lengths of consonants that take their time from ``room`` seconds, at most half of it."""
    total = sum(natural)
    scale = min(1.0, _MOST_OF_NOTE * room / total) if total else 1.0
    return [length * scale for length in natural]


def coda_seconds(note: float) -> float:
    """Return how much of the end of a note a moraic nasal takes that shares it with a vowel."""
    return min(float(np.clip(_CODA_SHARE * note, *_CODA_SECONDS)), 0.5 * note)


def to_frames(seconds: list[float]) -> np.ndarray:
    """Return int64 frames of consecutive lengths by the format's rule (section 3.4).

    The cumulative time is rounded (half to even, plus a half), never a length of its own.
    """
    ends = np.cumsum(np.array(seconds) / FRAME_SECONDS)
    edges = np.round(np.round(ends, 6) + 0.5).astype(np.int64)
    return np.diff(edges, prepend=0)
