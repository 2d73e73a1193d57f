"""Japanese: morae to phonemes, phonemes to the teacher's spelling, and the corpus text.

The corpus text is ours: chains of morae that cover every mora after every vowel, after N and
after a pause, and sentences with common words (japanese-sentences.txt). A text is a list of
groups with pauses between them; a group is a list of morae, ``ー`` lengthening the vowel before.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

_HERE = Path(__file__).parent
LONG = "ー"
VOWELS = frozenset("aiueo")
UNVOICED = frozenset(["k", "ky", "s", "sh", "t", "ty", "ts", "ch", "h", "hy", "f", "p", "py", "cl"])
_HIGH = frozenset("iu")

_FOREIGN_CONSONANTS = frozenset({"ty", "dy", "v"})

Group = tuple[str, ...]
Text = tuple[Group, ...]


@cache
def mora_table() -> dict[str, tuple[str, ...]]:
    """Return hiragana morae and their phonemes, without the ``ja/`` prefix."""
    lines = (_HERE / "japanese-morae.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {mora: tuple(phonemes.split()) for mora, _, phonemes in rows}


def group_phonemes(group: Group) -> tuple[str, ...]:
    """Return the phonemes of a group; a long vowel is one phoneme."""
    return tuple(p for mora in group if mora != LONG for p in mora_table()[mora])


def spell(group: Group) -> list[tuple[str, str]]:
    """Return (phoneme, IPA characters) of a group as the teacher was trained to read them."""
    spelled: list[tuple[str, str]] = []
    phonemes = [p for mora in group for p in (mora_table()[mora] if mora != LONG else (LONG,))]
    for i, phoneme in enumerate(phonemes):
        following = next((p for p in phonemes[i + 1 :] if p != LONG), "")
        if phoneme == LONG:
            spelled[-1] = (spelled[-1][0], spelled[-1][1] + "ː")
        elif phoneme == "u":
            before = phonemes[i - 1] if i else ""
            spelled.append((phoneme, "ɨ" if before in _CENTRALISING else "ɯ"))
        elif phoneme == "N":
            spelled.append((phoneme, _NASALS.get(following, "ɴ")))
        elif following == "i" and phoneme in _BEFORE_I:
            spelled.append((phoneme, _BEFORE_I[phoneme]))
        elif following == "u" and phoneme == "z":
            spelled.append((phoneme, "z"))
        else:
            spelled.append((phoneme, _IPA[phoneme]))
    return spelled


_IPA = {
    **{vowel: vowel for vowel in "aieo"},
    "cl": "ʔ",
    "k": "k",
    "ky": "kʲ",
    "g": "ɡ",
    "gy": "ɡʲ",
    "s": "s",
    "sh": "ɕ",
    "z": "ʣ",
    "j": "ʥ",
    "t": "t",
    "ty": "tʲ",
    "ts": "ʦ",
    "ch": "ʨ",
    "d": "d",
    "dy": "dʲ",
    "n": "n",
    "ny": "ɲ",
    "h": "h",
    "hy": "ç",
    "f": "ɸ",
    "b": "b",
    "by": "bʲ",
    "p": "p",
    "py": "pʲ",
    "m": "m",
    "my": "mʲ",
    "y": "j",
    "r": "ɾ",
    "ry": "ɾʲ",
    "w": "β",
    "v": "v",
}
_BEFORE_I = {
    "k": "kʲ",
    "g": "ɡʲ",
    "t": "tʲ",
    "d": "dʲ",
    "n": "ɲ",
    "f": "ɸʲ",
    "b": "bʲ",
    "p": "pʲ",
    "m": "mʲ",
    "r": "ɾʲ",
    "v": "vʲ",
    "ts": "ʦʲ",
    "z": "z",
}
_CENTRALISING = frozenset(["s", "z", "ts", "sh", "j", "ch", "ky", "gy", "ty", "dy", "ny", "hy", "by", "py", "my", "ry"])
_NASALS = {
    **dict.fromkeys(["p", "py", "b", "by", "m", "my"], "m"),
    **dict.fromkeys(["k", "ky", "g", "gy"], "ŋ"),
    **dict.fromkeys(["ch", "j", "ny"], "ɲ"),
    **dict.fromkeys(["n", "t", "d", "r", "z", "ts", "ty", "dy", "ry"], "n"),
}


@cache
def sentences() -> tuple[Text, ...]:
    """Return our own sentences, split into groups of morae."""
    lines = (_HERE / "japanese-sentences.txt").read_text(encoding="utf-8").splitlines()
    texts = [line for line in lines if line and not line.startswith("#")]
    return tuple(tuple(split_morae(group) for group in text.split("、")) for text in texts)


def split_morae(kana: str) -> Group:
    """Split hiragana into morae, longest first.

    Raises:
        ValueError: a character begins no mora of the table.
    """
    morae: list[str] = []
    table = mora_table()
    i = 0
    while i < len(kana):
        size = next((n for n in (2, 1) if kana[i : i + n] in table or kana[i] == LONG), 0)
        if not size:
            raise ValueError(f"no mora begins at {kana[i:]!r}")
        size = 1 if kana[i] == LONG else size
        morae.append(kana[i : i + size])
        i += size
    return tuple(morae)


def chains(count: int, seed: int) -> tuple[Text, ...]:
    """Return ``count`` texts of mora chains, each the best of many for contexts not yet met."""
    generator = np.random.default_rng(seed)
    met: Counter[tuple[str, str]] = Counter()
    texts = []
    for _ in range(count):
        text: list[Group] = []
        for size in generator.permutation([4, 5, 7]):
            text.append(_chain(int(size), met, generator))
        texts.append(tuple(text))
    return tuple(texts)


def _chain(size: int, met: Counter[tuple[str, str]], generator: np.random.Generator) -> Group:
    group: list[str] = []
    left = "pause"
    for place in range(size):
        mora = _least_met(left, met, generator)
        met.update([(left, mora), ("", mora)])
        phonemes = mora_table()[mora]
        if group and _would_devoice(group[-1], phonemes[0]):
            group.append(LONG)
        group.append(mora)
        left = phonemes[-1]
        last = place == size - 1
        if not last and generator.random() < 0.15:
            group.append(LONG)
        elif not last and generator.random() < 0.10:
            group.append("ん")
            left = "N"
        elif not last and generator.random() < 0.05:
            group.append("っ")
            left = "cl"
    if _would_devoice(group[-1], "pause"):
        group.append(LONG)
    return tuple(group)


def _would_devoice(mora: str, following: str) -> bool:
    """Whether a speaker would whisper the vowel of ``mora``: a high vowel among unvoiced sounds."""
    phonemes = mora_table().get(mora, ())
    if len(phonemes) < 2 or phonemes[-1] not in _HIGH or phonemes[0] not in UNVOICED:
        return False
    return following in UNVOICED or following == "pause"


@cache
def _corpus_morae() -> tuple[tuple[str, int], ...]:
    """Return each mora worth singing, and how many times a context of it is wanted."""
    wanted: dict[tuple[str, ...], tuple[str, int]] = {}
    for mora, phonemes in mora_table().items():
        if mora in "んっ" or phonemes in wanted:
            continue
        foreign = len(phonemes) > 2 or _is_foreign(phonemes)
        wanted[phonemes] = (mora, 1 if foreign else 3)
    return tuple(wanted.values())


def _is_foreign(phonemes: tuple[str, ...]) -> bool:
    if len(phonemes) < 2:
        return False
    consonant, vowel = phonemes
    palatal_e = consonant.endswith("y") and consonant != "y" and vowel == "e"
    return (
        consonant in _FOREIGN_CONSONANTS
        or palatal_e
        or (consonant == "f" and vowel != "u")
        or (consonant in {"t", "d"} and vowel in _HIGH)
        or (consonant == "ts" and vowel != "u")
        or (consonant in {"s", "z", "w"} and vowel == "i")
        or (consonant in {"sh", "j", "ch", "w", "y"} and vowel == "e")
    )


def _least_met(left: str, met: Counter[tuple[str, str]], generator: np.random.Generator) -> str:
    """Choose the mora whose context ``left`` was met least for how much it is wanted."""
    candidates = [
        (met[left, mora] + met["", mora] / 7.0) / wanted
        for mora, wanted in _corpus_morae()
        if left != "cl" or _geminable(mora)
    ]
    morae = [mora for mora, _ in _corpus_morae() if left != "cl" or _geminable(mora)]
    scores = np.array(candidates) + generator.random(len(candidates)) * 1e-3
    return morae[int(np.argmin(scores))]


def _geminable(mora: str) -> bool:
    return mora_table()[mora][0] in UNVOICED
