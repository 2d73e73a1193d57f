"""Phoneme boundaries of an utterance: the teacher's own alignment, mended by the audio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.analysis.onsets import STEP_SECONDS, steepest_rise
from training.inventory import BY_SYMBOL, SILENCE
from training.teacher.model import BOUNDARY_LAG_SECONDS, FRAME_RATE

if TYPE_CHECKING:
    from training.teacher.utterances import Utterance

_REACH_SECONDS = 0.050
_VOICED_REACH_SECONDS = 0.025
_CLEAR_RISE_DB = 3.0
_RELEASE_DB = 16.0
_SHORTEST_SECONDS = 0.020


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
    phonemes: tuple[str, ...], starts: np.ndarray, energy_db: np.ndarray
) -> np.ndarray:
    """Return boundaries with vowel onsets on the steepest rise and releases cut off.

    ``energy_db`` is :func:`training.analysis.onsets.band_energy_db` of the utterance (the mean of
    its levels). Onsets after unvoiced consonants may move by 50 ms, after voiced ones by 25 ms and
    only to a clear rise; the last vowel before a pause ends where it has fallen 16 dB.
    """
    mended = starts.copy()
    for i in range(1, len(phonemes)):
        before, here = BY_SYMBOL[phonemes[i - 1]], BY_SYMBOL[phonemes[i]]
        if phonemes[i] == SILENCE and phonemes[i - 1] != SILENCE:
            mended[i] = _release(energy_db, mended[i - 1], starts[i])
        elif here.is_vowel and not before.is_vowel:
            reach = _VOICED_REACH_SECONDS if before.voiced else _REACH_SECONDS
            place, rise = steepest_rise(energy_db, starts[i], reach)
            if not before.voiced or rise >= _CLEAR_RISE_DB:
                mended[i] = place
    for i in range(1, len(mended)):
        mended[i] = max(mended[i], mended[i - 1] + _SHORTEST_SECONDS)
    return mended


def _release(energy_db: np.ndarray, start: float, end: float) -> float:
    """Return where a last phoneme has fallen 16 dB below its own peak."""
    first, last = round(start / STEP_SECONDS), round(end / STEP_SECONDS) + 1
    part = energy_db[first:last]
    if not len(part):
        return end
    loud = np.flatnonzero(part >= part.max() - _RELEASE_DB)
    return min(end, (first + int(loud[-1])) * STEP_SECONDS)
