"""Sounds → the symbols of one voicebank: its own names for them, else the symbols that come nearest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import inf

from singsynth_mcp.lyrics.model import Substitution, Symbol
from singsynth_mcp.lyrics.phones import DROPPED, FARTHEST, OFF_GLIDE, distance, is_nucleus, is_vowel, parse_sound, parts
from singsynth_mcp.lyrics.sounds import Sound, Syllable, symbol_sounds
from singsynth_mcp.voicebanks import Voicebank
from singsynth_mcp.voicebanks.inventory import language_of

_FOREIGN = 0.04
"""How much nearer a symbol of another language has to be than one of the word's own."""
_EACH_SYMBOL = 0.01
_PARTED = 0.1
_GLIDE_TOO_MANY = 0.5
"""How far a diphthong is from its vowel alone (ow for o), as a share of how far it glides."""


@dataclass(frozen=True)
class Spelling:
    """A stretch of sounds in a voicebank's symbols."""

    symbols: tuple[Symbol, ...]
    substitutions: tuple[Substitution, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    symbol: str
    phones: tuple[str, ...]
    cost: float
    """Of choosing it, beside the distance."""
    apart: float = 0.0
    """Distance that its phones do not show."""


@dataclass(frozen=True)
class _Way:
    cost: float
    steps: tuple[tuple[str, str, float], ...] = ()
    """(phones, symbol, distance)."""


class Inventory:
    """The symbols of a voicebank by what they sound like, for words of one language.

    Args:
        bank: whose symbols.
        language: of the words; the voicebank need not sing it.
        replacements: name of a sound in the language's convention → the voicebank's symbol, as its dictionary says.
    """

    def __init__(self, bank: Voicebank, language: str, replacements: Mapping[str, str]) -> None:
        self._bank = bank
        self._language = language
        self._replacements = replacements
        self._is_native = bank.sings(language)
        self._known: dict[tuple[str, ...], _Way] = {}

    def spell(self, syllable: Syllable) -> Spelling | None:
        """Return a syllable's symbols; None where the voicebank has no vowel or consonant at all for a sound of it."""
        symbols: list[Symbol] = []
        substitutions: list[Substitution] = []
        named = [(sound, self._named(sound)) for sound in syllable]
        for has_name, run in groupby(named, key=lambda pair: pair[1] is not None):
            if has_name:
                symbols += [self._symbol(name) for _, name in run if name is not None]
                continue
            way = self._nearest(tuple(phone for sound, _ in run for phone in sound.phones))
            if way.cost == inf:
                return None
            symbols += [self._symbol(symbol) for _, symbol, _ in way.steps if symbol]
            substitutions += [Substitution(*step) for step in way.steps if step[2] > 0]
        return Spelling(tuple(symbols), tuple(substitutions))

    def sound_of(self, symbol: str) -> Sound | None:
        """Return what a symbol of the voicebank sounds like; None where its name says nothing."""
        alternatives = self._sounds.get(symbol)
        return Sound(alternatives[0]) if alternatives else None

    def _named(self, sound: Sound) -> str | None:
        """Return the voicebank's symbol that goes by one of a sound's names in the language's own convention."""
        if not self._is_native:
            return None
        for name in sound.names:
            for written in (self._replacements.get(name), name, name.upper()):
                found = self._bank.resolve(written, self._language) if written else None
                if found is not None and language_of(found) in ("", self._language):
                    return found
        return None

    @cached_property
    def _sounds(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        sounds: dict[str, tuple[tuple[str, ...], ...]] = {}
        for symbol, role in self._bank.symbols.items():
            alternatives = self._alternatives(symbol)
            if role in ("vowel", "consonant") and alternatives:
                sounds[symbol] = alternatives
        return sounds

    def _alternatives(self, symbol: str) -> tuple[tuple[str, ...], ...]:
        bare, prefix = symbol.rpartition("/")[2], language_of(symbol)
        named = self._bank.conventions.get(symbol)
        conventions = [named] if named else []
        languages = (prefix,) if prefix else (*self._bank.languages, self._language)
        conventions += [(language, name) for language in languages for name in (bare, bare.lower())]
        for language, name in conventions:
            table = symbol_sounds(language.partition("-")[0])
            if name in table:
                return table[name]
        phones = parse_sound(bare)
        return (phones,) if len(phones) == 1 or (phones and not bare.isascii()) else ()

    @cached_property
    def _candidates(self) -> list[_Candidate]:
        """Return what each symbol can be sung for; one that carries a note must have a vowel in it."""
        found: list[_Candidate] = []
        for symbol, alternatives in self._sounds.items():
            is_foreign = self._is_native and language_of(symbol) not in ("", self._language)
            for phones in alternatives:
                carries = self._bank.symbols[symbol] == "vowel"
                is_glide = not carries and all(OFF_GLIDE in phone for phone in phones)
                if is_glide or carries == any(map(is_vowel, phones)):
                    cost = _EACH_SYMBOL + (_FOREIGN if is_foreign else 0.0)
                    found.append(_Candidate(symbol, phones, cost))
                    if len(phones) == 2 and is_nucleus(phones[0]) and OFF_GLIDE in phones[1]:
                        too_many = 0.02 + _GLIDE_TOO_MANY * distance(phones[0], phones[1].replace(OFF_GLIDE, ""))
                        found.append(_Candidate(symbol, phones[:1], cost, too_many))
        return found

    def _nearest(self, phones: tuple[str, ...]) -> _Way:
        if phones not in self._known:
            self._known[phones] = self._search(phones)
        return self._known[phones]

    def _search(self, phones: tuple[str, ...]) -> _Way:
        ways: list[_Way] = [_Way(0.0)] + [_Way(inf)] * len(phones)

        def offer(stop: int, here: _Way, cost: float, *steps: tuple[str, str, float]) -> None:
            if here.cost + cost < ways[stop].cost:
                ways[stop] = _Way(here.cost + cost, here.steps + steps)

        for i, phone in enumerate(phones):
            here = ways[i]
            for one in self._candidates:
                stop = i + len(one.phones)
                if stop <= len(phones):
                    apart = one.apart + sum(map(distance, phones[i:stop], one.phones))
                    if apart < FARTHEST:
                        step = ("".join(phones[i:stop]), one.symbol, round(apart, 3))
                        offer(stop, here, apart + one.cost, step)
            if phone == "ʔ":
                offer(i + 1, here, DROPPED, (phone, "", DROPPED))
            pieces = parts(phone)
            if pieces and len(phones) + len(pieces) < 30:
                way = self._nearest(pieces)
                offer(i + 1, here, way.cost + _PARTED, *way.steps)
        return ways[-1]

    def _symbol(self, name: str) -> Symbol:
        return Symbol(name, language_of(name), self._bank.symbols[name])
