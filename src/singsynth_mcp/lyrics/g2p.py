"""Words → sounds in syllables, whatever the voicebank: dictionaries and rules first, then espeak-ng."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from singsynth_mcp.lyrics import chinese
from singsynth_mcp.lyrics.arpabet import arpabet_of_ipa, arpabet_sounds
from singsynth_mcp.lyrics.cmudict import Pronunciation
from singsynth_mcp.lyrics.english import best_fitting, has_elision, read_english, shortened
from singsynth_mcp.lyrics.espeak import espeak
from singsynth_mcp.lyrics.kana import LONG, NASAL, SMALL_TSU, romaji
from singsynth_mcp.lyrics.latin import as_italian
from singsynth_mcp.lyrics.sounds import Sound, Syllable, fitted, in_syllables, sounds_of, symbol_sounds

_VOWEL_LETTERS = re.compile(r"[aeiouyäöüàâæéèêëîïôœùûáíóúãõåøаеёиоуыэюяαεηιουω]+")
_PURE = {"ɪ": "i", "ʊ": "u"}
_AS_SUNG = {"de": {"ɔø": "ɔɪ"}, "it": _PURE, "la": _PURE}
"""Tokens of espeak-ng → what singers make of them."""
_MUTE_E = re.compile(r"(?:e|es|ent)$")
_BUILT_IN = frozenset({"en", "ja", "zh"})


@dataclass(frozen=True)
class Spoken:
    """How a word is said."""

    syllables: tuple[Syllable, ...]
    source: Literal["cmudict", "rules", "g2p"]
    others: tuple[tuple[Sound, ...], ...] = ()
    """Other pronunciations."""


def can_speak(language: str) -> bool:
    """Tell whether words of a language can be read without a voicebank's help. Raises EspeakMissing."""
    return language in _BUILT_IN or espeak().knows(language)


def said_in_lines(lines: Sequence[Sequence[str]], language: str) -> list[list[tuple[str, ...]]]:
    """Return what `speak` has to be told of each word of lines: Chinese in pinyin, French with its liaisons in IPA.

    Words of other languages are said by themselves: nothing. Raises EspeakMissing.
    """
    if language == "zh":
        return [chinese.pinyin_of(line) for line in lines]
    if language == "fr":
        return [espeak().read_in_a_row(line, language) for line in lines]
    return [[()] * len(line) for line in lines]


def read_ahead(words: Sequence[str], language: str) -> None:
    """Read words that `speak` will be asked for in one go: each by itself would wait for an answer of its own.

    Raises EspeakMissing.
    """
    if language not in (*_BUILT_IN, "fr", "la") and words:
        espeak().read(words, language)


def speak(word: str, language: str, written: Sequence[str] = (), in_line: Sequence[str] = ()) -> Spoken | None:
    """Return how a word is said; None where nobody knows.

    written: its syllables as the score parts it; of what is said at most as many are made. in_line: what
    `said_in_lines` says of it.

    Raises EspeakMissing.
    """
    if language == "en":
        return _english(word, tuple(written))
    if language == "zh":
        return _chinese(word, in_line)
    if language == "la":
        (tokens,) = espeak().read([as_italian(word)], "it")
    else:
        tokens = tuple(in_line) or espeak().read([word], language)[0]
    sounds = sounds_of([_AS_SUNG.get(language, {}).get(token, token) for token in tokens])
    if written:
        sounds = fitted(sounds, len(written))
    if language == "fr" and sum(sound.is_nucleus for sound in sounds) < len(written) and _MUTE_E.search(word.lower()):
        sounds = (*sounds, Sound(("ə",)))
    return Spoken(merged(in_syllables(sounds, language), written), "g2p") if sounds else None


def morae_in_syllables(morae: Sequence[str]) -> tuple[Syllable, ...]:
    """Return Japanese morae for a voicebank that sings no Japanese: ん and っ close the syllable before."""
    syllables: list[Syllable] = []
    table = symbol_sounds("ja")
    for mora in morae:
        if mora == LONG:
            continue
        if mora in (NASAL, SMALL_TSU):
            sounds: Syllable = (Sound(("n" if mora == NASAL else "ʔ",)),)
            syllables[-1:] = [(*syllables[-1], *sounds)] if syllables else [sounds]
            continue
        spelling = next((one for one in romaji(mora) if not one[:-1] or one[:-1] in table), "")
        names = [name for name in (spelling[:-1], spelling[-1:]) if name]
        syllables.append(tuple(Sound(table[name][0], (name,)) for name in names))
    return tuple(filter(None, syllables))


def merged(syllables: Sequence[Syllable], written: Sequence[str]) -> tuple[Syllable, ...]:
    """Return at most as many syllables as the score writes: those that are too many go where vowels are written.

    pow-erful has two vowels more than notes in its second syllable, and they are sung there.
    """
    surplus = len(syllables) - len(written)
    if surplus <= 0 or not written:
        return tuple(syllables)
    room = [len(_VOWEL_LETTERS.findall(text.lower())) - 1 for text in written]
    sizes = [1] * len(written)
    for _ in range(surplus):
        fullest = max(range(len(room)), key=lambda i: (room[i], i))
        room[fullest] -= 1
        sizes[fullest] += 1
    rest = iter(syllables)
    return tuple(sum((next(rest) for _ in range(size)), ()) for size in sizes)


def _english(word: str, written: tuple[str, ...]) -> Spoken | None:
    found = read_english(word, written)
    if found is None:
        (tokens,) = espeak().read([word], "en")
        pronunciation: Pronunciation = arpabet_of_ipa(tokens)
        others: tuple[tuple[Sound, ...], ...] = ()
        source: Literal["cmudict", "rules", "g2p"] = "g2p"
    else:
        chosen = best_fitting(found.pronunciations, len(written)) if written else found.pronunciations[0]
        pronunciation = shortened(chosen, len(written)) if written and has_elision(word) else chosen
        others = tuple(arpabet_sounds(one) for one in found.pronunciations if one != chosen)
        source = "cmudict" if found.listed else "rules"
    if not pronunciation:
        return None
    return Spoken(merged(in_syllables(arpabet_sounds(pronunciation), "en"), written), source, others)


def _chinese(word: str, pinyin: Sequence[str]) -> Spoken | None:
    if not pinyin and chinese.is_han(word):
        (pinyin,) = chinese.pinyin_of([word])
    elif not pinyin and (plain := chinese.plain_pinyin(word)):
        pinyin = (plain,)
    syllables = [chinese.pinyin_sounds(syllable) for syllable in pinyin]
    known = tuple(syllable for syllable in syllables if syllable)
    return Spoken(known, "g2p") if known and len(known) == len(syllables) else None
