"""dsdict.yaml: how words are read, and which symbols are vowels (diffsinger-voicebank-format, section 1.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from singsynth_mcp.voicebanks.entries import scan_entries, split_entries
from singsynth_mcp.voicebanks.files import parse_mapping, read_utf8

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
    text = read_utf8(path)
    rest, entries_text = split_entries(text)
    entries = scan_entries(entries_text)
    document = parse_mapping(rest if entries is not None else text, path)
    if entries is None:
        rows = (row for row in _rows(document, "entries") if isinstance(row.get("grapheme"), str))
        entries = {row["grapheme"]: _symbols(row["phonemes"]) for row in rows if "phonemes" in row}
    return PhonemeDictionary(_types(document), entries, _replacements(document))


def read_symbol_types(path: Path) -> dict[str, str]:
    """Read only which type each symbol is of. Raises InvalidVoicebank."""
    rest, _ = split_entries(read_utf8(path))
    return _types(parse_mapping(rest, path))


def read_replacements(path: Path) -> dict[str, str]:
    """Read only what symbols a grapheme-to-phoneme rule's are replaced by. Raises InvalidVoicebank."""
    rest, _ = split_entries(read_utf8(path))
    return _replacements(parse_mapping(rest, path))


def _replacements(document: dict[str, Any]) -> dict[str, str]:
    return {
        row["from"]: row["to"]
        for row in _rows(document, "replacements")
        if isinstance(row.get("from"), str) and isinstance(row.get("to"), str)
    }


def _types(document: dict[str, Any]) -> dict[str, str]:
    return {str(row["symbol"]): str(row.get("type", "")) for row in _rows(document, "symbols") if "symbol" in row}


def _rows(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = document.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _symbols(phonemes: Any) -> tuple[str, ...]:
    """Split symbols that some banks glue with a space: `["pt/s pt/i"]`."""
    words = phonemes if isinstance(phonemes, list) else [phonemes]
    return tuple(symbol for word in words if isinstance(word, str) for symbol in word.split())
