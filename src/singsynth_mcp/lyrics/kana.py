"""Kana and romaji: how a mora is written, and how a text of them falls into morae.

A mora is named by its hiragana; ー after it holds its vowel. Nothing here knows kanji or words.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

LONG = "ー"
SMALL_TSU = "っ"
NASAL = "ん"

_TABLE = """
あ a  い i,yi  う u,wu  え e  お o
か ka,ca  き ki  く ku,cu,qu  け ke  こ ko,co
が ga  ぎ gi  ぐ gu  げ ge  ご go
さ sa  し shi,si  す su  せ se  そ so
ざ za  じ ji,zi  ず zu  ぜ ze  ぞ zo
た ta  ち chi,ti  つ tsu,tu  て te  と to
だ da  ぢ ji,di  づ zu,du,dzu  で de  ど do
な na  に ni  ぬ nu  ね ne  の no
は ha  ひ hi  ふ fu,hu  へ he  ほ ho
ば ba  び bi  ぶ bu  べ be  ぼ bo
ぱ pa  ぴ pi  ぷ pu  ぺ pe  ぽ po
ま ma  み mi  む mu  め me  も mo
や ya  ゆ yu  よ yo
ら ra,la  り ri,li  る ru,lu  れ re,le  ろ ro,lo
わ wa  ゐ i,wi  ゑ e,we  を o,wo
ん n,nn  っ cl,q,xtu,xtsu
きゃ kya  きゅ kyu  きぇ kye  きょ kyo
ぎゃ gya  ぎゅ gyu  ぎぇ gye  ぎょ gyo
しゃ sha,sya  しゅ shu,syu  しぇ she,sye  しょ sho,syo
じゃ ja,jya,zya  じゅ ju,jyu,zyu  じぇ je,jye,zye  じょ jo,jyo,zyo
ちゃ cha,cya,tya  ちゅ chu,cyu,tyu  ちぇ che,cye,tye  ちょ cho,cyo,tyo
ぢゃ ja,dya  ぢゅ ju,dyu  ぢぇ je  ぢょ jo,dyo
にゃ nya  にゅ nyu  にぇ nye  にょ nyo
ひゃ hya  ひゅ hyu  ひぇ hye  ひょ hyo
びゃ bya  びゅ byu  びぇ bye  びょ byo
ぴゃ pya  ぴゅ pyu  ぴぇ pye  ぴょ pyo
みゃ mya  みゅ myu  みぇ mye  みょ myo
りゃ rya  りゅ ryu  りぇ rye  りょ ryo
ふぁ fa  ふぃ fi  ふぇ fe  ふぉ fo  ふゅ fyu
てぃ thi,ti  てゃ tya,tha  てゅ tyu,thu  てょ tyo,tho
でぃ dhi,di  でゃ dya,dha  でゅ dyu,dhu  でょ dyo,dho
とぅ twu,tu  どぅ dwu,du
つぁ tsa  つぃ tsi  つぇ tse  つぉ tso
すぃ swi,si  ずぃ zwi,zi
いぇ ye  うぃ wi  うぇ we  うぉ wo
くぁ kwa  くぃ kwi  くぇ kwe  くぉ kwo
ぐぁ gwa  ぐぃ gwi  ぐぇ gwe  ぐぉ gwo
ゔ vu  ゔぁ va  ゔぃ vi  ゔぇ ve  ゔぉ vo  ゔゅ vyu
ぁ a,xa  ぃ i,xi  ぅ u,xu  ぇ e,xe  ぉ o,xo
ゃ ya,xya  ゅ yu,xyu  ょ yo,xyo  ゎ wa,xwa
"""

_SMALL_VOWELS = {"ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o"}
_MACRONS = {letter: f"{vowel}-" for letter, vowel in zip("āīūēōâîûêô", "aiueoaiueo", strict=True)}
_LONG_MARKS = dict.fromkeys(map(ord, "ｰ〜～~―─"), LONG)
_KATAKANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
_IGNORED = re.compile(r"[\s、。，．,.!?！？「」『』（）()・…♪♫☆★\"“”’`;:；：]+")
_KANA = re.compile(r"[ぁ-ゖァ-ヺー]")
_KANJI = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff々〆]")
_JAPANESE = re.compile(r"[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff々〆]")


@cache
def spellings() -> dict[str, tuple[str, ...]]:
    """Return every mora with its spellings in Latin letters, the Hepburn one first."""
    pairs = (pair.split(" ") for line in _TABLE.strip().splitlines() for pair in line.split("  "))
    return {mora: tuple(romaji.split(",")) for mora, romaji in pairs}


@cache
def _readings() -> dict[str, str]:
    """Romaji → mora; the first mora that lists a spelling first, else the first that lists it at all, has it."""
    readings: dict[str, str] = {}
    for place in range(4):
        for mora, written in spellings().items():
            if place < len(written):
                readings.setdefault(written[place], mora)
    return readings


def romaji(mora: str) -> tuple[str, ...]:
    """Return the spellings of a mora in Latin letters, the Hepburn one first; empty for no mora."""
    return spellings().get(mora, ())


def is_japanese(text: str) -> bool:
    """Tell whether a text holds kana or kanji."""
    return bool(_JAPANESE.search(unicodedata.normalize("NFKC", text)))


def has_kana(text: str) -> bool:
    """Tell whether a text holds kana: with Han characters between them it is Japanese."""
    return bool(_KANA.search(unicodedata.normalize("NFKC", text)))


def has_kanji(text: str) -> bool:
    """Tell whether a text holds kanji (or Chinese characters, which are the same)."""
    return bool(_KANJI.search(text))


def is_for_open_jtalk(text: str) -> bool:
    """Tell whether a text that is no kana may be read by Open JTalk: kanji, and numbers in digits."""
    return is_japanese(text) or any(map(str.isdigit, text))


def clean(text: str) -> str:
    """Return a text in its compatibility form, without spaces and punctuation."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text))


