"""The sung pitch of a score: note steps through a damped system, preparation, scoop, vibrato.

* Second-order response with overshoot and preparation: Saitou, Unoki, Akagi, Development of an
  F0 control model based on F0 dynamic characteristics for singing-voice synthesis, Speech
  Communication 46 (2005).
* Vibrato of 5-6 Hz that sets in late and grows: Prame, Measurements of the vibrato rate of ten
  singers, JASA 96 (1994); Nakano, Goto, Hiraga, An automatic singing skill evaluation method,
  Interspeech 2006. Its mean is the written pitch: Shonle and Horan, The pitch of vibrato tones,
  JASA 67 (1980).
* Approach from below after silence: Mori, Odagiri, Kasuya, Honda, Transitional characteristics of
  fundamental frequency in singing, ICA 2004.
* Drift and jitter: Klatt and Klatt, JASA 87 (1990); Ternström and Friberg, Analysis and
  simulation of small variations in the fundamental frequency of sustained vowels, STL-QPSR 1989.

The rule depends on the score alone; a net that learns it must not meet chance. Chance (drift,
jitter) is :func:`flutter`, kept to what is rendered.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import cont2discrete, lfilter, lfiltic

from training.rules.noise import smooth_noise

if TYPE_CHECKING:
    from training.songs import Note

RESPONSE_HZ = 8.0
DAMPING = 0.75
LEAD_SECONDS = 0.040
"""The step leads the written onset so that the glide is over soon after it."""

PREPARATION_SEMITONES = 0.20
PREPARATION_SECONDS = 0.060
PREPARED_LEAP_SEMITONES = 3.0
SCOOP_SEMITONES = 0.8
SCOOP_SECONDS = 0.045
_SCOOP_ENTRY_SECONDS = 0.050
VIBRATO_HZ = 5.5
VIBRATO_SEMITONES = 0.30
VIBRATO_ONSET_SECONDS = 0.35
VIBRATO_RAMP_SECONDS = 0.35
VIBRATO_RELEASE_SECONDS = 0.060
VIBRATO_LEAST_NOTE_SECONDS = 0.6
_DRIFT_CENTS, _DRIFT_HZ, _MOST_DRIFT_CENTS = 3.0, 1.0, 5.0
_JITTER_CENTS, _JITTER_HZ = 2.0, 8.0


def pitch_rule(notes: list[Note], times: np.ndarray) -> np.ndarray:
    """Return float64, MIDI note numbers at ``times`` (equally spaced seconds).

    ``notes`` are in order and do not overlap; between them the pitch stays where it was until the
    next note calls it.
    """
    step = float(times[1] - times[0])
    curve = _respond(_targets(notes, times), step)
    for i, note in enumerate(notes):
        after_rest = i == 0 or notes[i - 1].end < note.start - 1e-6
        if after_rest:
            since = (notes[i - 1].end + note.start) / 2 if i else times[0] - _SCOOP_ENTRY_SECONDS
            end = notes[i + 1].start if i + 1 < len(notes) else times[-1] + step
            curve += _scoop(note.start, since, end, times)
        curve += _vibrato(note, times)
    return curve


def _targets(notes: list[Note], times: np.ndarray) -> np.ndarray:
    """Return the written pitch as steps, with a dip the other way before leaps."""
    starts = np.array([note.start - LEAD_SECONDS for note in notes[1:]])
    pitches = np.array([note.midi for note in notes])
    targets = pitches[np.searchsorted(starts, times, side="right")].astype(np.float64)
    for before, note in itertools.pairwise(notes):
        leap = note.midi - before.midi
        joined = before.end >= note.start - 1e-6
        if joined and abs(leap) >= PREPARED_LEAP_SEMITONES:
            phase = (times - (note.start - LEAD_SECONDS - PREPARATION_SECONDS)) / PREPARATION_SECONDS
            inside = (phase > 0.0) & (phase < 1.0)
            dip = PREPARATION_SEMITONES * np.sin(np.pi * phase)
            targets -= np.where(inside, np.sign(leap) * dip, 0.0)
    return targets


def _respond(targets: np.ndarray, step: float) -> np.ndarray:
    omega = 2.0 * np.pi * RESPONSE_HZ
    system = ([omega**2], [1.0, 2.0 * DAMPING * omega, omega**2])
    numerator, denominator, _ = cont2discrete(system, step, method="zoh")
    numerator = numerator.ravel()
    settled = np.full(2, targets[0])
    state = lfiltic(numerator, denominator, settled, settled)
    return np.asarray(lfilter(numerator, denominator, targets, zi=state)[0])


def _scoop(start: float, since: float, until: float, times: np.ndarray) -> np.ndarray:
    """Return the approach from below of a note after silence, entered within the silence."""
    age = np.maximum(times - (start - LEAD_SECONDS), 0.0)
    approach = -SCOOP_SEMITONES * np.exp(-age / SCOOP_SECONDS)
    entry = np.clip((times - since) / _SCOOP_ENTRY_SECONDS, 0.0, 1.0)
    return np.where(times < until, approach * entry, 0.0)


def _vibrato(note: Note, times: np.ndarray) -> np.ndarray:
    length = note.end - note.start
    if length < VIBRATO_LEAST_NOTE_SECONDS:
        return np.zeros(len(times))
    age = times - note.start - VIBRATO_ONSET_SECONDS
    depth = VIBRATO_SEMITONES * min(1.0, 0.4 + (length - VIBRATO_LEAST_NOTE_SECONDS))
    rise = np.clip(age / VIBRATO_RAMP_SECONDS, 0.0, 1.0)
    fall = np.clip((note.end - times) / VIBRATO_RELEASE_SECONDS, 0.0, 1.0)
    return depth * rise * fall * np.sin(2.0 * np.pi * VIBRATO_HZ * age)


def flutter(count: int, step: float, generator: np.random.Generator) -> np.ndarray:
    """Return float64 [count] semitones of chance: slow drift (at most 5 cents) and jitter."""
    drift = smooth_noise(count, step, _DRIFT_HZ, generator) * _DRIFT_CENTS
    jitter = smooth_noise(count, step, _JITTER_HZ, generator) * _JITTER_CENTS
    return (np.clip(drift, -_MOST_DRIFT_CENTS, _MOST_DRIFT_CENTS) + jitter) / 100.0
