"""Words of set_lyrics into syllables, for which their language must be known: a score knows notes and signs alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from singsynth_mcp.contracts.common import PassedOver
from singsynth_mcp.contracts.edits import Operation, SetLyrics
from singsynth_mcp.errors import UnknownName
from singsynth_mcp.lyrics.japanese import in_kana
from singsynth_mcp.lyrics.kana import has_kana, has_kanji
from singsynth_mcp.lyrics.recognise import recognised
from singsynth_mcp.score.edits.draft import Draft
from singsynth_mcp.score.edits.lyrics import language_of
from singsynth_mcp.score.hyphenation import with_hyphens
from singsynth_mcp.score.lyric_text import typed_syllables
from singsynth_mcp.score.model import Score

_SHOWN = 12
_SIGNS = re.compile(r"\[[^\]]*\]|[-_\u2010\u2011]")
"""What stands in typed words beside their letters: hints, hyphens, held notes."""
_LATIN = "en"
"""What words in plain letters are taken for where nothing says their language."""


@dataclass(frozen=True)
class Wording:
    """An operation as the score can do it, and what is to be said of its words."""

    operation: Operation
    warning: PassedOver | None = None

    @classmethod
    def of(cls, operation: Operation, score: Score) -> Wording:
        """Part the words of set_lyrics where it asks for that, else tell which of them stay whole."""
        if not isinstance(operation, SetLyrics):
            return cls(operation)
        language = operation.language or _tagged(score, operation) or _language_of(operation.text)
        if operation.auto_syllables:
            return cls(operation.model_copy(update={"text": _parted(operation.text, language)}))
        whole = [word for word in operation.text.split() if _syllables(_parted(word, language)) > _syllables(word)]
        if not whole:
            return cls(operation)
        shown = ", ".join(whole[:_SHOWN]) + (" …" if len(whole) > _SHOWN else "")
        message = f"Words of several syllables have one note each: {shown}. auto_syllables parts them, as do hyphens"
        return cls(operation, PassedOver(code="words_whole", message=message, part=operation.part))


def _tagged(score: Score, operation: SetLyrics) -> str | None:
    """Return the language that most lyrics of the operation's line are marked with."""
    draft = Draft(score)
    try:
        line = draft.line_named(operation.part) if operation.start_note is None else draft.find(operation.start_note)[0]
    except UnknownName:  # the operation itself will say so
        return None
    return language_of(line.notes)


def _language_of(text: str) -> str | None:
    if has_kana(text):
        return "ja"
    words = _SIGNS.sub("", text).split()
    return recognised(words, ("ja",)) or (_LATIN if text.isascii() else None)


def _parted(text: str, language: str | None) -> str:
    is_japanese = (language or "").partition("-")[0] == "ja"
    return with_hyphens(in_kana(text) if is_japanese and has_kanji(text) else text, language)


def _syllables(text: str) -> int:
    return len(typed_syllables(text))
