"""Phoneme boundaries of an utterance: the teacher's own alignment, mended by the audio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.analysis.onsets import STEP_SECONDS, steepest_rise
from training.inventory import BY_SYMBOL, SILENCE
from training.teacher.model import BOUNDARY_LAG_SECONDS, FRAME_RATE

if TYPE_CHECKING:
    from training.inventory import Phoneme
    from training.teacher.utterances import Utterance

_REACH_SECONDS = 0.050
_VOICED_REACH_SECONDS = 0.025
_BURST_REACH_SECONDS = 0.025
_CLEAR_RISE_DB = 3.0
_COUPLING_SECONDS = (0.130, 0.040)
_CLEAR_FALL_DB = 6.0
_SHORTEST_VOWEL_SECONDS = 0.040
_RELEASE_DB = 16.0
_SHORTEST_SECONDS = 0.020
_BURST_RISE_DB = 8.0
_ASPIRATION_SECONDS = (0.015, 0.090)
STOPS = frozenset(("k", "ky", "t", "ty", "p", "py"))
_OBSTRUENTS = frozenset(("stop", "affricate", "fricative"))
_HISSES = frozenset(("s", "sh", "z", "zh"))


def token_boundaries(utterance: Utterance, token_frames: np.ndarray, seconds: float) -> np.ndarray:
    """Return float64 [n + 1]: where each phoneme starts, and the end, by the teacher's tokens.

    The audio runs ahead of the tokens by a constant lag (see ``BOUNDARY_LAG_SECONDS``).
    """
    ends = np.cumsum(token_frames) / FRAME_RATE - BOUNDARY_LAG_SECONDS
    owners = np.array(utterance.owners)
    last = [int(np.flatnonzero(owners == i)[-1]) for i in range(len(utterance.phonemes))]
    starts = np.concatenate([[0.0], ends[last]])
    starts[-1] = seconds
    return np.clip(starts, 0.0, seconds)


def mend_boundaries(
    phonemes: tuple[str, ...], starts: np.ndarray, energy_db: np.ndarray, vowel_db: np.ndarray, hiss_db: np.ndarray
) -> np.ndarray:
    """Return boundaries with vowel onsets on the steepest rise, vowel ends on the steepest fall, releases cut off.

    ``energy_db`` is :func:`training.analysis.onsets.band_energy_db` of the utterance (the mean of its levels),
    ``vowel_db`` and ``hiss_db`` the same of the vowels' band and of hiss. Onsets after unvoiced consonants may move by
    50 ms, after a stop by 25 ms on from its burst (never back to it), after voiced ones by 25 ms and only to a clear
    rise; a vowel ends where it clearly falls into a stop, an affricate or a fricative, a sonorant into an unvoiced one
    and a voiced stop into an unvoiced hiss (the teacher's tokens have the unvoiced ones 20-70 ms late: closures and
    hisses would be sung as vowels, the d of "and so" with half its s); the last vowel before a pause ends where it has
    fallen 16 dB.
    """
    mended = starts.copy()
    for i in range(1, len(phonemes)):
        before, here = BY_SYMBOL[phonemes[i - 1]], BY_SYMBOL[phonemes[i]]
        if phonemes[i] == SILENCE and phonemes[i - 1] != SILENCE:
            mended[i] = _release(energy_db, mended[i - 1], starts[i])
        elif here.is_vowel and before.name in STOPS:
            place = _after_burst(energy_db, starts[i])
            mended[i], _ = steepest_rise(vowel_db, place + _BURST_REACH_SECONDS / 2, _BURST_REACH_SECONDS / 2)
        elif here.is_vowel and not before.is_vowel and not before.voiced:
            mended[i], _ = steepest_rise(vowel_db, starts[i], _REACH_SECONDS)
        elif here.is_vowel and not before.is_vowel:
            place, rise = steepest_rise(energy_db, starts[i], _VOICED_REACH_SECONDS)
            if rise >= _CLEAR_RISE_DB:
                mended[i] = place
        elif here.kind in _OBSTRUENTS and _falls_into(before, here):
            shortest = _SHORTEST_VOWEL_SECONDS if before.is_vowel else _SHORTEST_SECONDS
            sounding = energy_db - hiss_db if here.name in _HISSES else energy_db
            mended[i] = _fall(sounding, mended[i - 1] + shortest, starts[i], starts[i + 1])
    for i in range(1, len(mended)):
        mended[i] = max(mended[i], mended[i - 1] + _SHORTEST_SECONDS)
    return mended


def burst_times(phonemes: tuple[str, ...], starts: np.ndarray, energy_db: np.ndarray) -> np.ndarray:
    """Return float64 [n] seconds: where an unvoiced stop opens, its end where that is not heard."""
    bursts = starts[1:].copy()
    for i, symbol in enumerate(phonemes):
        if BY_SYMBOL[symbol].name in STOPS:
            earliest, latest = starts[i + 1] - _ASPIRATION_SECONDS[1], starts[i + 1] - 0.012
            place, rise = steepest_rise(energy_db, (earliest + latest) / 2, (latest - earliest) / 2)
            if rise >= _BURST_RISE_DB and place > starts[i]:
                bursts[i] = place
    return bursts


def _after_burst(energy_db: np.ndarray, expected: float) -> float:
    """Return the rise of the vowel after a stop's burst; the burst where nothing else rises."""
    burst, _ = steepest_rise(energy_db, expected, _REACH_SECONDS)
    earlier, _ = steepest_rise(energy_db, expected - _REACH_SECONDS / 2, _REACH_SECONDS)
    best, highest = burst, _CLEAR_RISE_DB
    for start in {burst, min(earlier, burst)}:
        low, high = (start + edge for edge in _ASPIRATION_SECONDS)
        high = min(high, expected + _REACH_SECONDS)
        if high > low:
            place, rise = steepest_rise(energy_db, (low + high) / 2, (high - low) / 2)
            if rise > highest:
                best, highest = place, rise
    return best


def _falls_into(before: Phoneme, obstruent: Phoneme) -> bool:
    """Whether the end of ``before`` can be heard as a fall into an obstruent."""
    if before.is_vowel:
        return True
    if obstruent.voiced:
        return False
    return before.is_sonorant or (before.kind == "stop" and before.voiced and obstruent.name in _HISSES)


def _fall(sounding_db: np.ndarray, earliest: float, expected: float, end: float) -> float:
    """Return where a phoneme, not over before ``earliest``, falls into an obstruent that lasts until ``end``."""
    earliest = max(expected - _COUPLING_SECONDS[0], earliest)
    latest = min(expected + _COUPLING_SECONDS[1], end - _SHORTEST_SECONDS)
    if latest <= earliest:
        return expected
    place, fall = steepest_rise(-sounding_db, (earliest + latest) / 2, (latest - earliest) / 2)
    return place if fall >= _CLEAR_FALL_DB else expected


def _release(energy_db: np.ndarray, start: float, end: float) -> float:
    """Return where a last phoneme has fallen 16 dB below its own peak."""
    first, last = round(start / STEP_SECONDS), round(end / STEP_SECONDS) + 1
    part = energy_db[first:last]
    if not len(part):
        return end
    loud = np.flatnonzero(part >= part.max() - _RELEASE_DB)
    return min(end, (first + int(loud[-1])) * STEP_SECONDS)
