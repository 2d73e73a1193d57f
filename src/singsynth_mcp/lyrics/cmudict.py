"""The CMU Pronouncing Dictionary, as scripts/make_cmudict.py packs it.

One line a word, sorted by bytes: the word, then each of its pronunciations, most usual first, one character a phoneme.
It is unpacked at the first word and searched where it lies.
"""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data" / "cmudict.xz"

_VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
_CONSONANTS = [
    "B",
    "CH",
    "D",
    "DH",
    "F",
    "G",
    "HH",
    "JH",
    "K",
    "L",
    "M",
    "N",
    "NG",
    "P",
    "R",
    "S",
    "SH",
    "T",
    "TH",
    "V",
    "W",
    "Y",
    "Z",
    "ZH",
]
PHONEMES = (*(f"{vowel}{stress}" for vowel in _VOWELS for stress in "012"), *_CONSONANTS)
"""ARPAbet, vowels with their stress: 1 primary, 2 secondary, 0 none."""
_FIRST_CODE = 0x30

Pronunciation = tuple[str, ...]


def pronunciations(word: str) -> tuple[Pronunciation, ...]:
    """Return every pronunciation of a word in lower case, the most usual first; empty where it is not listed."""
    data = _data()
    key = word.encode() + b" "
    low, high = 0, len(data)
    while low < high:
        middle = data.rfind(b"\n", low, (low + high) // 2) + 1 or low
        end = data.index(b"\n", middle)
        if data[middle:end].startswith(key):
            return tuple(_decoded(code) for code in data[middle + len(key) : end].decode().split())
        if data[middle:end] < key:
            low = end + 1
        else:
            high = middle
    return ()


def is_vowel(phoneme: str) -> bool:
    """Tell whether an ARPAbet phoneme is a vowel: those alone carry a stress."""
    return phoneme[-1].isdigit()


def encode(pronunciation: Sequence[str]) -> str:
    """Return a pronunciation as it is packed."""
    return "".join(chr(_FIRST_CODE + PHONEMES.index(phoneme)) for phoneme in pronunciation)


def _decoded(code: str) -> Pronunciation:
    return tuple(PHONEMES[ord(character) - _FIRST_CODE] for character in code)


@cache
def _data() -> bytes:
    return lzma.decompress(DATA.read_bytes())
