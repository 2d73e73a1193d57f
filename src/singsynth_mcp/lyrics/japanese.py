"""Japanese: kana, romaji and kanji → morae → the voicebank's phonemes.

Kana are sung mora by mora as they are written; only kanji, and the particles は and へ beside them, are read by
Open JTalk, which is loaded when the first kanji is met.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from singsynth_mcp.lyrics.dictionary import Lexicon
from singsynth_mcp.lyrics.kana import LONG, NASAL, SMALL_TSU, clean, has_kanji, romaji, split_kana, split_romaji
from singsynth_mcp.lyrics.model import Source, Symbol

Morae = tuple[str, ...]

_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_SUNG_PARTICLES = {"は": ("わ",), "へ": ("え",)}
_SPECIAL = {NASAL: ("N", "n"), SMALL_TSU: ("cl", "q", "Q")}
_TYPED_WORD = re.compile(r"[^\s\[\]_\-]++(?!\[)|\[[^\]]*\]")
_one_at_a_time = Lock()


@dataclass(frozen=True)
class ReadText:
    """A stretch of a text, whole words of Open JTalk's, and how it is read."""

    text: str
    morae: Morae
    particle: bool = False
    respelled: bool = False
    """True where Open JTalk changed the text (3回 → 三回), so that its words cannot be told apart in it."""


def written_morae(text: str) -> Morae | None:
    """Return the morae of kana or romaji; None where only Open JTalk can help."""
    return split_kana(text) or split_romaji(text) or None


def mora_symbols(morae: Sequence[str], lexicon: Lexicon) -> tuple[tuple[Symbol, ...], Source] | None:
    """Return the phonemes of morae, and whether the dictionary or the rules knew them; None when neither does.

    A long mark adds nothing: the vowel before is held.
    """
    symbols: list[Symbol] = []
    source: Source = "dictionary"
    for mora in morae:
        if mora == LONG:
            continue
        found = _lookup(mora, lexicon)
        if found is None:
            source = "rules"
            found = _spell(mora, lexicon)
        if found is None:
            return None
        symbols.extend(found)
    return tuple(symbols), source


def read_kanji(text: str) -> list[ReadText]:
    """Return a text's words as Open JTalk reads them, in order; their texts joined are `clean(text)`.

    Where it respells the text, the whole is one word. Long vowels come as long marks; a word that it cannot read has no
    morae.
    """
    import pyopenjtalk

    text = clean(text)
    with _one_at_a_time:
        features = pyopenjtalk.run_frontend(text)
    words: list[ReadText] = []
    for feature in features:
        written = clean(feature["string"])
        is_particle = feature["pos"] == "助詞" and written in _SUNG_PARTICLES
        morae = _SUNG_PARTICLES[written] if is_particle else split_kana(written) or split_kana(feature["pron"]) or ()
        words.append(ReadText(written, morae, is_particle))
    if "".join(word.text for word in words) == text:
        return words
    return [ReadText(text, tuple(mora for word in words for mora in word.morae), respelled=True)]


def in_kana(text: str) -> str:
    """Return a text with its kanji in the kana that are sung: 東京は is とおきょおわ. Spaces and hints stay."""
    return _TYPED_WORD.sub(lambda word: _spoken(word[0]) if has_kanji(word[0]) else word[0], text)


def _spoken(word: str) -> str:
    read = read_kanji(word)
    if not all(part.morae for part in read):
        return word
    return "".join(long_vowels_written_out([mora for part in read for mora in part.morae]))


def long_vowels_written_out(morae: Sequence[str]) -> Morae:
    """Return morae with each long mark as the vowel it holds, so that each can have a note of its own."""
    vowels = {"a": "あ", "i": "い", "u": "う", "e": "え", "o": "お", "n": NASAL}
    written: list[str] = []
    for mora in morae:
        before = romaji(written[-1])[0][-1] if written else ""
        written.append(vowels.get(before, mora) if mora == LONG else mora)
    return tuple(written)


def _lookup(mora: str, lexicon: Lexicon) -> tuple[Symbol, ...] | None:
    for grapheme in (mora, mora.translate(_KATAKANA), *romaji(mora)):
        found = lexicon.lookup(grapheme)
        if found is not None:
            return found
    return None


def _spell(mora: str, lexicon: Lexicon) -> tuple[Symbol, ...] | None:
    """Read a mora that no dictionary has by its letters: `kyo` is ky o, else k y o."""
    if mora in _SPECIAL:
        return next((found for name in _SPECIAL[mora] if (found := lexicon.symbols([name]))), None)
    for spelling in romaji(mora):
        onset, vowel = spelling[:-1], spelling[-1]
        found = lexicon.symbols([onset, vowel] if onset else [vowel]) or lexicon.symbols(list(spelling))
        if found:
            return found
    return None
