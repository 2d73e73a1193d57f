"""Each note of a phrase as its audio has it: tuning, the vowel's onset, level."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from singsynth_mcp.media.measures import body, note_levels_db, note_pitches, vowel_levels_db, vowel_onset
from singsynth_mcp.media.tuning import TRACK_FRAME_S, pitch_track
from singsynth_mcp.performance.model import AudioPhrase, Phrase, PhraseNote

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_VOICELESS = frozenset(["k", "s", "t", "p", "h", "hh", "sh", "ch", "ts", "ky", "py", "hy", "c", "q"])
"""After these, energy rises where the vowel begins; the edge after `f` is too soft in some voices."""


@dataclass(frozen=True)
class SungNote:
    """A note and what was heard of it."""

    note: PhraseNote
    cents: float | None
    """Median of sung minus written over its body; None where hardly a frame has a pitch."""
    onset_s: float | None
    """Vowel's onset minus the written one; None where no voiceless consonant comes before it."""
    level_db: float
    """RMS of its body, of full scale."""


def sung_notes(audio: AudioPhrase, phrase: Phrase) -> list[SungNote]:
    """Measure a phrase's audio note by note."""
    import numpy as np

    samples = np.nan_to_num(audio.audio.astype(np.float64))
    notes = [replace(note, start_s=note.start_s - audio.offset_s) for note in phrase.notes]
    levels = note_levels_db(samples, audio.sample_rate, notes)
    measured = _edged(phrase)
    found = []
    for index, (note, level) in enumerate(zip(notes, levels, strict=True)):
        late = vowel_onset(samples, audio.sample_rate, note.start_s) - note.start_s if index in measured else None
        found.append(SungNote(phrase.notes[index], _cents(samples, audio.sample_rate, note), late, level))
    return found


def _cents(samples: npt.NDArray[np.float64], sample_rate: int, note: PhraseNote) -> float | None:
    start_s, stop_s = body(note)
    track = pitch_track(samples, sample_rate, start_s, stop_s)
    first, last = max(0, round((start_s - 0.1) * sample_rate)), round((stop_s + 0.1) * sample_rate)
    moved = replace(note, start_s=note.start_s - start_s)
    near = samples[first:last]
    levels = vowel_levels_db(near, sample_rate, TRACK_FRAME_S, len(track) + 10)
    skipped = round((start_s - first / sample_rate) / TRACK_FRAME_S)
    levels = levels[skipped : skipped + len(track)]
    return note_pitches(track[: len(levels)], TRACK_FRAME_S, [moved], levels_db=levels)[0].cents


def _edged(phrase: Phrase) -> set[int]:
    """Return the notes whose own first phoneme is a voiceless consonant with the vowel right after it."""
    edged = set()
    for first, second in zip(phrase.phonemes, phrase.phonemes[1:], strict=False):
        bare = first.symbol.rpartition("/")[2]
        if first.index == 0 and bare in _VOICELESS and second.role == "vowel" and second.note == first.note:
            edged.add(first.note)
    return edged
