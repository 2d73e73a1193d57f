"""What a probe can sing in any voicebank: syllables of its own phonemes, dictionary or not."""

from __future__ import annotations

from singsynth_mcp.voicebanks.inventory import language_of
from singsynth_mcp.voicebanks.voicebank import Voicebank

_VOWELS = ("a", "aa", "i", "iy", "u", "uw", "e", "eh", "o", "ow", "ao")
_CONSONANTS = ("k", "m", "t", "s", "n", "h", "hh", "d", "b", "l", "r")
_MOST = 5


def probe_syllables(bank: Voicebank) -> list[str]:
    """Return up to five syllables, phonemes separated by a space: an open vowel each, most with a consonant before.

    All stages have these phonemes. Empty where the voicebank has no vowel.
    """
    language = bank.languages[0] if bank.languages else ""
    everywhere = set(bank.symbols)
    for name in ("pitch", "variance"):
        stage = bank.stage(name)
        everywhere &= set(stage.phonemes) if stage is not None else everywhere
    own = [symbol for symbol in everywhere if language_of(symbol) in ("", language)] or sorted(everywhere)
    vowels = _preferred([symbol for symbol in own if bank.symbols[symbol] == "vowel"], _VOWELS)
    consonants = _preferred([symbol for symbol in own if bank.symbols[symbol] == "consonant"], _CONSONANTS)
    known = [symbol for symbol in consonants if symbol.rpartition("/")[2] in _CONSONANTS][:_MOST]
    syllables = []
    for index, vowel in enumerate(vowels[:_MOST]):
        before = f"{known[index % len(known)]} " if known else ""
        syllables.append(f"{before}{vowel}")
    return syllables


def _preferred(symbols: list[str], order: tuple[str, ...]) -> list[str]:
    """Return the symbols that are in `order` first, in that order, then the others by name."""
    places = {name: place for place, name in enumerate(order)}
    return sorted(symbols, key=lambda symbol: (places.get(symbol.rpartition("/")[2], len(order)), symbol))
