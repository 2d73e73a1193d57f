"""English: the corpus text in ARPAbet, and the teacher's spelling of it.

The corpus text is ours: chains of made-up words that cover the pairs of neighbouring phonemes, and
sentences with common words (english-sentences.txt). A text is a list of groups with pauses between
them; a group is a list of words, a word a list of phonemes, its vowels with their stress (``ay1``).
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

_HERE = Path(__file__).parent

Word = tuple[str, ...]
Group = tuple[Word, ...]
Text = tuple[Group, ...]

_VOWELS = {
    "aa": "ɑ",
    "ae": "æ",
    "ah": "ʌ",
    "ao": "ɔ",
    "aw": "W",
    "ax": "ə",
    "ay": "I",
    "eh": "ɛ",
    "er": "ɜɹ",
    "ey": "A",
    "ih": "ɪ",
    "iy": "i",
    "ow": "O",
    "oy": "Y",
    "uh": "ʊ",
    "uw": "u",
}
"""The teacher writes diphthongs as one letter."""
_UNSTRESSED = {"er": "əɹ"}
_CONSONANTS = {
    **{name: name for name in ("b", "d", "f", "k", "l", "m", "n", "p", "s", "t", "v", "w", "z")},
    "ch": "ʧ",
    "dh": "ð",
    "g": "ɡ",
    "hh": "h",
    "jh": "ʤ",
    "ng": "ŋ",
    "r": "ɹ",
    "sh": "ʃ",
    "th": "θ",
    "y": "j",
    "zh": "ʒ",
}
_STRESS = {"0": "", "1": "ˈ", "2": "ˌ"}

_LAX = frozenset(("ae", "ah", "eh", "ih", "uh"))
_GLIDE_ONSETS = ("b y", "f y", "hh y", "k y", "m y", "p y", "v y", "s p y", "s k y")
_ONSETS = (
    *("b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n", "p", "r", "s", "sh", "t", "th", "v", "w", "y"),
    *("z", "zh", "b l", "b r", "d r", "d w", "f l", "f r", "g l", "g r", "g w", "k l", "k r", "k w", "p l", "p r"),
    *("s k", "s l", "s m", "s n", "s p", "s t", "s w", "sh r", "t r", "t w", "th r", "s k r", "s k w", "s p l"),
    *("s p r", "s t r", *_GLIDE_ONSETS),
)
_CODAS = (
    *("b", "ch", "d", "dh", "f", "g", "jh", "k", "l", "m", "n", "ng", "p", "r", "s", "sh", "t", "th", "v", "z", "zh"),
    *("m p", "n d", "n t", "ng k", "n z", "n s", "n ch", "n jh", "ng z", "m z", "n th", "l d", "l t", "l k", "l p"),
    *("l f", "l v", "l z", "l m", "l s", "r d", "r t", "r k", "r n", "r m", "r z", "r p", "r l", "r ch", "r th"),
    *("s t", "s k", "s p", "f t", "p t", "k t", "t s", "k s", "p s", "d z", "g z", "b z", "v z", "th s", "n t s"),
    *("k t s", "s t s", "n d z", "k s t", "m p t"),
)
_CANDIDATES = 40
_WORDS_A_GROUP = (4, 3, 4)


@cache
def sentences() -> tuple[Text, ...]:
    """Return our own sentences."""
    lines = (_HERE / "english-sentences.txt").read_text(encoding="utf-8").splitlines()
    spelled = [line.partition("\t")[2] for line in lines if line and not line.startswith("#")]
    return tuple(
        tuple(tuple(tuple(word.split()) for word in group.split("/")) for group in text.split(",")) for text in spelled
    )


def spell(group: Group) -> list[tuple[str, str]]:
    """Return (phoneme, IPA characters) of a group as the teacher was trained to read them.

    A stress mark stands before the vowel it belongs to, the space between words behind the last
    phoneme of a word.
    """
    spelled: list[tuple[str, str]] = []
    for number, word in enumerate(group):
        if number:
            name, ipa = spelled[-1]
            spelled[-1] = name, ipa + " "
        for phoneme in word:
            name, stress = (phoneme[:-1], phoneme[-1]) if phoneme[-1] in _STRESS else (phoneme, "")
            if stress:
                letters = _UNSTRESSED.get(name, _VOWELS[name]) if stress == "0" else _VOWELS[name]
                spelled.append((name, _STRESS[stress] + letters))
            else:
                spelled.append((name, _CONSONANTS[name]))
    return spelled


def chains(count: int, seed: int) -> tuple[Text, ...]:
    """Return ``count`` texts of made-up words, each the best of many for pairs of phonemes not yet met."""
    generator = np.random.default_rng(seed)
    met: Counter[tuple[str, str]] = Counter()
    return tuple(
        tuple(_chain(size, met, generator) for size in generator.permutation(_WORDS_A_GROUP)) for _ in range(count)
    )


def _chain(size: int, met: Counter[tuple[str, str]], generator: np.random.Generator) -> Group:
    words: list[Word] = []
    left = "pause"
    for place in range(size):
        candidates = [_word(generator) for _ in range(_CANDIDATES)]
        ends = ("pause",) if place == size - 1 else ()
        scores = [_news((left, *_bare(word), *ends), met) for word in candidates]
        word = candidates[int(np.argmax(scores))]
        met.update(pairwise((left, *_bare(word), *ends)))
        words.append(word)
        left = _bare(word)[-1]
    return tuple(words)


def _bare(word: Word) -> Word:
    return tuple(phoneme.rstrip("012") for phoneme in word)


def _news(phonemes: Word, met: Counter[tuple[str, str]]) -> float:
    """Return how much a stretch would add: pairs that were met often count little, long words are no better."""
    pairs = list(pairwise(phonemes))
    return sum(1.0 / (1.0 + met[pair]) ** 2 for pair in pairs) / len(pairs)


def _word(generator: np.random.Generator) -> Word:
    """Make up a word of one stressed syllable, one in five with a weak one before or after it."""
    onset = () if generator.random() < 0.12 else _ONSETS[int(generator.integers(len(_ONSETS)))].split()
    strong = [name for name in _VOWELS if name != "ax" and (" ".join(onset) not in _GLIDE_ONSETS or name == "uw")]
    vowel = strong[int(generator.integers(len(strong)))]
    is_open = generator.random() < 0.25 and vowel not in _LAX
    coda = () if is_open else _CODAS[int(generator.integers(len(_CODAS)))].split()
    if vowel == "er" and coda[:1] == ["r"]:
        coda = coda[1:]
    word = (*onset, f"{vowel}1", *coda)
    chance = generator.random()
    if chance < 0.1:
        return ("ax0", *word)
    return (*word, "ax0") if chance < 0.2 and coda else word
