"""`w:` lines → syllables for the notes of the music line before."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from singsynth_mcp.score.model import Lyric
from singsynth_mcp.score.syllables import clean_text, syllabic

_PIECE = re.compile(r"(?P<bar>\|)|(?P<skip>\*)|(?P<hold>_)|(?P<hyphen>-)|(?P<blank>\s+)|(?P<text>(?:\\-|[^\s|*_\-])+)")
_ACCENTS = {"`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", ",": "\u0327", "v": "\u030c",
            "u": "\u0306", "c": "\u0327", "r": "\u030a"}  # fmt: skip
_ACCENTED = re.compile(r"""\\([`'^~",vucr])([A-Za-z])""")
_LIGATURES = {"\\ss": "ß", "\\ae": "æ", "\\AE": "Æ", "\\oe": "œ", "\\OE": "Œ", "\\o/": "ø", "\\/o": "ø", "\\aa": "å"}


@dataclass(frozen=True)
class _Piece:
    kind: str
    text: str = ""
    goes_on: bool = False
    continues: bool = False


def align_words(
    text: str, verse: int, bars: Sequence[int], language: str | None = None
) -> tuple[list[Lyric | None], int]:
    """Return the lyric of each note of the line, and how many syllables are left over.

    `bars` has for each note the number of its measure.
    """
    lyrics: list[Lyric | None] = [None] * len(bars)
    place = left_over = 0
    for piece in _pieces(_plain(text)):
        if piece.kind == "bar":
            # On to the next measure, from the one whose notes came last.
            bar = bars[place - 1] if place else bars[0] - 1 if bars else 0
            while place < len(bars) and bars[place] <= bar:
                place += 1
        elif place >= len(bars):
            left_over += piece.kind == "text"
        else:
            if piece.kind == "text":
                words = [clean_text(word)[0] for word in piece.text.replace("~", " ").split()]
                words = [word for word in words if word]
                if words:
                    kind = syllabic(goes_on=piece.goes_on, continues=piece.continues)
                    lyrics[place] = Lyric(verse, tuple(words), kind, language=language)
            place += 1
    return lyrics, left_over


def decoded(text: str) -> str:
    """Return text with ABC's escapes for accents, and HTML's, as the letters they mean."""
    for escape, letter in _LIGATURES.items():
        text = text.replace(escape, letter)
    text = _ACCENTED.sub(lambda match: unicodedata.normalize("NFC", match[2] + _ACCENTS[match[1]]), text)
    return html.unescape(text)


def _plain(text: str) -> str:
    return decoded(text.partition("%")[0])


def _pieces(text: str) -> Iterator[_Piece]:
    """Yield syllables with their hyphens, holds, skips and bars; a second hyphen in a row holds one more note."""
    found = [(match.lastgroup or "", match[0]) for match in _PIECE.finditer(text)]
    goes_on = False
    for index, (kind, piece) in enumerate(found):
        if kind == "text":
            following = [other for other, _ in found[index + 1 : index + 3]]
            continues = following[:1] == ["hyphen"] or following == ["blank", "hyphen"]
            yield _Piece("text", piece.replace("\\-", "\u2011"), goes_on, continues)
            goes_on = continues
        elif kind == "hyphen":
            before = found[index - 1][0] if index else ""
            if before in ("hyphen", "blank") and goes_on:
                yield _Piece("hold")
        elif kind in ("hold", "skip", "bar"):
            yield _Piece(kind)
