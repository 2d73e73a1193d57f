"""<lyric> elements → Lyric."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from singsynth_mcp.score.model import Lyric, Syllabic
from singsynth_mcp.score.syllables import lyric_of

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


def read_lyrics(elements: list[Element], language: str | None = None) -> tuple[Lyric, ...]:
    """Return a note's lyrics by verse, the first of each verse; those without a syllable are left out.

    `language` is that of lyrics that name none.
    """
    lyrics: dict[int, Lyric] = {}
    for element in elements:
        lyric = _read_lyric(element, language)
        if lyric is not None:
            lyrics.setdefault(lyric.verse, lyric)
    return tuple(lyrics[verse] for verse in sorted(lyrics))


def language_code(tag: str | None) -> str | None:
    """Return the language subtag of an xml:lang value: "de" of "de-AT"."""
    return tag.partition("-")[0].lower() or None if tag else None


def default_language(root: Element) -> str | None:
    """Return the language that the score's <defaults> give its lyrics."""
    element = root.find("defaults/lyric-language")
    return None if element is None else language_code(element.get(_LANG))


def _read_lyric(element: Element, default: str | None) -> Lyric | None:
    """Read one <lyric>: text with syllabic, more of both after an <elision>, <extend>."""
    pieces: list[tuple[str, Syllabic | None]] = []
    written: Syllabic | None = "single"
    extend = False
    language = element.get(_LANG)
    for child in element:
        if child.tag == "syllabic":
            written = _syllabic(child.text)
        elif child.tag == "text":
            language = child.get(_LANG) or language
            pieces.append((child.text or "", written))
            written = None
        elif child.tag == "extend":
            extend = child.get("type") != "stop"
    return lyric_of(pieces, _verse(element), extend=extend, language=language_code(language) or default)


def _syllabic(text: str | None) -> Syllabic:
    text = (text or "").strip()
    return text if text in ("begin", "middle", "end") else "single"  # type: ignore[return-value]


def _verse(element: Element) -> int:
    """Return the verse of a lyric's number: "2", "verse2", "part1verse2"; 1 for a name such as "chorus"."""
    match = _LAST_NUMBER.search(element.get("number", "1"))
    return max(1, int(match[1])) if match else 1
