"""Latin as it is sung in church: Italian sounds for Latin spelling."""

from __future__ import annotations

import re
import unicodedata

_RESPELLED = (
    ("ph", "f"),
    ("mihi", "michi"),
    ("nihil", "nichil"),
    ("ch(?![ei])", "c"),
    ("th", "t"),
    ("(?<![scg])h", ""),
    ("[æœ]|ae|oe", "e"),
    ("y", "i"),
    ("(?<=[aeiou])j(?=[aeiou])|^j(?=[aeou])", "i"),
    ("(?<![stx])ti(?=[aeou])", "zi"),
    ("^ex(?=[aeiou])", "egs"),
    ("xc(?=[ei])", "csc"),
    ("x", "cs"),
)


def as_italian(word: str) -> str:
    """Return a Latin word as Italians would spell it: caelum → celum, gratia → grazia, excelsis → ecscelsis."""
    letters = unicodedata.normalize("NFD", word.lower())
    spelt = "".join(letter for letter in letters if not unicodedata.combining(letter))
    for written, spoken in _RESPELLED:
        spelt = re.sub(written, spoken, spelt)
    return spelt
