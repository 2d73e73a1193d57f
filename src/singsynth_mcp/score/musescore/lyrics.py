"""<Lyrics> elements → Lyric."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from singsynth_mcp.score.model import Lyric, Syllabic
from singsynth_mcp.score.syllables import clean_text, joined, syllabic

_ELISION = "\u203f"
_ELISION_SIGNS = dict.fromkeys(range(0xE550, 0xE553), _ELISION)
"""SMuFL's narrow, normal and wide lyrics elision."""


def read_lyrics(elements: Iterable[Element]) -> tuple[Lyric, ...]:
    """Return a chord's lyrics by verse; those without a syllable are left out."""
    lyrics = (_read_lyric(element) for element in elements)
    by_verse = {lyric.verse: lyric for lyric in lyrics if lyric is not None}
    return tuple(by_verse[verse] for verse in sorted(by_verse))


def plain_text(element: Element | None) -> str:
    """Return an element's text without the formatting in it; an elision's symbol becomes its sign."""
    if element is None:
        return ""
    if element.tag == "sym":
        return _ELISION if "lision" in (element.text or "") else ""
    return (element.text or "") + "".join(plain_text(child) + (child.tail or "") for child in element)


def _read_lyric(element: Element) -> Lyric | None:
    number = element.findtext("no") or "0"
    written = element.findtext("syllabic") or "single"
    text = plain_text(element.find("text")).translate(_ELISION_SIGNS)
    pieces = [clean_text(piece) for piece in text.split(_ELISION)]
    pieces = [piece for piece in pieces if piece[0]]
    if not pieces:
        return None
    last = len(pieces) - 1
    syllabics: list[Syllabic] = [
        syllabic(
            goes_on=before or (index == 0 and written in ("middle", "end")),
            continues=after or (index == last and written in ("begin", "middle")),
        )
        for index, (_, before, after) in enumerate(pieces)
    ]
    ticks = element.findtext("ticks") or element.findtext("ticks_f") or "0"
    verse = int(number) + 1 if number.isdecimal() and len(number) < 4 else 1
    return Lyric(verse, tuple(piece[0] for piece in pieces), joined(syllabics), extend=not ticks.startswith("0"))
