"""A user's own pronunciations: of a call, and from the user's files for a voicebank."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from singsynth_mcp.lyrics.kana import clean
from singsynth_mcp.lyrics.words import plain_word
from singsynth_mcp.voicebanks.dictionary import read_dictionary


@dataclass(frozen=True)
class Pronunciations:
    """Words and the phonemes that a user wants for them; a hint in the lyrics alone counts more."""

    of_call: Mapping[str, str] = field(default_factory=dict)
    """Word → phonemes, in every language."""
    files: Mapping[str, tuple[Path, Mapping[str, str]]] = field(default_factory=dict)
    """Language ("" for all) → a file and its words."""

    def find(self, word: str, language: str) -> tuple[str, str] | None:
        """Return the phonemes of a word and who says so, None where nobody does; capitals and marks do not matter."""
        if not self.of_call and not self.files:
            return None
        for spelling in dict.fromkeys((_key(word), _key(plain_word(word)), _key(clean(word)))):
            if not spelling:
                continue
            for where, words in self._sources(language):
                if spelling in words:
                    return words[spelling], where
        return None

    def digest(self) -> str:
        """Return what tells equal pronunciations from others."""
        facts = [dict(self.of_call), {language: dict(words) for language, (_, words) in self.files.items()}]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def _sources(self, language: str) -> list[tuple[str, Mapping[str, str]]]:
        found = [self.files[name] for name in (language, language.partition("-")[0], "") if name in self.files]
        return [("pronunciations", self.of_call), *((str(path), words) for path, words in found)]


def pronunciations(wanted: Mapping[str, str], folder: Path, voicebank: str) -> Pronunciations:
    """Return a call's pronunciations and those of the user's files for a voicebank.

    folder: its subfolder of the voicebank's name holds dsdict.yaml and dsdict-<language>.yaml, as a voicebank's own.
    Raises InvalidVoicebank for a file that is no dictionary.
    """
    files: dict[str, tuple[Path, Mapping[str, str]]] = {}
    for path in sorted((folder / voicebank).glob("dsdict*.yaml")):
        entries = read_dictionary(path).entries
        language = path.stem.removeprefix("dsdict").removeprefix("-")
        files[language] = (path, {_key(word): " ".join(symbols) for word, symbols in entries.items()})
    return Pronunciations({_key(plain_word(word)) or _key(word): said for word, said in wanted.items()}, files)


def _key(word: str) -> str:
    return word.strip().casefold()
