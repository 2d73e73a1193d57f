"""<Lyrics> elements → Lyric."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from singsynth_mcp.score.model import Lyric, Syllabic
from singsynth_mcp.score.syllables import lyric_of

_ELISION = "\u203f"


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
    text = element.findtext("syllabic")
    written: Syllabic = text if text in ("begin", "middle", "end") else "single"  # type: ignore[assignment]
    ticks = element.findtext("ticks") or element.findtext("ticks_f") or "0"
    verse = int(number) + 1 if number.isdecimal() and len(number) < 4 else 1
    return lyric_of([(plain_text(element.find("text")), written)], verse, extend=not ticks.startswith("0"))
