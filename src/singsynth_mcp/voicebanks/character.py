"""character.yaml and character.txt: who sings, and on what terms (diffsinger-voicebank-format, sections 1.1, 1.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from singsynth_mcp.voicebanks.files import read_mapping, read_text
from singsynth_mcp.voicebanks.licence import PAPERS, TERMS

UNKNOWN_LICENCE = "not stated: ask the voicebank's author before publishing"
_KEYS = {"created by": "author", "cv": "voice"}
_PHONEMIZER_LANGUAGES = {
    "chinese": "zh",
    "jyutping": "yue",
    "japanese": "ja",
    "korean": "ko",
    "english": "en",
    "german": "de",
    "french": "fr",
    "italian": "it",
    "spanish": "es",
    "portuguese": "pt",
    "russian": "ru",
    "filipino": "fil",
}
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Character:
    """What the voicebank says of itself."""

    name: str
    credits: tuple[str, ...]
    licence: str
    colours: tuple[tuple[str, str], ...]
    """(label, speaker) of each voice colour."""
    range: tuple[float, float] | None
    """Lowest and highest comfortable MIDI note."""
    ranges: Mapping[str, tuple[float, float]]
    """The same by speaker, where speakers differ."""
    default_language: str | None
    """Of the phonemizer that the voicebank asks for."""


def read_character(folder: Path) -> Character:
    """Read character.yaml, and character.txt in whatever encoding it has; either may be missing."""
    path = folder / "character.yaml"
    document = read_mapping(path) if path.is_file() else {}
    facts = _text_facts(folder / "character.txt", _word(document, "text_file_encoding"))
    facts.update({key: value for key, value in document.items() if isinstance(value, str) and value})
    subbanks = [row for row in document.get("subbanks") or [] if isinstance(row, dict)]
    colours = tuple((_word(row, "color") or "", _word(row, "suffix") or "") for row in subbanks)
    return Character(
        name=facts.get("name", ""),
        credits=_credits(facts, document.get("credits")),
        licence=facts.get("license") or facts.get("licence") or _licence_file(folder),
        colours=tuple((label, speaker) for label, speaker in colours if speaker),
        range=_range(document.get("range")),
        ranges=_ranges(document.get("ranges")),
        default_language=_language(facts.get("default_phonemizer", "")),
    )


def midi_number(name: str) -> float:
    """Return the MIDI number of a note name such as C#4 or Bb3. Raises ValueError."""
    match = re.fullmatch(r"([A-G])([#b]?)(-?\d+)", name.strip())
    if match is None:
        raise ValueError(name)
    step, accidental, octave = match.groups()
    return 12.0 * (int(octave) + 1) + _STEPS[step] + {"#": 1, "b": -1, "": 0}[accidental]


def _text_facts(path: Path, encoding: str | None) -> dict[str, str]:
    if not path.is_file():
        return {}
    facts = {}
    for line in read_text(path, encoding).splitlines():
        match = re.match(r"\s*([A-Za-z ]+?)\s*[=:：]\s*(.+)", line)
        if match:
            key = match[1].lower()
            facts[_KEYS.get(key, key)] = match[2].strip()
    return facts


def _credits(facts: dict[str, str], lines: Any) -> tuple[str, ...]:
    if isinstance(lines, list) and (words := [line for line in lines if isinstance(line, str)]):
        return tuple(words)
    named = [f"{label}: {facts[key]}" for key, label in (("voice", "Voice"), ("author", "Voicebank")) if facts.get(key)]
    return (", ".join([*named, *([facts["web"]] if facts.get("web") else [])]),) if named else ()


def _licence_file(folder: Path) -> str:
    for path in sorted(folder.iterdir()):
        if path.is_file() and TERMS.match(path.name):
            is_text = path.suffix.lower() not in PAPERS
            lines = read_text(path).splitlines() if is_text else ["a document to be opened"]
            first = next((line.strip() for line in lines if line.strip()), "")
            return f"{path.name}: {first[:200]}"
    return UNKNOWN_LICENCE


def _range(notes: Any) -> tuple[float, float] | None:
    """Read a range. `range: [A3, E5]` and `ranges: {speaker: [A2, E4]}` are keys of ours.

    The subbanks' tone_ranges say which notes a colour takes, not which sound well.
    """
    try:
        lowest, highest = (midi_number(note) for note in notes)
    except (TypeError, ValueError, AttributeError):
        return None
    return lowest, highest


def _ranges(by_speaker: Any) -> dict[str, tuple[float, float]]:
    if not isinstance(by_speaker, dict):
        return {}
    return {str(speaker): found for speaker, notes in by_speaker.items() if (found := _range(notes)) is not None}


def _language(phonemizer: str) -> str | None:
    words = phonemizer.lower()
    return next((code for word, code in _PHONEMIZER_LANGUAGES.items() if word in words), None)


def _word(document: dict[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) and value else None
