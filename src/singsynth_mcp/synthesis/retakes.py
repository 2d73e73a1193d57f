"""Which frames a retake predicts again and which ones pins keep (format, sections 2.3 and 2.4)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from singsynth_mcp.performance.curves import sample_curve
from singsynth_mcp.performance.model import Phrase, Retake
from singsynth_mcp.synthesis.frames import Floats, frame_times

Mask = npt.NDArray[np.bool_]


def retaken_frames(phrase: Phrase, frame_s: float, frames: int, retake: Retake) -> Mask:
    """Return which frames have their middle inside the retake, bool [frames]."""
    times = frame_times(phrase, frame_s, frames)
    return (times >= retake.start_s) & (times < retake.end_s)


def pinned_pitch(phrase: Phrase, frame_s: float, frames: int) -> tuple[Mask, Floats]:
    """Return which frames are pinned, bool [frames], and the MIDI number there; the later of two pins counts."""
    times = frame_times(phrase, frame_s, frames)
    pinned, midi = np.zeros(frames, bool), np.zeros(frames)
    for pin in phrase.pitch_pins:
        inside = (times >= pin[0][0]) & (times < pin[-1][0])
        pinned |= inside
        midi = np.where(inside, sample_curve(pin, times), midi)
    return pinned, midi
