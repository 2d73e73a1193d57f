"""Lyrics typed as text → syllables, one for each note."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from singsynth_mcp.score.model import Syllabic
from singsynth_mcp.score.syllables import syllabic

_TOKEN = re.compile(r"(?P<text>[^\s\[\]]*)(?P<hint>\[[^\[\]]*\])|(?P<plain>[^\s\[\]]+)")
_PIECE = re.compile(r"_|[^_\-\u2010\u2011]+[\-\u2010\u2011]?")
_HYPHENS = "-\u2010\u2011"
_ATTACHED_KANA = "ぁぃぅぇぉゃゅょゎっァィゥェォャュョヮッ"


@dataclass(frozen=True)
class TypedSyllable:
    """What one note gets; the text "" holds the syllable before."""

    text: str
    syllabic: Syllabic = "single"


def typed_syllables(text: str) -> list[TypedSyllable]:
    """Read lyrics as they are typed.

    Spaces part words and hyphens the syllables of a word; "_" holds the syllable before on another note; phonemes in
    brackets stay with their syllable ("read[r eh d]"). Kana are parted into morae (small kana and the small tsu stay
    with the mora before), and Chinese characters one by one where the text has no kana.
    """
    has_kana = any(_is_kana(character) for character in text)
    syllables: list[TypedSyllable] = []
    is_open = False
    for token in _TOKEN.finditer(text):
        pieces = list(_pieces(token["plain"] or token["text"] or "", token["hint"] or "", has_kana))
        for index, (piece, hyphen) in enumerate(pieces):
            if piece == "_":
                syllables.append(TypedSyllable(""))
                continue
            continues = hyphen or any(other != "_" for other, _ in pieces[index + 1 :])
            syllables.append(TypedSyllable(piece, syllabic(goes_on=is_open, continues=continues)))
            is_open = continues
    return syllables


def _pieces(word: str, hint: str, has_kana: bool) -> Iterator[tuple[str, bool]]:
    """Yield a word's syllables, each with whether a hyphen follows; "_" for a held note."""
    found = [
        (part, piece[-1] in _HYPHENS)
        for piece in _PIECE.findall(word)
        for part in _signs(piece.rstrip(_HYPHENS), has_kana)
    ]
    if hint:
        last, hyphen = found.pop() if found else ("", False)
        found.append((last + hint, hyphen))
    yield from found


def _signs(text: str, has_kana: bool) -> list[str]:
    """Part kana into morae and Chinese into characters; anything else is one syllable."""
    is_kana = all(_is_kana(character) for character in text)
    is_chinese = not has_kana and all(_is_han(character) for character in text)
    if not (is_kana or is_chinese):
        return [text]
    signs: list[str] = []
    for character in text:
        if signs and character in _ATTACHED_KANA:
            signs[-1] += character
        else:
            signs.append(character)
    return signs


def _is_kana(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("HIRAGANA", "KATAKANA"))


def _is_han(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK UNIFIED IDEOGRAPH")
