"""An edit as a performance's manifest keeps it: what was asked, resolved to the notes that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from singsynth_mcp.performance.model import Curve, Phrase, Role


@dataclass(frozen=True)
class Edit:
    """A pin, or another edit that later predictions keep. It names notes, never frames."""

    operation: str
    notes: tuple[str, ...]
    """Keys ("n12@1") of notes that followed each other when the edit was made."""
    anchor: str
    """The note from whose onset its curves count; it stays the same where the edit is taken back in part."""
    values: Mapping[str, Any]
    """JSON; what they are, `resolving.py` says for each operation."""

    @cached_property
    def keys(self) -> frozenset[str]:
        """The notes, to look one up in."""
        return frozenset(self.notes)

    def without(self, keys: Iterable[str]) -> Edit | None:
        """Return the edit on its other notes, None where none is left."""
        gone = set(keys)
        notes = tuple(key for key in self.notes if key not in gone)
        return replace(self, notes=notes) if notes else None

    def to_json(self) -> dict[str, Any]:
        """Return what a manifest's header keeps."""
        facts = {"operation": self.operation, "notes": list(self.notes), "values": dict(self.values)}
        return facts | ({} if self.anchor == self.notes[0] else {"anchor": self.anchor})

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Edit:
        """Read what `to_json` wrote."""
        notes = tuple(row["notes"])
        return cls(row["operation"], notes, row.get("anchor", notes[0]), row["values"])


@dataclass(frozen=True)
class Lost:
    """An edit, or a part of one, that cannot be kept."""

    edit: Edit
    reason: str

    def __str__(self) -> str:
        first, last = self.edit.notes[0], self.edit.notes[-1]
        return f"{self.edit.operation} of {named(first, last)} is lost: {self.reason}"


class Voice(Protocol):
    """What edits ask of a voicebank, and of the names of notes."""

    def symbols(self, text: str, language: str | None, note: str) -> tuple[list[tuple[str, str, Role]], int]:
        """Return (symbol, language, role) of written phonemes, and the index of the one on the written onset.

        Raises InvalidLyrics for a symbol that the voicebank lacks.
        """

    def pitch(self, name: str) -> float:
        """Return the MIDI number of a name such as "C#4". Raises InvalidRequest."""

    def speaker(self, wanted: str | Mapping[str, Any]) -> dict[str, Curve]:
        """Return a speaker argument as weights by the voicebank's own names. Raises UnknownName, InvalidRequest."""


def alike(phrase: Phrase, note: int, role: Role) -> list[int]:
    """Return where a note's sung phonemes stand, or its rests and breaths: a breath more leaves a pin where it was."""
    silent = ("rest", "breath")
    return [
        place
        for place, phoneme in enumerate(phrase.phonemes)
        if phoneme.note == note and (phoneme.role in silent) == (role in silent)
    ]


def named(first: str, last: str) -> str:
    """Return notes as a person reads them: "n12", "n12 to n20", "n12@2"."""
    names = [key.removesuffix("@1") for key in dict.fromkeys((first, last))]
    return " to ".join(names)
