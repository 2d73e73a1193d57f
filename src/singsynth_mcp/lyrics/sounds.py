"""The sounds of a word between its writing and a voicebank's symbols, in syllables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from singsynth_mcp.lyrics.phones import is_nucleus, is_vowel, parse_sound, sonority

_TABLE = Path(__file__).parent / "data" / "symbols.tsv"


class Sound(NamedTuple):
    """What a voicebank of the word's language has one symbol for."""

    phones: tuple[str, ...]
    """In IPA; more than one in a diphthong."""
    names: tuple[str, ...] = ()
    """Names of it in the language's own convention, the best first."""

    @property
    def is_nucleus(self) -> bool:
        """Whether it carries a syllable."""
        return any(map(is_nucleus, self.phones))


Syllable = tuple[Sound, ...]


@cache
def symbol_sounds(language: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return symbol → the phones it stands for (and alternatives), as voicebanks of a language name their symbols."""
    rows = (line.split("\t") for line in _TABLE.read_text(encoding="utf-8").splitlines() if line[:1] not in ("#", ""))
    return {
        symbol: tuple(parse_sound(written) for written in alternatives.split(" "))
        for of_language, symbol, alternatives in rows
        if of_language == language
    }


def sounds_of(ipa: Sequence[str]) -> tuple[Sound, ...]:
    """Return the sounds of IPA tokens, one token a consonant, vowel or diphthong."""
    return tuple(Sound(phones) for token in ipa if (phones := parse_sound(token)))


def in_syllables(sounds: Sequence[Sound], language: str) -> tuple[Syllable, ...]:
    """Cut a word by maximal onset: of the consonants between two vowels as many open a syllable as may open a word.

    A word without a vowel is one syllable.
    """
    nuclei = [i for i, sound in enumerate(sounds) if sound.is_nucleus]
    cuts = [0]
    for left, right in pairwise(nuclei):
        cuts.append(right - _onset_size(sounds[left + 1 : right], language))
    cuts.append(len(sounds))
    return tuple(tuple(sounds[start:stop]) for start, stop in pairwise(cuts))


def fitted(sounds: Sequence[Sound], wanted: int) -> tuple[Sound, ...]:
    """Return sounds with as many vowels as are wanted, where close vowels beside others can be glides (glo-ria)."""
    fitting = list(sounds)
    for i in _glides_to_be(fitting):
        if sum(sound.is_nucleus for sound in fitting) <= wanted:
            break
        (vowel,) = fitting[i].phones
        fitting[i] = Sound(("j" if vowel in "iɪ" else "ɥ" if vowel == "y" else "w",))
    return tuple(fitting)


def _glides_to_be(sounds: Sequence[Sound]) -> Iterator[int]:
    for i, (sound, following) in enumerate(pairwise(sounds)):
        if following.is_nucleus and len(sound.phones) == 1 and sound.phones[0] in "iɪuʊy":
            yield i


_ENGLISH_TWO = (
    "pl pɹ pj bl bɹ bj tɹ tj tw dɹ dj dw kl kɹ kj kw ɡl ɡɹ ɡj ɡw fl fɹ fj vj θɹ θj θw ʃɹ sl sw sj hj mj nj lj"
)
_ENGLISH_S = "sp st sk sm sn sf spl spɹ spj stɹ stj skl skɹ skj skw"
_ENGLISH_ONSETS = frozenset(f"{_ENGLISH_TWO} {_ENGLISH_S}".split())
_S_OPENS = frozenset({"de", "it", "ru", "pl", "cs", "sk", "uk", "nl", "sv", "da", "nb", "no"})
_NEVER_OPEN = frozenset({"ŋ", "ɴ"})
_TOO_ALIKE = frozenset({"tl", "dl", "tɫ", "dɫ", "θl"})


def _onset_size(cluster: Sequence[Sound], language: str) -> int:
    phones = ["".join(sound.phones) for sound in cluster]
    for size in range(len(phones), 0, -1):
        if _may_open(phones[len(phones) - size :], language):
            return size
    return 0


def _may_open(phones: Sequence[str], language: str) -> bool:
    if any(is_vowel(phone) for phone in phones[:-1]) or phones[0] in _NEVER_OPEN:
        return False
    if len(phones) == 1:
        return True
    if language == "en":
        return "".join(phones) in _ENGLISH_ONSETS
    if phones[0] in ("s", "ʃ") and sonority(phones[1]) < 3 and language in _S_OPENS:
        return _may_open(phones[1:], language)
    rises = all(sonority(left) <= 1 < 3 <= sonority(right) for left, right in pairwise(phones[:2]))
    rises = rises or (len(phones) == 2 and sonority(phones[1]) == 5)
    return rises and "".join(phones[:2]) not in _TOO_ALIKE and (len(phones) == 2 or sonority(phones[2]) == 5)
