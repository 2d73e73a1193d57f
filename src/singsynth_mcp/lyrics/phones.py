"""Speech sounds: IPA text → phones, and how far one phone is from another.

A phone is its canonical IPA spelling: a base letter (or an affricate) with the marks that matter to a singer: nasal,
syllabic, not syllabic, palatalised. Length, stress and tone are the melody's. Distances go by articulation; 0 is the
same sound, about 0.1 an accent, about 0.3 another sound that is still understood.
"""

from __future__ import annotations

import unicodedata
from functools import cache

NASAL, SYLLABIC, OFF_GLIDE, PALATAL = "\u0303", "\u0329", "\u032f", "ʲ"
_KEPT = frozenset({NASAL, SYLLABIC, OFF_GLIDE, PALATAL})
FARTHEST = 1.0
DROPPED = 0.15
"""What leaving out a glottal stop costs."""

_VOWELS = {
    # height (0 close, 1 open), backness (0 front, 1 back), rounded
    "i": (0.0, 0.0, 0),
    "y": (0.0, 0.0, 1),
    "ɨ": (0.0, 0.5, 0),
    "ʉ": (0.0, 0.5, 1),
    "ɯ": (0.0, 1.0, 0),
    "u": (0.0, 1.0, 1),
    "ɪ": (0.12, 0.1, 0),
    "ʏ": (0.12, 0.15, 1),
    "ʊ": (0.12, 0.85, 1),
    "e": (0.33, 0.0, 0),
    "ø": (0.33, 0.05, 1),
    "ɘ": (0.35, 0.5, 0),
    "ɵ": (0.35, 0.5, 1),
    "ɤ": (0.35, 1.0, 0),
    "o": (0.33, 1.0, 1),
    "ə": (0.6, 0.5, 0),
    "ɚ": (0.55, 0.5, 0),
    "ɛ": (0.67, 0.05, 0),
    "œ": (0.67, 0.1, 1),
    "ɜ": (0.65, 0.5, 0),
    "ɝ": (0.55, 0.5, 0),
    "ɞ": (0.67, 0.5, 1),
    "ʌ": (0.75, 0.65, 0),
    "ɔ": (0.67, 0.95, 1),
    "æ": (0.88, 0.1, 0),
    "ɐ": (0.85, 0.5, 0),
    "a": (1.0, 0.6, 0),
    "ɶ": (1.0, 0.1, 1),
    "ɑ": (1.0, 0.9, 0),
    "ɒ": (1.0, 0.95, 1),
}
_RHOTIC_VOWELS = frozenset("ɚɝ")

