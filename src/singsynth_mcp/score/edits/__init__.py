"""Edit operations on a score: applied in order, all or none; note ids are kept, and every change is told in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from singsynth_mcp.contracts.edits import Operation
from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.score.edits import lyrics, marks, measures, notes, parts, pitches, times
from singsynth_mcp.score.edits.draft import Draft
from singsynth_mcp.score.model import Score, ScoreWarning

_EDITS: dict[str, Callable[[Draft, Any], str]] = {
    "set_lyrics": lyrics.set_lyrics,
    "replace_syllables": lyrics.replace_syllables,
    "swap_verses": lyrics.swap_verses,
    "transpose": pitches.transpose,
    "set_key": pitches.set_key,
    "set_tempo": times.set_tempo,
    "ritardando": times.ritardando,
    "set_dynamics": marks.set_dynamics,
    "add_breath": marks.add_breath,
    "change_note": notes.change_note,
    "insert_note": notes.insert_note,
    "delete_note": notes.delete_note,
    "move_note": notes.move_note,
    "split_note": notes.split_note,
    "merge_notes": notes.merge_notes,
    "retime": times.retime,
    "quantise": times.quantise,
    "humanise": times.humanise,
    "fill_rests": times.fill_rests,
    "copy_measures": measures.copy_measures,
    "insert_measures": measures.insert_measures,
    "delete_measures": measures.delete_measures,
    "repeat_measures": measures.repeat_measures,
    "unfold_repeats": measures.unfold_repeats,
    "extract_voice": parts.extract_voice,
    "split_divisi": parts.split_divisi,
    "combine_parts": parts.combine_parts,
    "remove_part": parts.remove_part,
}
"""By the operation's name: changes the draft and tells what it changed."""


@dataclass(frozen=True)
class Edited:
    """What came of the operations."""

    score: Score
    changes: tuple[str, ...]
    """One for each operation."""
    warnings: tuple[ScoreWarning, ...]


def apply_operations(score: Score, operations: Sequence[Operation]) -> Edited:
    """Return the edited score.

    Raises the SingSynthError of the first operation that cannot be done, with its number; nothing is applied then.
    """
    draft = Draft(score)
    changes: list[str] = []
    for number, operation in enumerate(operations, 1):
        try:
            changes.append(_EDITS[operation.operation](draft, operation))
        except SingSynthError as error:
            message = f"Operation {number} ({operation.operation}): {error.message}; nothing was changed"
            raise type(error)(message, hint=error.hint, **error.details | {"operation": number}) from error
    return Edited(draft.finished(), tuple(changes), tuple(draft.warnings))
