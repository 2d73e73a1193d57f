"""Seconds to frames, and curves from one frame rate to another (diffsinger-voicebank-format, section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from singsynth_mcp.errors import StageMissing
from singsynth_mcp.performance.model import Phrase

PADDING = 8
"""Frames of SP, of the stage's own frame rate, on both sides of a phrase."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def frame_counts(lengths_s: Sequence[float] | Floats, frame_s: float) -> Counts:
    """Return the frames of consecutive spans: int64, one rounding rule on cumulative time, half to even."""
    # A whole number of frames must not depend on the last bit of a sum: it decides between two neighbours.
    passed = np.round(np.cumsum(np.asarray(lengths_s, np.float64)) / frame_s, 6)
    ends = np.rint(passed + 0.5).astype(np.int64)
    return np.diff(ends, prepend=0)


def phoneme_frames(phrase: Phrase, frame_s: float) -> Counts:
    """Return the frames of SP, each phoneme, SP: int64 [phonemes + 2]."""
    pad = PADDING * frame_s
    return frame_counts(np.concatenate([[pad], np.diff(boundaries(phrase)), [pad]]), frame_s)


def boundaries(phrase: Phrase) -> Floats:
    """Return the phrase's boundaries. Raises StageMissing when predict_durations has not run."""
    if phrase.boundaries_s is None:
        raise StageMissing("the phrase has no durations", hint="Call predict_durations first")
    return phrase.boundaries_s


def start_of_frames(phrase: Phrase, frame_s: float) -> float:
    """Return where frame 0 starts, in seconds from the phrase's origin."""
    return float(boundaries(phrase)[0]) - PADDING * frame_s


def frame_times(phrase: Phrase, frame_s: float, frames: int) -> Floats:
    """Return the middle of each frame, in seconds from the phrase's origin."""
    return start_of_frames(phrase, frame_s) + (np.arange(frames, dtype=np.float64) + 0.5) * np.float64(frame_s)


def resample(curve: npt.NDArray[np.float32], source_s: float, target_s: float, frames: int) -> npt.NDArray[np.float32]:
    """Return a curve of `source_s` frames as `frames` frames of `target_s`.

    The pads go one to one, what lies between them linearly by time: stretching the whole would misalign by the pads.
    """
    if source_s == target_s and len(curve) == frames:
        return curve
    body = curve[PADDING:-PADDING]
    positions = np.arange(frames - 2 * PADDING) * (target_s / source_s)
    middle = np.interp(positions, np.arange(len(body)), body)
    return np.concatenate([curve[:PADDING], middle, curve[-PADDING:]]).astype(np.float32)
