"""The written line of a phrase: its notes and rests as the pitch model wants them, and as a curve (format, 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from singsynth_mcp.performance.model import Phrase, PhraseNote
from singsynth_mcp.synthesis.frames import PADDING, Counts, Floats, frame_counts, start_of_frames

ALL_RESTS_MIDI = 60.0
PORTAMENTO_S = 0.04
"""The drawn line glides from this long before a note's start to this long after it."""
_TOUCHING_S = 0.001
_CONTINUED = "+"


@dataclass(frozen=True)
class Melody:
    """Notes and rests from the first to the last frame, without gaps."""

    midi: Floats
    """[notes] rests carry the tone of a neighbour."""
    rest: npt.NDArray[np.bool_]
    """[notes]"""
    frames: Counts
    """[notes] adds up to the phrase's frames."""


def melody_of(phrase: Phrase, frame_s: float, frames: int) -> Melody:
    """Return the phrase's melody in `frames` frames: the pad and leading consonants are a rest, so is the last pad."""
    start_s = start_of_frames(phrase, frame_s)
    first, last = phrase.notes[0], phrase.notes[-1]
    items: list[tuple[float, float, bool]] = [(max(0.0, first.start_s - start_s), first.midi, True)]
    previous_end = first.start_s
    for note in phrase.notes:
        gap = note.start_s - previous_end
        if gap > _TOUCHING_S:
            items.append((gap, note.midi, True))
        rest = items[-1][2] if note.lyric.startswith(_CONTINUED) else not _is_sung(phrase, note)
        items.append((max(note.duration_s, 0.0), note.midi, rest))
        previous_end = note.start_s + note.duration_s
    items.append((PADDING * frame_s, last.midi, True))
    lengths, tones, rests = zip(*items, strict=True)
    return Melody(
        midi=fill_rests(tones, rests),
        rest=np.asarray(rests),
        frames=_forced_total(frame_counts(lengths, frame_s), frames),
    )


def fill_rests(tones: Sequence[float], rests: Sequence[bool]) -> Floats:
    """Give each run of rests its neighbours' tones: the first half, rounded up, the one before, the rest the next."""
    sung = [i for i, rest in enumerate(rests) if not rest]
    if not sung:
        return np.full(len(tones), ALL_RESTS_MIDI)
    filled = np.asarray(tones, np.float64).copy()
    filled[: sung[0]] = filled[sung[0]]
    filled[sung[-1] + 1 :] = filled[sung[-1]]
    for before, after in pairwise(sung):
        middle = before + 1 + (after - before) // 2
        filled[before + 1 : middle] = filled[before]
        filled[middle:after] = filled[after]
    return filled


def written_line(melody: Melody, frame_s: float) -> Floats:
    """Return the melody as a curve: one MIDI number a frame, notes joined by a sine-shaped glide."""
    total = int(melody.frames.sum())
    times = (np.arange(total) + 0.5) * frame_s
    line = np.full(total, melody.midi[0])
    starts = np.cumsum(melody.frames)[:-1] * frame_s
    for start_s, step in zip(starts, np.diff(melody.midi), strict=True):
        if step:
            progress = np.clip((times - start_s) / (2 * PORTAMENTO_S) + 0.5, 0.0, 1.0)
            line += step * (0.5 - 0.5 * np.cos(np.pi * progress))
    return line


def _is_sung(phrase: Phrase, note: PhraseNote) -> bool:
    """Whether a vowel sounds within the note; touching by a millisecond does not count."""
    bounds = phrase.boundaries_s
    assert bounds is not None, "melody_of has read the boundaries"
    end_s = note.start_s + note.duration_s
    return any(
        phoneme.role == "vowel" and start < end_s - _TOUCHING_S and end > note.start_s + _TOUCHING_S
        for phoneme, start, end in zip(phrase.phonemes, bounds[:-1], bounds[1:], strict=True)
    )


def _forced_total(counts: Counts, total: int) -> Counts:
    """Give the last item what is missing; what is too much is taken from the end."""
    counts = counts.copy()
    counts[-1] += total - int(counts.sum())
    for i in range(len(counts) - 1, 0, -1):
        if counts[i] >= 0:
            break
        counts[i - 1] += counts[i]
        counts[i] = 0
    return counts
