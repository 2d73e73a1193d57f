"""Words → syllables by rule, where lyrics are typed without hyphens.

Hyphenation patterns for print never leave a letter alone at a line's end ("open", "idea"), and singers need every
syllable; so vowels are counted here and the consonants between them parted by the onsets a language has. What rules get
wrong the caller types with hyphens.
"""

from __future__ import annotations

import re
from itertools import pairwise

_VOWELS = "aeiouyàáâãäåæèéêëìíîïòóôõöøœùúûüýÿāēīōūąęěůаеёиоуыэюяієї"
_DIPHTHONGS = {
    "en": "ai au aw ay ea ee ei eu ew ey ie oa oe oi oo ou ow oy ue ui uy iou eau you eye aye ya ye yo yu uo",
    "de": "ai au ay äu ei eu ey ie aa ee oo ui",
    "nl": "aa ee oo uu ie oe eu ui ij ei au ou aai ooi oei eeu ieu",
    "fr": "ai au eau ei eu oi ou œu ie io ia ui aî oî oû oe ue ay oy uy aie oie oue",
    "es": "ai au ei eu oi ou ia ie io iu ua ue ui uo ay ey oy uy iá ié ió uá ué uó ái éi ói áu éu üe üi",
    "it": "ai au ei eu oi ia ie io iu ua ue ui uo ià iè iò uà uè uò",
    "pt": "ai au ei eu oi ou ui ãe ão õe iu ua ue uo ay",
    "la": "ae au oe eu æ œ",
    "ja": "",
}
_OTHERS = "ai au ei eu oi ou ie"
_ONSETS = frozenset({
    "b",
    "bl",
    "br",
    "c",
    "ch",
    "chl",
    "chr",
    "cl",
    "cr",
    "d",
    "dr",
    "dw",
    "f",
    "fl",
    "fr",
    "g",
    "gh",
    "gl",
    "gn",
    "gr",
    "h",
    "j",
    "k",
    "kl",
    "kn",
    "kr",
    "kw",
    "l",
    "ll",
    "m",
    "n",
    "ñ",
    "nh",
    "lh",
    "p",
    "pf",
    "pfl",
    "ph",
    "phr",
    "pl",
    "pr",
    "ps",
    "qu",
    "r",
    "rh",
    "s",
    "sc",
    "sch",
    "schl",
    "schm",
    "schn",
    "schr",
    "schw",
    "scr",
    "sh",
    "shr",
    "sk",
    "sl",
    "sm",
    "sn",
    "sp",
    "sph",
    "spl",
    "spr",
    "squ",
    "st",
    "str",
    "sw",
    "t",
    "th",
    "thr",
    "tr",
    "ts",
    "tw",
    "v",
    "vr",
    "w",
    "wh",
    "wr",
    "x",
    "z",
    "zw",
    "б",
    "бл",
    "бр",
    "в",
    "вл",
    "вр",
    "г",
    "гл",
    "гр",
    "д",
    "др",
    "ж",
    "з",
    "к",
    "кл",
    "кр",
    "л",
    "м",
    "н",
    "п",
    "пл",
    "пр",
    "р",
    "с",
    "ск",
    "сл",
    "см",
    "сп",
    "ст",
    "стр",
    "т",
    "тр",
    "ф",
    "х",
    "ц",
    "ч",
    "ш",
    "щ",
})  # fmt: skip
_NO_SPLIT = {"es": ("ll", "rr", "ch"), "it": ("gli", "gn", "ch", "gh", "sc"), "fr": ("gn", "ch", "ph", "th")}
_SIGNS = ".,;:!?'\"’”»"
_SUFFIX = re.compile(r"(\w*[aeiouy]\w*)((?:ly|less|ness|ful|ment)\W*)", re.IGNORECASE)
"""English endings that are syllables of their own."""
_ENDING = re.compile(r"(ing|ed)\W*$")
_HIATUS = re.compile(r"(?<=[dlnrtm])(?=i[ao](?:$|[^u]))|(?<=[aeo]i)(?=ng$)|(?<=y)(?=ing$)|(?<=[uo])(?=et$)")


