"""Mandarin: Han characters → pinyin in the context of their line → sounds. Tones are the melody's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from singsynth_mcp.lyrics.sounds import Sound, Syllable, symbol_sounds

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff〇]")
_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcs")
_WHOLE = {
    "yi": "i",
    "ya": "ia",
    "ye": "ie",
    "yao": "iao",
    "you": "iu",
    "yan": "ian",
    "yin": "in",
    "yang": "iang",
    "ying": "ing",
    "yong": "iong",
    "yo": "o",
    "wu": "u",
    "wa": "ua",
    "wo": "uo",
    "wai": "uai",
    "wei": "ui",
    "wan": "uan",
    "wen": "un",
    "wang": "uang",
    "weng": "eng",
    "yu": "v",
    "yue": "ve",
    "yuan": "van",
    "yun": "vn",
}
_AFTER_PALATALS = {"u": "v", "ue": "ve", "uan": "van", "un": "vn"}
_FINALS = {"iou": "iu", "uei": "ui", "uen": "un", "ue": "ve", "er": "er", "r": "er"}


def is_han(text: str) -> bool:
    """Tell whether a text holds a Han character."""
    return bool(_HAN.search(text))


def pinyin_of(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the pinyin of each text, a syllable a character, read in the context of all of them in a row.

    What is no Han character has none.
    """
    line = "".join(character for text in texts for character in text if is_han(character))
    if not line:
        return [()] * len(texts)
    from pypinyin import Style, lazy_pinyin

    read = iter(lazy_pinyin(line, style=Style.NORMAL, v_to_u=False))
    return [tuple(next(read, "") for _ in _HAN.findall(text)) for text in texts]


def plain_pinyin(text: str) -> str | None:
    """Return pinyin without tone, ü written v; None where the text is no syllable of pinyin."""
    marked = unicodedata.normalize("NFD", text.strip().lower()).replace("u\u0308", "v")
    bare = "".join(character for character in marked if not unicodedata.combining(character)).rstrip("012345")
    return bare if pinyin_sounds(bare) else None


@cache
def pinyin_sounds(pinyin: str) -> Syllable | None:
    """Return the sounds of a syllable of plain pinyin; None where it is none."""
    initial = "" if pinyin in _WHOLE else next((name for name in _INITIALS if pinyin.startswith(name)), "")
    final = _WHOLE.get(pinyin, pinyin.removeprefix(initial))
    if initial in ("j", "q", "x"):
        final = _AFTER_PALATALS.get(final, final)
    elif final == "i" and initial in ("z", "c", "s"):
        final = "i0"
    elif final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "ir"
    final = _FINALS.get(final, final)
    table = symbol_sounds("zh")
    if final not in table or final in _INITIALS or final in ("y", "w"):
        return None
    names = ((initial,) if initial else ()) + (final,)
    return tuple(Sound(table[name][0], (name,)) for name in names)
