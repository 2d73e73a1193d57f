"""Lyric texts → syllables: what scores write into the text is taken out of it, and every word is whole."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from singsynth_mcp.score.model import Lyric, Note, Syllabic

_VERSE_NUMBER = re.compile(r"^\s*(?:\d{1,2}\s*[.):,&-]\s*)*\d{1,2}\s*[.):]\s*(?=\S|$)")
"""Or several: "1.3. Ky-" stands before what both verses begin with."""
_HYPHENS = "-\u2010\u2011\u00ad"
_EXTENDERS = "_\u2014\u2013"
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff\u2060"), None)

_ELISION = re.compile("[\u203f\ue550-\ue552]")
"""The undertie, and SMuFL's narrow, normal and wide lyrics elision."""


def lyric_of(
    pieces: Iterable[tuple[str, Syllabic | None]], verse: int, *, extend: bool = False, language: str | None = None
) -> Lyric | None:
    """Return the lyric of written texts, each with its syllabic if it has one; None where none is a syllable.

    An elision may stand between texts or inside one. A syllabic counts for the texts up to the next: the first of them
    goes on from the syllable before, the last of them is continued.
    """
    syllables: list[str] = []
    syllabics: list[Syllabic] = []
    written: Syllabic = "single"
    for text, own in pieces:
        written, is_first = own or written, own is not None
        for part in _ELISION.split(text):
            syllable, before, after = clean_text(part)
            if not syllable:
                continue
            if not is_first and syllabics and written in ("begin", "middle"):
                syllabics[-1] = syllabic(goes_on=syllabics[-1] in ("middle", "end"), continues=False)
            goes_on = before or (is_first and written in ("middle", "end"))
            syllables.append(syllable)
            syllabics.append(syllabic(goes_on=goes_on, continues=after or written in ("begin", "middle")))
            is_first = False
    if not syllables:
        return None
    return Lyric(verse, tuple(syllables), joined(syllabics), extend, language)


def clean_text(text: str) -> tuple[str, bool, bool]:
    """Return a syllable's text without verse number, hyphens and extender lines.

    The two flags say that a hyphen stood before it (the word goes on from the syllable before) or after it. A text of
    punctuation alone, which some scores set under a held vowel, is no syllable: "".
    """
    text = text.translate(_INVISIBLE).replace("\u00a0", " ").strip()
    text = _VERSE_NUMBER.sub("", text).strip().rstrip(_EXTENDERS).strip()
    if not any(character.isalnum() for character in text):
        return "", False, False
    return text.strip(_HYPHENS).strip(), text[0] in _HYPHENS, text[-1] in _HYPHENS


def joined(syllabics: Iterable[Syllabic]) -> Syllabic:
    """Return the syllabic of several syllables on one note: it begins as the first, and ends as the last."""
    parts = list(syllabics)
    return syllabic(goes_on=parts[0] in ("middle", "end"), continues=parts[-1] in ("begin", "middle"))


def syllabic(*, goes_on: bool, continues: bool) -> Syllabic:
    """Return the syllabic of a syllable that continues the word before it, or is continued after it, or both."""
    if goes_on:
        return "middle" if continues else "end"
    return "begin" if continues else "single"


def with_whole_words(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return a line's notes with normalised syllabics: in each verse a word runs begin, middle …, end.

    A word whose end is missing ends where the next one begins.
    """
    notes = list(notes)
    open_at: dict[int, tuple[int, Lyric]] = {}
    changed: dict[int, dict[int, Lyric]] = {}
    for index, note in enumerate(notes):
        for lyric in note.lyrics:
            before = open_at.pop(lyric.verse, None)
            goes_on = before is not None and lyric.syllabic in ("middle", "end")
            if before is not None and not goes_on:
                _close(changed, before)
            continues = lyric.syllabic in ("begin", "middle")
            normal = replace(lyric, syllabic=syllabic(goes_on=goes_on, continues=continues))
            if normal != lyric:
                changed.setdefault(index, {})[lyric.verse] = normal
            if continues:
                open_at[lyric.verse] = (index, normal)
    for before in open_at.values():
        _close(changed, before)
    for index, lyrics in changed.items():
        note = notes[index]
        notes[index] = replace(note, lyrics=tuple(lyrics.get(lyric.verse, lyric) for lyric in note.lyrics))
    return tuple(notes)


def _close(changed: dict[int, dict[int, Lyric]], word: tuple[int, Lyric]) -> None:
    """End a word at its last syllable so far."""
    index, lyric = word
    ended = syllabic(goes_on=lyric.syllabic == "middle", continues=False)
    changed.setdefault(index, {})[lyric.verse] = replace(lyric, syllabic=ended)