def syllables_of(word: str, language: str | None) -> list[str]:
    """Return a word's syllables; joined they are the word again."""
    code = (language or "").lower().partition("-")[0]
    if code == "en" and (suffix := _SUFFIX.fullmatch(word)):
        return [*syllables_of(suffix[1], code), suffix[2]]
    letters = word.lower()
    if len(letters) != len(word):  # a letter that lower case writes as two
        return [word]
    nuclei = _nuclei(letters, code)
    if len(nuclei) < 2:
        return [word]
    cuts = [_cut(letters, end, start, code) for (_, end), (start, _) in pairwise(nuclei)]
    return [word[start:end] for start, end in zip([0, *cuts], [*cuts, len(word)], strict=True)]


def with_hyphens(text: str, language: str | None) -> str:
    """Return typed lyrics with hyphens between the syllables; words with hyphens, "_" or hints stay as typed."""

    def parted(match: re.Match[str]) -> str:
        return "-".join(syllables_of(match[0], language))

    words = re.split(r"(\s+)", text)
    return "".join(
        word if not word.strip() or re.search(r"[-_\u2010\u2011\[\]]", word) else re.sub(r"\S+", parted, word)
        for word in words
    )


def _nuclei(letters: str, code: str) -> list[tuple[int, int]]:
    """Return where each vowel, or vowels that are sung as one, begins and ends."""
    known = _DIPHTHONGS.get(code, _OTHERS).split()
    nuclei: list[tuple[int, int]] = []
    place = 0
    while place < len(letters):
        if not _is_vowel(letters, place, code):
            place += 1
            continue
        length = next((len(one) for one in sorted(known, key=len, reverse=True) if letters.startswith(one, place)), 1)
        if code == "en" and letters[place] in "iu" and _HIATUS.match(letters, place):
            length = 1
        nuclei.append((place, place + length))
        place += length
    return _without_silent(letters, nuclei, code)


def _is_vowel(letters: str, place: int, code: str) -> bool:
    letter = letters[place]
    if letter not in _VOWELS:
        return False
    following = letters[place + 1 : place + 2]
    if letter == "y" and following and following in _VOWELS and code != "fi":
        return False
    is_after_q = place > 0 and letters[place - 1] == "q"
    is_after_g = code in ("es", "fr", "pt") and place > 0 and letters[place - 1] == "g" and following in ("e", "i", "é")
    return not (letter == "u" and following and following in _VOWELS and (is_after_q or is_after_g))


def _without_silent(letters: str, nuclei: list[tuple[int, int]], code: str) -> list[tuple[int, int]]:
    """Drop the e that English does not sound at a word's end; French is sung with its own."""
    if code != "en" or len(nuclei) < 2:
        return nuclei
    body = re.sub(r"[^\w]+$", "", letters)
    start, end = nuclei[-1]
    tail = body[start:]
    before = body[:start]
    if tail == "e" and not re.search(r"[^aeiouy]l$", before):
        return nuclei[:-1]
    if tail == "ed" and not before.endswith(("t", "d")) and not re.search(r"[^aeiouy][lr]$", before):
        return nuclei[:-1]
    if tail == "es" and not before.endswith(("s", "z", "x", "c", "g", "ch", "sh")):
        return nuclei[:-1]
    return nuclei if end <= len(body) else nuclei[:-1]


def _cut(letters: str, end: int, start: int, code: str) -> int:
    """Return where the syllable between two nuclei begins: before as many consonants as can begin one."""
    consonants = letters[end:start]
    is_last = start + 1 >= len(letters.rstrip(_SIGNS))
    if code == "en" and is_last and letters[start : start + 1] == "e" and re.search(r".l$", consonants):
        return start - 2  # twin-kle, lit-tle
    for group in _NO_SPLIT.get(code, ()):
        if consonants.endswith(group):
            return start - len(group)
    doubled = len(consonants) >= 2 and consonants[-1] == consonants[-2]
    if doubled or consonants == "ck":
        return start - 1 if doubled else start
    if code == "en" and len(consonants) == 1 and consonants == "x":
        return start
    if code == "en" and len(consonants) == 2 and _ENDING.match(letters, start) and not doubled:
        return start  # want-ed, morn-ing
    if code in ("en", "de", "nl") and consonants in ("st", "sp", "sk", "ng"):
        return start - 1
    for length in range(min(len(consonants), 4), 0, -1):
        if consonants[-length:] in _ONSETS:
            return start - length
    return start - min(len(consonants), 1)
