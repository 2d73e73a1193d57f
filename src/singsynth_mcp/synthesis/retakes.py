"""Which frames a retake predicts again and which ones pins keep (format, sections 2.3 and 2.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from singsynth_mcp.performance.curves import sample_curve
from singsynth_mcp.performance.model import Phrase, Pin, Retake
from singsynth_mcp.synthesis.frames import Floats, frame_times

Mask = npt.NDArray[np.bool_]
EASE_FRAMES = 6
"""Over how many frames a curve leaves a pin, or a sung phoneme for the written line of a rest."""
GLIDE_S = 0.04
"""Over which a nudge sets in before its first note, and dies down after its last."""


def retaken_frames(phrase: Phrase, frame_s: float, frames: int, retake: Retake) -> Mask:
    """Return which frames have their middle inside the retake, bool [frames]."""
    times = frame_times(phrase, frame_s, frames)
    return (times >= retake.start_s) & (times < retake.end_s)


def pinned_pitch(phrase: Phrase, frame_s: float, frames: int) -> tuple[Mask, Floats]:
    """Return which frames are pinned, bool [frames], and the MIDI number there before any nudge."""
    return pinned_frames(phrase.pitch_pins, frame_times(phrase, frame_s, frames))


def pinned_frames(pins: Sequence[Pin], times_s: Floats) -> tuple[Mask, Floats]:
    """Return which frames are pinned, bool [frames], and what is pinned there; the later of two pins counts."""
    pinned, values = np.zeros(len(times_s), bool), np.zeros(len(times_s))
    for pin in pins:
        inside = _inside(pin, times_s)
        pinned |= inside
        values = np.where(inside, sample_curve(pin, times_s), values)
    return pinned, values


def nudged_pitch(phrase: Phrase, frame_s: float, frames: int) -> Floats:
    """Return the semitones that nudges add, [frames]: whole between their ends, glided to outside."""
    times = frame_times(phrase, frame_s, frames)
    shift = np.zeros(frames)
    for number in range(len(phrase.pitch_pins) + 1):
        for nudge in phrase.nudges:
            if nudge.after == number:
                past = np.maximum(np.maximum(nudge.start_s - times, times - nudge.end_s), 0.0)
                shift += nudge.semitones * (0.5 + 0.5 * np.cos(np.pi * np.minimum(past / GLIDE_S, 1.0)))
        if number < len(phrase.pitch_pins):
            shift[_inside(phrase.pitch_pins[number], times)] = 0.0
    return shift


def joined_to_pins(curve: Floats, pinned: Mask, pins: Floats) -> Floats:
    """Return the curve with the pins written over it, bent towards them outside, so that none begins with a step."""
    joined = np.where(pinned, pins, curve)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], pinned, [False]]).astype(np.int8)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        for inner, outer, step in ((start, start - 1, -1), (end - 1, end, 1)):
            places = outer + step * np.arange(EASE_FRAMES)
            places = places[(places >= 0) & (places < len(curve))]
            places = places[: int(np.argmax(np.append(pinned[places], True)))]
            if len(places):
                ease = 0.5 + 0.5 * np.cos(np.pi * (np.arange(len(places)) + 1) / (len(places) + 1))
                joined[places] += (pins[inner] - curve[outer]) * ease
    return joined


def _inside(pin: Pin, times_s: Floats) -> Mask:
    return (times_s >= pin[0][0]) & (times_s < pin[-1][0])
