"""The written words of a part: syllables joined, elisions parted, each with its notes and its language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from singsynth_mcp.lyrics.kana import is_japanese
from singsynth_mcp.score.model import PlayedNote

_TEXT_WORD = re.compile(r"[^\s\[\]]*\[[^\[\]]*\]|[^\s\[\]]+")


@dataclass
class WrittenWord:
    """A word as the score writes it."""

    syllables: list[tuple[int, str]] = field(default_factory=list)
    """(index of the played note, text)."""
    language: str = ""

    @property
    def text(self) -> str:
        """The syllables joined."""
        return "".join(text for _, text in self.syllables)

    @property
    def first(self) -> int:
        """Index of its first played note."""
        return self.syllables[0][0]


def written_words(notes: Sequence[PlayedNote]) -> list[WrittenWord]:
    """Return the words of played notes in order; of several syllables on a note (an elision) the first ends a word.

    A note without lyric goes on with the syllable before and belongs to no word.
    """
    words: list[WrittenWord] = []
    is_open = False
    for i, note in enumerate(notes):
        if note.lyric is None:
            continue
        texts = [text for text in note.lyric.syllables if text.strip()]
        for place, text in enumerate(texts):
            goes_on = is_open and place == 0 and note.lyric.syllabic in ("middle", "end")
            if place or not goes_on:
                words.append(WrittenWord(language=note.lyric.language or ""))
            words[-1].syllables.append((i, text))
            is_last = place == len(texts) - 1
            is_open = is_last and note.lyric.syllabic in ("begin", "middle")
    return words


def language_of_text(text: str, tagged: str, default: str, known: Iterable[str]) -> str:
    """Return the language of a word: its tag's where the voicebank has it, else its script's, else the default.

    Han characters alone are Japanese only where the default is no language of China.
    """
    languages = tuple(known)
    for candidate in (tagged, tagged.partition("-")[0]):
        if candidate and candidate in languages:
            return candidate
    if is_japanese(text) and "ja" in (*languages, default):
        has_kana = any(unicodedata.name(character, "").startswith(("HIRAGANA", "KATAKANA")) for character in text)
        if has_kana or default not in ("zh", "yue", "zh-yue"):
            return "ja"
    return default


def text_words(text: str) -> list[str]:
    """Return the words of a free text as written, split at spaces; a hint in brackets stays with its word."""
    return _TEXT_WORD.findall(text)
