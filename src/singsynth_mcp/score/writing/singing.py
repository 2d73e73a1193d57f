"""What the formats without repeats need: the score written out, and each part's notes as they sound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from singsynth_mcp.contracts.edits import UnfoldRepeats
from singsynth_mcp.errors import NothingToSing
from singsynth_mcp.score.lookup import verses_of
from singsynth_mcp.score.model import Line, Lyric, Part, Score
from singsynth_mcp.score.played import played_part


@dataclass(frozen=True)
class SungNote:
    """A note as it sounds, in played quarters."""

    start: Fraction
    duration: Fraction
    midi: float
    lyric: Lyric | None
    is_sung: bool = True
    """False for instruments, and notes that no syllable reaches."""


def played_parts(score: Score) -> tuple[Score, list[tuple[str, list[SungNote]]]]:
    """Return the score without repeats, and each part's name and notes: the sung line, else all that is written."""
    from singsynth_mcp.score.edits import apply_operations

    unfolded = apply_operations(score, [UnfoldRepeats(operation="unfold_repeats")]).score
    return unfolded, [(part.name, _notes(unfolded, part)) for part in unfolded.parts if part.lines]


def _notes(score: Score, part: Part) -> list[SungNote]:
    notes: list[SungNote] = []
    for line in part.lines:
        notes += _line_notes(score, line)
        if verses_of(line):
            break  # the lines below double its words: what one singer sings is one line
    return sorted(notes, key=lambda note: (note.start, -note.midi))


def _line_notes(score: Score, line: Line) -> list[SungNote]:
    if verses_of(line):
        try:
            played = played_part(score, line.id).notes
        except NothingToSing:
            played = ()
        if played:
            return [SungNote(note.start_quarters, note.duration_quarters, note.midi, note.lyric) for note in played]
    return [
        SungNote(note.position, note.duration, note.midi, None, is_sung=False) for note in line.notes if note.duration
    ]
