"""The voicebank's own symbols for what is written: its dictionary, hints in [brackets], phonemes typed as they are.

Every symbol is looked for in the inventory as it is, then with its language (`k` → `ja/k`), then without; what a
config claims about prefixes is not asked (diffsinger-voicebank-format, section 3.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cached_property

from singsynth_mcp.errors import InvalidLyrics
from singsynth_mcp.lyrics.agreement import agreement
from singsynth_mcp.lyrics.inventory import Inventory
from singsynth_mcp.lyrics.kana import clean
from singsynth_mcp.lyrics.model import Symbol
from singsynth_mcp.lyrics.words import plain_word
from singsynth_mcp.voicebanks import Voicebank
from singsynth_mcp.voicebanks.dictionary import PhonemeDictionary
from singsynth_mcp.voicebanks.inventory import language_of

_HINT = re.compile(r"^(?P<text>[^\[\]]*)\[(?P<hint>[^\[\]]*)\]\s*$")


def split_hint(text: str) -> tuple[str, str | None]:
    """Return (text, hint) of `text[ph1 ph2]`; the hint is None where there are no brackets."""
    match = _HINT.match(text)
    return (match["text"].strip(), match["hint"]) if match else (text, None)


class Lexicon:
    """What one voicebank can read in one language. Opening its dictionary may raise InvalidVoicebank."""

    def __init__(self, bank: Voicebank, language: str) -> None:
        self.bank = bank
        self.language = language
        self._words: dict[str, tuple[Symbol, ...] | None] = {}

    @cached_property
    def inventory(self) -> Inventory:
        """The voicebank's symbols by what they sound like."""
        return Inventory(self.bank, self.language, self._dictionary.replacements)

    @cached_property
    def _dictionary(self) -> PhonemeDictionary:
        """Its dictionary of the language; the general one is not of a language that it does not sing."""
        return self.bank.dictionary(self.language) if self.bank.sings(self.language) else PhonemeDictionary()

    def lookup(self, grapheme: str) -> tuple[Symbol, ...] | None:
        """Return the dictionary's reading; None where it has none, or one with symbols the inventory lacks."""
        written = self._dictionary.lookup(grapheme)
        return self.symbols(written) if written else None

    def lookup_word(self, word: str) -> tuple[Symbol, ...] | None:
        """Return the dictionary's reading of a word, with or without the marks round it; we'll is no well."""
        if word not in self._words:
            plain = plain_word(word)
            spellings = dict.fromkeys((word, plain, plain.strip("'"), *(() if "'" in plain else (clean(word),))))
            self._words[word] = next((found for spelling in spellings if (found := self.lookup(spelling))), None)
        return self._words[word]

    def agreement(self, read: Callable[[str], Sequence[str] | None]) -> float | None:
        """Return the share of the dictionary's words that `read` (word → symbols) reads alike; None for too few."""

        def listed(word: str) -> list[str] | None:
            found = self.lookup(word)
            return [symbol.symbol for symbol in found] if found else None

        return agreement(self._dictionary.entries, listed, read)

    def symbols(self, written: Sequence[str]) -> tuple[Symbol, ...] | None:
        """Return the inventory's symbols for written ones; None when one is lacking."""
        found = [self.bank.resolve(name, self.language) for name in written]
        symbols = tuple(self._symbol(name) for name in found if name is not None)
        return symbols if len(symbols) == len(written) else None

    def phonemes(self, text: str) -> tuple[Symbol, ...] | None:
        """Return a lyric that is itself phonemes separated by spaces; None when it is not."""
        return self.symbols(text.split()) or None

    def hint(self, hint: str, *, word: str, where: str) -> tuple[Symbol, ...]:
        """Return the symbols of a hint. Raises InvalidLyrics naming word, place and the nearest symbols."""
        written = hint.split()
        lacking = [name for name in written if self.bank.resolve(name, self.language) is None]
        if lacking or not written:
            what = f"has no phoneme {', '.join(lacking)}" if lacking else "cannot sing an empty hint"
            nearest = self.nearest(lacking)
            raise InvalidLyrics(
                f"{word}[{hint}]{where}: voicebank {self.bank.id} {what}",
                hint=f"Nearest: {', '.join(nearest)}." if nearest else "get_voicebank_info lists its phonemes.",
                word=word,
                nearest=nearest,
            )
        return self.symbols(written) or ()

    def nearest(self, written: Sequence[str]) -> list[str]:
        """Return up to six symbols of the inventory that look most like the written ones."""
        bare: dict[str, str] = {}
        for symbol in self.bank.symbols:
            name = symbol.rpartition("/")[2]
            if name not in bare or language_of(symbol) == self.language:
                bare[name] = symbol
        lowered = {name.lower(): symbol for name, symbol in bare.items()}
        found: dict[str, None] = {}
        for name in written:
            wanted = name.rpartition("/")[2].lower()
            for match in get_close_matches(wanted, lowered, n=6, cutoff=0.4):
                found[lowered[match]] = None
            found.update(dict.fromkeys(symbol for key, symbol in lowered.items() if wanted and key[:1] == wanted[:1]))
        return list(found)[:6]

    def _symbol(self, name: str) -> Symbol:
        return Symbol(name, language_of(name), self.bank.symbols[name])
