"""The written words of a part: syllables joined, elisions parted, each with its notes and its language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from singsynth_mcp.lyrics.kana import has_kana, is_japanese
from singsynth_mcp.lyrics.recognise import language_of_script
from singsynth_mcp.score.model import PlayedNote

NEXT_SYLLABLE = "+"
"""The lyric of a note that sings the next syllable of the word before it (OpenUtau's)."""
HELD = ("+~", "+*", "-")
"""Lyrics of a note that holds the vowel before it: OpenUtau's, and other editors'."""
_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼ`´＇′"), "'")
_EDGES = ' \t.,;:!?¡¿"“”„«»()[]{}…*_~|'
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
        return "".join(self.texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the score writes of it, "" on a note that only says that its next syllable is sung there."""
        return tuple("" if text == NEXT_SYLLABLE else text for _, text in self.syllables)

    @property
    def first(self) -> int:
        """Index of its first played note."""
        return self.syllables[0][0]


def written_words(notes: Sequence[PlayedNote]) -> list[WrittenWord]:
    """Return the words of played notes in order; of several syllables on a note (an elision) the first ends a word.

    A note without lyric goes on with the syllable before and belongs to no word; so does one that says so.
    """
    words: list[WrittenWord] = []
    is_open = False
    for i, note in enumerate(notes):
        texts = [text for text in (note.lyric.syllables if note.lyric else ()) if text.strip() and text not in HELD]
        if note.lyric is None or not texts:
            continue
        if texts == [NEXT_SYLLABLE] and words:
            words[-1].syllables.append((i, NEXT_SYLLABLE))
            continue
        for place, text in enumerate(texts):
            goes_on = is_open and place == 0 and note.lyric.syllabic in ("middle", "end")
            if place or not goes_on:
                words.append(WrittenWord(language=note.lyric.language or ""))
            words[-1].syllables.append((i, text))
            is_last = place == len(texts) - 1
            is_open = is_last and note.lyric.syllabic in ("begin", "middle")
    return words


def language_of_text(text: str, tagged: str, default: str, known: Iterable[str]) -> str:
    """Return the language of a word: its tag's, else its script's, else the default.

    Han characters alone are Japanese only where the default is no language of China. known: the voicebank's languages.
    """
    languages = tuple(known)
    if tagged:
        return tagged if tagged in languages else tagged.partition("-")[0]
    if is_japanese(text):
        return "ja" if has_kana(text) or default not in ("zh", "yue", "zh-yue") else default
    return language_of_script(text, default) or default


def plain_word(text: str) -> str:
    """Return a word with straight apostrophes and without the marks and quotes round it."""
    return text.translate(_APOSTROPHES).strip(_EDGES)


def text_words(text: str) -> list[str]:
    """Return the words of a free text as written, split at spaces; a hint in brackets stays with its word."""
    return _TEXT_WORD.findall(text)
