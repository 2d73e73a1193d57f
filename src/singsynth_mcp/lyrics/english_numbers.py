"""English numbers written in digits → words: 3, 21st, 1,000, 1999, 2.5."""

from __future__ import annotations

import re

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_NUMBER = re.compile(r"(?P<whole>\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.(?P<decimals>\d+))?(?P<ending>st|nd|rd|th|s|'s)?")


def number_words(text: str) -> list[str] | None:
    """Return the words of a number in lower case; None when the text is no number.

    Four digits from 1100 on are read as a year: nineteen eighty-four.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    written, ending = match["whole"], match["ending"] or ""
    number = int(written.replace(",", ""))
    words = _year(number) if len(written) == 4 and 1100 <= number < 2000 else _cardinal(number)
    if match["decimals"]:
        words = [*words, "point", *(_UNITS[int(digit)] for digit in match["decimals"])]
    if ending in ("st", "nd", "rd", "th"):
        words[-1] = _ordinal(words[-1])
    elif ending:
        words[-1] = words[-1][:-1] + "ies" if words[-1].endswith("y") else words[-1] + "s"
    return words


def _cardinal(number: int) -> list[str]:
    for size, name in _SCALES:
        if number >= size:
            rest = number % size
            return [*_cardinal(number // size), name, *(_cardinal(rest) if rest else [])]
    if number < 20:
        return [_UNITS[number]]
    return [_TENS[number // 10], *([_UNITS[number % 10]] if number % 10 else [])]


def _year(number: int) -> list[str]:
    century, year = divmod(number, 100)
    if year == 0:
        return [*_cardinal(century), "hundred"]
    return [*_cardinal(century), *(["oh"] if year < 10 else []), *_cardinal(year)]


def _ordinal(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"