_PLACES = {
    "bilabial": ("lips", 0.0),
    "labiodental": ("lips", 0.05),
    "labiovelar": ("lips", 0.1),
    "dental": ("tip", 0.0),
    "alveolar": ("tip", 0.05),
    "postalveolar": ("tip", 0.1),
    "retroflex": ("tip", 0.12),
    "alveolopalatal": ("tip", 0.13),
    "palatal": ("palate", 0.0),
    "labiopalatal": ("palate", 0.05),
    "velar": ("back", 0.0),
    "uvular": ("back", 0.05),
    "pharyngeal": ("throat", 0.0),
    "glottal": ("throat", 0.05),
}
_ORGANS = {
    frozenset(pair.split()): distance
    for pair, distance in {
        "lips back": 0.3,
        "tip palate": 0.2,
        "palate back": 0.3,
        "palate throat": 0.15,
        "back throat": 0.1,
    }.items()
}
_OTHER_ORGAN = 0.2
_CONSONANT_ROWS = """
bilabial plosive p b
bilabial nasal - m
bilabial fricative ɸ β
bilabial trill - ʙ
labiodental nasal - ɱ
labiodental fricative f v
labiodental approximant - ʋ
labiodental affricate pf bv
labiovelar approximant ʍ w
labiopalatal approximant - ɥ
dental fricative θ ð
alveolar plosive t d
alveolar nasal - n
alveolar fricative s z
alveolar affricate ts dz
alveolar tap - ɾ,ɺ
alveolar trill - r
alveolar rhotic - ɹ
alveolar lateral ɬ l,ɫ,ɮ
postalveolar fricative ʃ ʒ
postalveolar affricate tʃ dʒ
retroflex plosive ʈ ɖ
retroflex nasal - ɳ
retroflex fricative ʂ ʐ
retroflex affricate tʂ dʐ
retroflex tap - ɽ
retroflex rhotic - ɻ
retroflex lateral - ɭ
alveolopalatal fricative ɕ ʑ
alveolopalatal affricate tɕ dʑ
palatal plosive c ɟ
palatal nasal - ɲ
palatal fricative ç ʝ
palatal approximant - j
palatal lateral - ʎ
velar plosive k ɡ
velar nasal - ŋ
velar fricative x ɣ,ɰ
velar lateral - ʟ
uvular plosive q ɢ
uvular nasal - ɴ
uvular fricative χ -
uvular trill - ʁ,ʀ
pharyngeal fricative ħ ʕ
glottal plosive ʔ -
glottal fricative h ɦ
"""
_MANNERS = {
    frozenset(pair.split()): distance
    for pair, distance in {
        "plosive affricate": 0.2,
        "affricate fricative": 0.15,
        "plosive fricative": 0.3,
        "fricative approximant": 0.35,
        "fricative rhotic": 0.25,
        "approximant rhotic": 0.2,
        "approximant lateral": 0.2,
        "approximant tap": 0.25,
        "tap trill": 0.08,
        "tap rhotic": 0.1,
        "trill rhotic": 0.1,
        "tap lateral": 0.12,
        "trill lateral": 0.2,
        "rhotic lateral": 0.15,
        "plosive tap": 0.2,
        "nasal plosive": 0.4,
        "nasal lateral": 0.35,
    }.items()
}
_SIBILANTS = frozenset(["s", "z", "ts", "dz", "ʃ", "ʒ", "tʃ", "dʒ", "ʂ", "ʐ", "tʂ", "dʐ", "ɕ", "ʑ", "tɕ", "dʑ"])
_RHOTIC = frozenset({"tap", "trill", "rhotic"})
_PARTS = {"ɲ": ("n", "j"), "ʎ": ("l", "j"), "ɚ": ("ə", "ɹ"), "ɝ": ("ə", "ɹ"), "ɕ": ("s", "j"), "ʑ": ("z", "j")}
_SPELT = str.maketrans({"g": "ɡ", "ɫ": "l", "ˤ": None, "ᵻ": "ɪ", "ɩ": "ɪ", "ɷ": "ʊ", "ʦ": "ts", "ʧ": "tʃ", "ʤ": "dʒ"})


@cache
def _consonants() -> dict[str, tuple[str, str, bool]]:
    """IPA → (place, manner, voiced)."""
    table: dict[str, tuple[str, str, bool]] = {}
    for row in _CONSONANT_ROWS.strip().splitlines():
        place, manner, *pair = row.split()
        for voiced, letters in enumerate(pair):
            table |= {letter: (place, manner, bool(voiced)) for letter in letters.split(",") if letter != "-"}
    return table


@cache
def parse_sound(ipa: str) -> tuple[str, ...]:
    """Return the phones of the IPA of one sound: a consonant, a vowel, a diphthong or a whole final.

    Of several vowels the most open is the nucleus (the first of equals), the others glide to or from it. What is no
    IPA is passed over.
    """
    phones = _units(unicodedata.normalize("NFD", ipa.translate(_SPELT)).replace("c\u0327", "ç"))
    vowels = [i for i, phone in enumerate(phones) if is_nucleus(phone)]
    if len(vowels) > 1:
        nucleus = max(vowels, key=lambda i: (_VOWELS[phones[i][0]][0], -i))
        for i in vowels:
            if i != nucleus:
                phones[i] += OFF_GLIDE
    return tuple(phones)


def _units(text: str) -> list[str]:
    """Part a text into base letters (or affricates) with the marks that are kept."""
    phones: list[str] = []
    for i, character in enumerate(text):
        if character in _KEPT:
            if phones and character not in phones[-1]:
                phones[-1] += character
        elif character == "˞" and phones:
            phones[-1] = phones[-1].replace("ɜ", "ɝ").replace("ə", "ɚ")
        elif phones and phones[-1] + character in _consonants() and text[i - 1] in phones[-1] + "\u0361\u035c":
            phones[-1] += character
        elif character in _VOWELS or character in _consonants():
            phones.append(character)
    return phones


