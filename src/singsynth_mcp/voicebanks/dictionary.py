"""dsdict.yaml: how words are read, and which symbols are vowels (diffsinger-voicebank-format, section 1.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from singsynth_mcp.voicebanks.files import read_mapping

GLIDE_TYPES = frozenset({"semivowel", "liquid"})


@dataclass(frozen=True)
class PhonemeDictionary:
    """One dsdict file."""

    types: Mapping[str, str] = field(default_factory=dict)
    """Symbol → vowel, semivowel, liquid, nasal, stop, …"""
    entries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Grapheme (word, kana, romaji, pinyin …) → symbols as the file writes them."""
    replacements: Mapping[str, str] = field(default_factory=dict)
    """Symbol of a grapheme-to-phoneme rule → the voicebank's symbol."""

    def lookup(self, grapheme: str) -> tuple[str, ...] | None:
        """Return the symbols of a grapheme, as it is or in lower case; None where the dictionary lacks it."""
        found = self.entries.get(grapheme)
        return found if found is not None else self.entries.get(grapheme.lower())


def read_dictionary(path: Path) -> PhonemeDictionary:
    """Read a dsdict file; rows that lack a key are passed over, as OpenUtau does. Raises InvalidVoicebank."""
    document = read_mapping(path)
    types = {row["symbol"]: row.get("type", "") for row in _rows(document, "symbols") if "symbol" in row}
    entries: dict[str, tuple[str, ...]] = {}
    for row in _rows(document, "entries"):
        if "grapheme" in row and "phonemes" in row:
            entries[row["grapheme"]] = _symbols(row["phonemes"])
    replacements = {
        row["from"]: row["to"]
        for row in _rows(document, "replacements")
        if isinstance(row.get("from"), str) and isinstance(row.get("to"), str)
    }
    return PhonemeDictionary(types, entries, replacements)


def _rows(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = document.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _symbols(phonemes: Any) -> tuple[str, ...]:
    """Split symbols that some banks glue with a space: `["pt/s pt/i"]`."""
    words = phonemes if isinstance(phonemes, list) else [phonemes]
    return tuple(symbol for word in words if isinstance(word, str) for symbol in word.split())
