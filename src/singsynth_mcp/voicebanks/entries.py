"""The entries of a dsdict file, read line by line: some hold a quarter million, and a YAML parser takes a minute."""

from __future__ import annotations

import re

_PLAIN = r"[^\s\-?:,\[\]{}#&*!|>'\"%@`][^,\[\]{}#:'\"\n]*"
_WORD = rf"\"[^\"\\\n]*\"|'[^'\n]*'|{_PLAIN}"
_ONE_WORD = re.compile(_WORD)
_FLOW = re.compile(rf"- \{{ *grapheme: *({_WORD}), *phonemes: *\[([^\[\]{{}}#\n]*)\] *\}}$")
_GRAPHEME = re.compile(rf"- +grapheme: +({_WORD})$")
_PHONEMES = re.compile(r"phonemes: *(?:\[([^\[\]{}#\n]*)\])?$")
_ITEM = re.compile(rf"- +({_WORD})$")
_SECTION = re.compile(r"^entries:[ \t]*(\[\])?[ \t]*\r?$\n?", re.MULTILINE)
_BLANKS = " \t"
"""All that YAML takes off a scalar's ends; a no-break space belongs to it."""
_OTHER_BREAKS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NEXT_SECTION = re.compile(r"^[^\s#-]", re.MULTILINE)


def split_entries(text: str) -> tuple[str, str]:
    """Return a dictionary's text without its entries, and the lines of the entries."""
    start = _SECTION.search(text)
    if start is None:
        return text, ""
    following = _NEXT_SECTION.search(text, start.end())
    end = following.start() if following else len(text)
    return text[: start.start()] + text[end:], text[start.end() : end]


def scan_entries(lines: str) -> dict[str, tuple[str, ...]] | None:
    """Return grapheme → symbols, or None when a line is of a shape that only a YAML parser reads rightly."""
    entries: dict[str, tuple[str, ...]] = {}
    grapheme, symbols = None, None
    if _OTHER_BREAKS.search(lines):
        return None
    for line in (line.strip(_BLANKS) for line in lines.splitlines()):
        if not line or line.startswith("#"):
            continue
        listed: tuple[str, ...] | None
        if match := _FLOW.match(line):
            listed = _listed(match[2])
            entries[_unquoted(match[1])] = listed or ()
            grapheme, symbols = None, None
        elif match := _GRAPHEME.match(line):
            grapheme, symbols, listed = _unquoted(match[1]), None, ()
        elif grapheme is not None and symbols is None and (match := _PHONEMES.match(line)):
            listed = _listed(match[1] or "")
            symbols = entries[grapheme] = listed or ()
        elif grapheme is not None and symbols is not None and (match := _ITEM.match(line)):
            listed = tuple(_unquoted(match[1]).split())
            symbols = entries[grapheme] = symbols + listed
        else:
            return None
        if listed is None:
            return None
    return entries


def _listed(items: str) -> tuple[str, ...] | None:
    words = [item.strip(_BLANKS) for item in items.split(",")] if items.strip(_BLANKS) else []
    if not all(map(_ONE_WORD.fullmatch, words)):
        return None
    return tuple(symbol for word in words for symbol in _unquoted(word).split())


def _unquoted(word: str) -> str:
    return word[1:-1] if word[:1] in ("'", '"') else word.strip(_BLANKS)