def is_vowel(phone: str) -> bool:
    """Tell whether a phone is a vowel, be it a nucleus or a glide to one."""
    return phone[0] in _VOWELS


def is_nucleus(phone: str) -> bool:
    """Tell whether a phone carries a syllable."""
    return SYLLABIC in phone or (is_vowel(phone) and OFF_GLIDE not in phone)


def parts(phone: str) -> tuple[str, ...] | None:
    """Return what a phone is sung as where a voice lacks it: an affricate's stop and fricative, ɲ as nj."""
    base = phone.strip(SYLLABIC + NASAL)
    if SYLLABIC in phone:
        return ("ə", base)
    if base.endswith(PALATAL):
        return (base[:-1], "j")
    if len(base) > 1 and base in _consonants():
        return (base[0], base[1:])
    return _PARTS.get(base)


def sonority(phone: str) -> int:
    """Return 0 for stops … 6 for vowels."""
    if is_vowel(phone):
        return 6 if is_nucleus(phone) else 5
    manner = _consonants()[_base(phone)][1]
    order = {"plosive": 0, "affricate": 0, "fricative": 1, "nasal": 2, "lateral": 3, "approximant": 5}
    return order.get(manner, 4)


@cache
def distance(left: str, right: str) -> float:
    """Return how far two phones are apart, from 0 to 1; vowels and consonants are worlds apart."""
    if left == right:
        return 0.0
    if is_nucleus(left) != is_nucleus(right) or SYLLABIC in left + right:
        # A glide can be sung as the short vowel it is made of; no other consonant carries or loses a syllable.
        loose = OFF_GLIDE in left + right and is_vowel(left) and is_vowel(right)
        return _vowel_distance(left, right) + 0.02 if loose else FARTHEST
    if is_vowel(left) and is_vowel(right):
        return _vowel_distance(left, right)
    if is_vowel(left) or is_vowel(right):
        return _glide_distance(left, right)
    marks = 0.08 * ((PALATAL in left) != (PALATAL in right)) + 0.08 * ((NASAL in left) != (NASAL in right))
    return min(_consonant_distance(_base(left), _base(right)) + marks, FARTHEST)


def _base(phone: str) -> str:
    return phone.rstrip(SYLLABIC + OFF_GLIDE + NASAL + PALATAL)


def _vowel_distance(left: str, right: str) -> float:
    (high, back, rounded), (other_high, other_back, other_rounded) = _VOWELS[left[0]], _VOWELS[right[0]]
    marks = 0.1 * ((NASAL in left) != (NASAL in right))
    marks += 0.12 * ((left[0] in _RHOTIC_VOWELS) != (right[0] in _RHOTIC_VOWELS))
    return 0.45 * abs(high - other_high) + 0.35 * abs(back - other_back) + 0.12 * abs(rounded - other_rounded) + marks


def _glide_distance(left: str, right: str) -> float:
    vowel, consonant = (left, right) if is_vowel(left) else (right, left)
    near = {"j": "i", "w": "u", "ɥ": "y", "ɰ": "ɯ", "ɹ": "ɚ", "ʋ": "u"}.get(_base(consonant))
    return 0.1 + _vowel_distance(vowel, near) if near else FARTHEST


def _consonant_distance(left: str, right: str) -> float:
    (place, manner, voiced), (other_place, other_manner, other_voiced) = _consonants()[left], _consonants()[right]
    total = 0.12 * (voiced != other_voiced)
    if manner != other_manner:
        total += _MANNERS.get(frozenset((manner, other_manner)), 0.6)
    if manner in _RHOTIC and other_manner in _RHOTIC:
        return total + 0.02
    (organ, step), (other_organ, other_step) = _PLACES[place], _PLACES[other_place]
    total += abs(step - other_step)
    if organ != other_organ:
        total += _ORGANS.get(frozenset((organ, other_organ)), _OTHER_ORGAN)
    return min(total + 0.1 * ((left in _SIBILANTS) != (right in _SIBILANTS)), FARTHEST)
