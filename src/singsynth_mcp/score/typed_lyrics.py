"""A syllable as people type it under a note → Lyric."""

from __future__ import annotations

from singsynth_mcp.score.model import Lyric
from singsynth_mcp.score.syllables import clean_text, joined, syllabic

HOLDS = frozenset({"", "_", "-", "~", "+", "+~", "+*", "ー"})
"""What singers' editors write on a note that holds the vowel before."""
_ELISIONS = str.maketrans(dict.fromkeys("\u203f~_", "\u203f"))


def typed_lyric(text: str, verse: int = 1, *, goes_on: bool = False, language: str | None = None) -> Lyric | None:
    """Return the lyric of a typed syllable: "Twin-" goes on, "a_in" is two syllables on a note; None for a hold.

    `goes_on` says that the syllable before ended with a hyphen. A hint in brackets stays whole.
    """
    if text.strip() in HOLDS:
        return None
    head, bracket, hint = text.partition("[")
    pieces = [clean_text(piece) for piece in head.translate(_ELISIONS).split("\u203f")]
    pieces = [piece for piece in pieces if piece[0]]
    if bracket:
        if not pieces:
            pieces = [("", False, False)]
        last = pieces[-1]
        pieces[-1] = (last[0] + bracket + hint, last[1], last[2])
    if not pieces:
        return None
    syllabics = [
        syllabic(goes_on=before or (index == 0 and goes_on), continues=after)
        for index, (_, before, after) in enumerate(pieces)
    ]
    return Lyric(verse, tuple(piece[0] for piece in pieces), joined(syllabics), language=language)
