"""Words and how they are read, in the voicebank's own symbols: what phonemize makes and alignment sings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from singsynth_mcp.performance.model import Role

Source = Literal["hint", "user", "dictionary", "cmudict", "rules", "g2p", "phonemes", "unread"]
"""Who read a word: a hint in [brackets], the user's own pronunciations, the voicebank's dictionary, the English
dictionary of the package, spelling rules, a grapheme-to-phoneme library, the lyric itself as phonemes, or nobody."""

NoteKey = tuple[str, int]
"""(note id, pass)."""


@dataclass(frozen=True)
class Symbol:
    """A symbol of the voicebank's inventory."""

    symbol: str
    language: str
    """"" for SP, AP and whatever has no language."""
    role: Role


@dataclass(frozen=True)
class Substitution:
    """A sound that the voicebank lacks, and what is sung for it."""

    sound: str
    """In IPA."""
    symbol: str
    """"" where the sound is left out."""
    distance: float
    """0 is the same sound, 0.1 an accent, 0.3 another sound."""


@dataclass(frozen=True)
class Word:
    """A word, or a syllable sung by itself, with the notes that carry it (none for free text)."""

    text: str
    language: str
    source: Source
    phonemes: tuple[Symbol, ...]
    """Empty where nobody could read the word: its notes stay silent."""
    notes: tuple[NoteKey, ...] = ()
    syllables: tuple[int, ...] = ()
    """Index of the first phoneme of each of its syllables, at most one a note; empty where its vowels tell them."""
    substitutions: tuple[Substitution, ...] = ()
    others: tuple[str, ...] = ()
    """Other pronunciations that the dictionary has, as hints: `r iy d`."""


@dataclass(frozen=True)
class Phonemes:
    """The words of a part as played, or of a text, in order."""

    words: tuple[Word, ...]
    warnings: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> bytes:
        """Return canonical JSON: equal phonemes are equal bytes."""
        document = {"words": [_row(word) for word in self.words], "warnings": [dict(row) for row in self.warnings]}
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Phonemes:
        """Read what `to_json` wrote."""
        document = json.loads(data)
        return cls(tuple(_word(row) for row in document["words"]), tuple(document["warnings"]))


def _row(word: Word) -> dict[str, Any]:
    """Return what dataclasses.asdict would, without its deep copies: half the time of phonemize."""
    return vars(word) | {
        "phonemes": [vars(symbol) for symbol in word.phonemes],
        "substitutions": [vars(substitution) for substitution in word.substitutions],
    }


def _word(row: dict[str, Any]) -> Word:
    return Word(
        text=row["text"],
        language=row["language"],
        source=row["source"],
        phonemes=tuple(Symbol(**symbol) for symbol in row["phonemes"]),
        notes=tuple((note_id, pass_number) for note_id, pass_number in row["notes"]),
        syllables=tuple(row["syllables"]),
        substitutions=tuple(Substitution(**substitution) for substitution in row["substitutions"]),
        others=tuple(row["others"]),
    )
