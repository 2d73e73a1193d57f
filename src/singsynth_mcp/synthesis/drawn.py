"""Pitch drawn by rule, for a voicebank that has no pitch model: portamento, vibrato on held notes, and a slow drift."""

from __future__ import annotations

import numpy as np

from singsynth_mcp.performance.curves import sample_curve
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.frames import Floats, frame_times
from singsynth_mcp.synthesis.seeds import derived_seed

VIBRATO_HZ = 5.5
VIBRATO_SEMITONES = 0.25
"""Depth on a held note where nothing is asked for."""
DRIFT_SEMITONES = 0.05
"""Standard deviation of the drift: a voice is never still, and never further off than is heard as in tune."""
_VIBRATO_SPREAD_HZ = 0.3
_VIBRATO_AFTER_S = 0.35
_VIBRATO_RISE_S = 0.35
_VIBRATO_FALL_S = 0.1
_DRIFT_KNOT_S = 0.35


def drawn_movement(phrase: Phrase, frame_s: float, frames: int, seed: int) -> Floats:
    """Return what moves the written line, in semitones [frames].

    The control `expressiveness` scales all of it, `vibrato` adds to the vibrato's depth; at 0 both leave the line as it
    is written.
    """
    times = frame_times(phrase, frame_s, frames)
    expressiveness = np.clip(sample_curve(phrase.controls.get("expressiveness", 1.0), times), 0.0, 1.0)
    depth = VIBRATO_SEMITONES * expressiveness + sample_curve(phrase.controls.get("vibrato", 0.0), times)
    return depth * _vibrato(phrase, times, seed) + DRIFT_SEMITONES * expressiveness * _drift(times, seed)


def _vibrato(phrase: Phrase, times: Floats, seed: int) -> Floats:
    """Return a swing of 1 that sets in on notes longer than a third of a second and dies down before their end."""
    rng = np.random.default_rng(derived_seed(seed, "vibrato"))
    swing = np.zeros(len(times))
    for note in phrase.notes:
        rate_hz = VIBRATO_HZ + _VIBRATO_SPREAD_HZ * rng.uniform(-1.0, 1.0)
        since = times - note.start_s - _VIBRATO_AFTER_S
        left = note.start_s + note.duration_s - times
        level = np.clip(np.minimum(since / _VIBRATO_RISE_S, left / _VIBRATO_FALL_S), 0.0, 1.0)
        swing += level * np.sin(2 * np.pi * rate_hz * since)
    return swing


def _drift(times: Floats, seed: int) -> Floats:
    """Return slow noise of standard deviation 1: random knots, joined by cosines."""
    rng = np.random.default_rng(derived_seed(seed, "drift"))
    places = (times - times[0]) / _DRIFT_KNOT_S
    knots = rng.standard_normal(int(places[-1]) + 2)
    whole = places.astype(int)
    blend = 0.5 - 0.5 * np.cos(np.pi * (places - whole))
    mixed: Floats = knots[whole] * (1 - blend) + knots[whole + 1] * blend
    return mixed
