"""English words → ARPAbet: the CMU dictionary, and rules on what it has for what it lacks.

Several pronunciations are given in the dictionary's order; the one with as many vowels as the score has syllables is
sung, else the first. Nothing here knows a voicebank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from singsynth_mcp.lyrics.cmudict import Pronunciation, is_vowel, pronunciations
from singsynth_mcp.lyrics.english_numbers import number_words
from singsynth_mcp.lyrics.words import plain_word

_JOINTS = re.compile(r"[-\u2010\u2011\u2013\u2014/\s]+")
_SUNG = {
    "o'er": ("AO1 R",),
    "e'er": ("EH1 R",),
    "ne'er": ("N EH1 R",),
    "where'er": ("W EH0 R EH1 R",),
    "whate'er": ("W AH0 T EH1 R",),
    "whene'er": ("W EH0 N EH1 R",),
    "howe'er": ("HH AW2 EH1 R",),
    "ta'en": ("T EY1 N",),
    "th'": ("DH",),
    "thro'": ("TH R UW1",),
    "tho'": ("DH OW1",),
    "thou'rt": ("DH AW1 R T",),
    "thou'lt": ("DH AW1 L T",),
    "thou'st": ("DH AW1 S T",),
    "o'": ("AH0",),
    "doth": ("D AH1 TH",),
    "dost": ("D AH1 S T",),
    "amen": ("AA1 M EH1 N", "EY1 M EH1 N"),
    "hosanna": ("HH OW0 Z AE1 N AH0",),
}
"""What the dictionary lacks, or lists as it is spoken and not as it is sung."""
_VOICELESS = frozenset(["P", "T", "K", "F", "TH"])
_HISSING = frozenset(["S", "Z", "SH", "ZH", "CH", "JH"])
_SILENT_BEFORE_D = _VOICELESS | {"S", "SH", "CH"}
_CLITICS = {"'ll": "AH0 L", "'ve": "AH0 V", "'re": "ER0", "'m": "AH0 M", "n't": "AH0 N T"}
_ENDINGS = {
    "ing": "IH0 NG",
    "in'": "IH0 N",
    "er": "ER0",
    "ers": "ER0 Z",
    "est": "AH0 S T",
    "eth": "AH0 TH",
    "ly": "L IY0",
    "less": "L AH0 S",
    "ness": "N AH0 S",
    "ful": "F AH0 L",
    "like": "L AY2 K",
    "y": "IY0",
}
_BRITISH = (("our", "or"), ("ise", "ize"), ("ising", "izing"), ("ised", "ized"), ("tre", "ter"))
_RECURSION = 3


class EnglishReading(NamedTuple):
    """The pronunciations of a word and whether the dictionary lists it as it is written."""

    pronunciations: tuple[Pronunciation, ...]
    listed: bool


def read_english(text: str, syllables: Sequence[str] = ()) -> EnglishReading | None:
    """Return how a word is pronounced; None where neither dictionary nor rules know it.

    syllables: the word as the score parts it, which tells the halves of a compound (yel-low-ham-mer).
    """
    return _read(_normal(text), tuple(syllables))


@lru_cache(maxsize=4096)
def _read(word: str, syllables: tuple[str, ...]) -> EnglishReading | None:
    if not any(map(str.isalnum, word)):
        return None
    listed = _listed(word.lower())
    if listed and not (_is_abbreviation(word) and "." in word):
        return EnglishReading(listed, listed=True)
    for found in (_number(word), _letters(word), _derived(word.lower()), _compound(list(map(_normal, syllables)))):
        if found:
            return EnglishReading(found, listed=False)
    return None


def best_fitting(found: Sequence[Pronunciation], vowels: int) -> Pronunciation:
    """Return the first pronunciation with as many vowels as are wanted, else the first of all."""
    return next((one for one in found if sum(map(is_vowel, one)) == vowels), found[0])


def shortened(pronunciation: Pronunciation, vowels: int) -> Pronunciation:
    """Return a pronunciation with fewer vowels, as an apostrophe says (heav'n, wand'ring): the last schwas go first."""
    phonemes = list(pronunciation)
    for i in reversed(range(len(phonemes))):
        if sum(map(is_vowel, phonemes)) <= vowels:
            break
        if phonemes[i] == "ER0":
            phonemes[i] = "R"
        elif phonemes[i] == "AH0":
            del phonemes[i]
    return tuple(phonemes)


def has_elision(text: str) -> bool:
    """Tell whether an apostrophe inside a word stands for a vowel that is not sung."""
    return bool(re.search(r"[^\W\d_]'(?!(?:s|ll|ve|re|d|m|t)\b)[^\W\d_]", _normal(text).lower()))


def _normal(text: str) -> str:
    """Return a word with plain apostrophes and without what stands round it; a period belongs to an abbreviation."""
    text = text.strip()
    return text if re.fullmatch(r"(?:[A-Za-z]\.){2,}", text) else plain_word(text)


def _listed(word: str) -> tuple[Pronunciation, ...]:
    sung = tuple(tuple(spoken.split()) for spoken in _SUNG.get(word, ()))
    if sung:
        return sung
    bare = word.strip("'")
    return pronunciations(word) or (pronunciations(bare) if bare != word else ())


def _is_abbreviation(word: str) -> bool:
    return bool(re.fullmatch(r"(?:[A-Z]\.?){2,}", word))


def _number(word: str) -> tuple[Pronunciation, ...]:
    words = number_words(word.lower())
    return _joined([pronunciations(part)[:1] or _derived(part)[:1] for part in words]) if words else ()


def _letters(word: str) -> tuple[Pronunciation, ...]:
    """Spell an abbreviation: capitals with periods, or up to five capitals that are no word."""
    if not _is_abbreviation(word) or ("." not in word and len(word) > 5):
        return ()
    named = [pronunciations(f"{letter}." if letter == "a" else letter)[:1] for letter in word.lower() if letter != "."]
    return _joined(named)


def _derived(word: str, depth: int = 0) -> tuple[Pronunciation, ...]:
    """Return what rules make of a word in lower case from words that are listed."""
    if depth > _RECURSION or not word:
        return ()
    parts = [part for part in _JOINTS.split(word) if part]
    if len(parts) > 1:
        return _joined([_known(part, depth)[:1] for part in parts])
    rules = (_contraction, _elided, _plural, _past, _suffixed, _british)
    return next((found for rule in rules if (found := rule(word, depth))), ())


def _known(word: str, depth: int) -> tuple[Pronunciation, ...]:
    return _listed(word) or _derived(word, depth + 1)


def _contraction(word: str, depth: int) -> tuple[Pronunciation, ...]:
    if word.endswith("'s") and (stems := _known(word[:-2], depth)):
        return _with_s(stems)
    if word.endswith("'d"):
        return _known(word[:-2] + "ed", depth)
    for clitic, spoken in _CLITICS.items():
        if word.endswith(clitic) and (stems := _known(word.removesuffix(clitic), depth)):
            return _followed_by(stems, spoken)
    return ()


def _elided(word: str, depth: int) -> tuple[Pronunciation, ...]:
    """Put the vowel (or v) back for which an apostrophe stands: heav'n, ev'ry, wand'ring, giv'n."""
    place = word.find("'", 1)
    if place < 0 or place == len(word) - 1:
        return _known(word.strip("'"), depth) if "'" in word else ()
    for letter in "eoaiuv":
        if found := _listed(word[:place] + letter + word[place + 1 :]):
            return found
    return ()


def _plural(word: str, depth: int) -> tuple[Pronunciation, ...]:
    if not word.endswith("s") or word.endswith("ss"):
        return ()
    stems = [word[:-1]]
    if word.endswith("es"):
        stems.append(word[:-2])
    if word.endswith("ies"):
        stems.append(word[:-3] + "y")
    return next((_with_s(found) for stem in stems if (found := _known(stem, depth))), ())


def _past(word: str, depth: int) -> tuple[Pronunciation, ...]:
    if not word.endswith("ed"):
        return ()
    return next((_with_d(found) for stem in _stems(word, "ed") if (found := _known(stem, depth))), ())


def _suffixed(word: str, depth: int) -> tuple[Pronunciation, ...]:
    for ending, spoken in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending) + 2:
            for stem in _stems(word, ending):
                if found := _known(stem, depth):
                    return _followed_by(found, spoken)
    return ()


def _british(word: str, depth: int) -> tuple[Pronunciation, ...]:
    respelled = (word.removesuffix(british) + american for british, american in _BRITISH if word.endswith(british))
    return next((found for spelling in respelled if (found := _known(spelling, depth))), ())


def _stems(word: str, ending: str) -> Iterator[str]:
    """Yield what a word may be without an ending: lov-ing → lov, love; runn-ing → run; happi-ly → happy."""
    stem = word.removesuffix(ending)
    if len(stem) < 2:
        return
    if ending[0] in "aeiouy":
        yield stem + "e"
        if stem[-1] == stem[-2] and stem[-1] not in "aeiou":
            yield stem[:-1]
    yield stem
    if stem[-1] == "i":
        yield stem[:-1] + "y"


def _compound(syllables: Sequence[str]) -> tuple[Pronunciation, ...]:
    """Return a word whose written syllables make two listed words."""
    for cut in range(1, len(syllables)):
        halves = ["".join(syllables[:cut]).lower(), "".join(syllables[cut:]).lower()]
        if min(map(len, halves)) >= 3 and (found := _joined([_known(half, 1)[:1] for half in halves])):
            return found
    return ()


def _with_s(stems: Sequence[Pronunciation]) -> tuple[Pronunciation, ...]:
    return tuple(
        stem + (("IH0", "Z") if stem[-1] in _HISSING else ("S",) if stem[-1] in _VOICELESS else ("Z",))
        for stem in stems
    )


def _with_d(stems: Sequence[Pronunciation]) -> tuple[Pronunciation, ...]:
    return tuple(
        stem + (("AH0", "D") if stem[-1] in ("D", "T") else ("T",) if stem[-1] in _SILENT_BEFORE_D else ("D",))
        for stem in stems
    )


def _followed_by(stems: Sequence[Pronunciation], spoken: str) -> tuple[Pronunciation, ...]:
    return tuple(stem + tuple(spoken.split()) for stem in stems)


def _joined(parts: Sequence[Sequence[Pronunciation]]) -> tuple[Pronunciation, ...]:
    """Return the pronunciations of words in a row; empty where one of them has none."""
    return tuple(sum(chosen, ()) for chosen in product(*parts)) if parts and all(parts) else ()