def split_kana(text: str) -> tuple[str, ...] | None:
    """Return the morae of hiragana or katakana (full or half width); None when anything else is in the text.

    A small vowel that only prolongs (かぁ) is a long mark; ゝ and ゞ repeat the mora before.
    """
    marked = text.replace("゛", "\u3099").replace("゜", "\u309a")
    # The compatibility form turns half-width katakana into full width and composes the voicing marks.
    kana = clean(marked).translate(_KATAKANA).translate(_LONG_MARKS)
    morae: list[str] = []
    i = 0
    while i < len(kana):
        size = next((n for n in (2, 1) if kana[i : i + n] in spellings()), 0)
        mora = kana[i : i + size]
        if kana[i] in "ゝゞ" and morae:
            size, mora = 1, _repeat(morae[-1], voiced=kana[i] == "ゞ")
        elif kana[i] == LONG or (morae and _prolongs(mora, morae)):
            size, mora = 1, LONG
        if not size:
            return None
        morae.append(mora)
        i += size
    return tuple(morae)


def split_romaji(text: str) -> tuple[str, ...] | None:
    """Return the morae of a text in Latin letters (Hepburn or Kunrei); None when it is not Japanese in them."""
    letters = "".join(_MACRONS.get(letter, letter) for letter in unicodedata.normalize("NFC", text).lower())
    letters = letters.replace("’", "'").translate(_LONG_MARKS).replace(LONG, "-").strip(' .,!?";:')
    morae: list[str] = []
    i = 0
    while i < len(letters):
        size, mora = _next_mora(letters, i, bool(morae))
        if not size:
            return None
        if mora:
            morae.append(mora)
        i += size
    return tuple(morae)


def _next_mora(letters: str, i: int, inside: bool) -> tuple[int, str]:
    following = letters[i + 1 : i + 2]
    if letters[i] in "' ":
        return 1, ""
    if letters[i] == "-" and inside:
        return 1, LONG
    for size in (4, 3, 2, 1):
        piece = letters[i : i + size]
        is_whole = piece[-1] in "aiueo" or piece == letters[i:]
        if len(piece) == size and is_whole and piece in _readings():
            return size, _readings()[piece]
    if letters[i] == "n" and (not following or following not in "aiueoy"):
        # "nn" before a consonant or the end is one ん in some spellings, "nn" before a vowel is ん and an n.
        doubled = following == "n" and letters[i + 2 : i + 3] not in tuple("aiueoy")
        return (2 if doubled else 1), NASAL
    if letters[i] == "m" and following in ("b", "p", "m"):
        return 1, NASAL
    if following and (letters[i] == following or letters[i : i + 3] == "tch") and letters[i] in "kstpcgzjdbfr":
        return 1, SMALL_TSU
    return 0, ""


def _prolongs(mora: str, morae: list[str]) -> bool:
    before = next((known for known in reversed(morae) if known != LONG), "")
    vowel = _SMALL_VOWELS.get(mora)
    return vowel is not None and vowel == (romaji(before) or ("",))[0][-1:]


def _repeat(mora: str, *, voiced: bool) -> str:
    if not voiced:
        return mora
    marked = unicodedata.normalize("NFC", mora[0] + "\u3099")
    return marked + mora[1:] if len(marked) == 1 else mora
