"""Edits of a performance: what a singer's coach would say, kept as pins by every later prediction.

A performance is its phrases as they were aligned and a list of edits; a phrase is compiled anew from both, so that an
edit can be taken back, or carried over to a performance that was aligned again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from singsynth_mcp.contracts.coaching import Reset
from singsynth_mcp.errors import InvalidRequest, SingSynthError
from singsynth_mcp.performance.curves import TimeMap
from singsynth_mcp.performance.edits.compiling import Setting, compiled, with_stages_of
from singsynth_mcp.performance.edits.model import Edit, Lost, Voice
from singsynth_mcp.performance.edits.places import Place, Places
from singsynth_mcp.performance.edits.resolving import Resolver, told_runs
from singsynth_mcp.performance.model import Phrase

__all__ = ["Coach", "Edit", "Lost", "PlacedPhrase", "Places", "Voice", "places_of"]

MOST_EDITS = 2000


@dataclass(frozen=True)
class PlacedPhrase:
    """A phrase of a performance."""

    start_s: float
    """Where its origin lies in the song."""
    base: Phrase
    """As it was aligned."""
    current: Phrase
    """With the edits made so far, and what its stages have filled."""


class Coach:
    """Edits one performance; `phrases`, `edits` and `lost` are what came of it."""

    def __init__(
        self,
        placed: Sequence[PlacedPhrase],
        places: Places,
        time_map: TimeMap,
        voice: Voice,
        frame_s: float,
        edits: Sequence[Edit] = (),
    ) -> None:
        """edits: those that `placed` has been compiled with. frame_s: of the acoustic model."""
        self.phrases = [one.current for one in placed]
        self.edits = list(edits)
        self.lost: list[Lost] = []
        self._bases = [one.base for one in placed]
        self._places = places
        self._settings = [Setting(places, time_map, one.start_s, frame_s) for one in placed]
        self._resolver = Resolver(places, self._phrase, voice)
        self._stale: set[int] = set()
        """Phrases with edits that they have not been compiled with yet."""

    def apply(self, operations: Sequence[Any]) -> list[str]:
        """Apply operations in order; returns what each changed, in words.

        Raises the SingSynthError of the first that cannot be done, with its number.
        """
        told = []
        for number, operation in enumerate(operations, 1):
            try:
                told.append(self._take_back(operation) if isinstance(operation, Reset) else self._add(operation))
            except SingSynthError as error:
                message = f"Operation {number} ({operation.operation}): {error.message}; nothing was changed"
                raise type(error)(message, hint=error.hint, **error.details | {"operation": number}) from error
        self.lost += self._compile(sorted(self._stale))
        return told

    def carry_over(self, edits: Sequence[Edit]) -> None:
        """Take over the edits of another performance of the part; what cannot be kept is in `lost`."""
        for edit in edits:
            gone = [key for key in edit.notes if self._places.of(key) is None]
            if gone:
                names = ", ".join(key.removesuffix("@1") for key in gone[:4])
                self.lost.append(Lost(replace(edit, notes=tuple(gone)), f"note {names} is gone"))
            kept = edit.without(gone)
            if kept is not None:
                self.edits.append(kept)
        self.lost += self._compile(range(len(self.phrases)))

    def _add(self, operation: Any) -> str:
        edits, told = self._resolver.resolve(operation)
        if len(self.edits) + len(edits) > MOST_EDITS:
            hint = "Take some back with reset, or change the score with modify_score"
            raise InvalidRequest(f"a performance holds at most {MOST_EDITS} edits", hint=hint)
        keys = {key for edit in edits for key in edit.notes}
        if operation.operation == "set_phonemes":
            moved = [edit for edit in self.edits if edit.operation == "move_boundary" and edit.notes[0] in keys]
            self.edits = [edit for edit in self.edits if edit not in moved]
            told += "; where its old phonemes started is forgotten" if moved else ""
        self.edits += edits
        self._stale.update(self._phrases_of(keys))
        if operation.operation not in ("set_phonemes", "move_boundary"):
            return told
        lost = self._compile(self._phrases_of(keys))
        for one in lost:
            if one.edit in edits:
                raise InvalidRequest(one.reason, hint="Move it less far, or move its neighbours first")
        self.lost += lost
        return told

    def _take_back(self, operation: Reset) -> str:
        runs = self._places.runs(operation.where)
        keys = {place.key for run in runs for place in run}
        before, kept, touched = len(self.edits), list[Edit](), 0
        for edit in self.edits:
            is_meant = operation.edits is None or edit.operation in operation.edits
            rest = edit.without(keys) if is_meant else edit
            touched += rest != edit
            kept += [rest] if rest else []
        self.edits = kept
        self._stale.update(self._phrases_of(keys))
        what = "edit" if touched == 1 else "edits"
        return f"Took back {touched} {what} in {told_runs(runs)}; {len(kept)} of {before} remain"

    def _phrases_of(self, keys: set[str]) -> list[int]:
        return sorted({place.phrase for place in self._places.notes if place.key in keys})

    def _compile(self, indices: Sequence[int]) -> list[Lost]:
        """Compile phrases anew; edits that no longer hold anywhere are dropped and returned."""
        lost: list[Lost] = []
        for index in indices:
            keys = {note.key for note in self._bases[index].notes}
            edits = [edit for edit in self.edits if not keys.isdisjoint(edit.keys)]
            phrase, not_kept = compiled(self._bases[index], edits, self._settings[index])
            for one in not_kept:
                gone = Lost(replace(one.edit, notes=tuple(key for key in one.edit.notes if key in keys)), one.reason)
                lost.append(gone)
                rest = one.edit.without(keys)
                place = self.edits.index(one.edit)
                self.edits[place : place + 1] = [rest] if rest else []
            self.phrases[index] = with_stages_of(phrase, self.phrases[index])
            self._stale.discard(index)
        return lost

    def _phrase(self, index: int) -> Phrase:
        """Return a phrase with every edit so far."""
        if index in self._stale:
            self.lost += self._compile([index])
        return self.phrases[index]


def places_of(
    phrases: Sequence[Phrase], facts: Mapping[tuple[str, int], tuple[int, float, float]], measures: Sequence[str]
) -> Places:
    """Return the notes of phrases; facts: (note id, pass) → index of its measure, beat, played quarter."""
    nowhere = (-1, 0.0, 0.0)
    return Places(
        [
            Place(note.note_id, note.pass_number, index, number, *facts.get((note.note_id, note.pass_number), nowhere))
            for index, phrase in enumerate(phrases)
            for number, note in enumerate(phrase.notes)
        ],
        measures,
    )
