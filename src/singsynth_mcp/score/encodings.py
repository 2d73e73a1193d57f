"""Bytes → text: byte-order marks, UTF-8, UTF-16 without a mark, and the encodings that old files come in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMON_HAN = frozenset(
    "的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学"
    "对可里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面"
    "公同三已老从动两长愛爱月花風风春夜夢梦雨雪山水星光影"
)
_HIGH_RUNS = re.compile(rb"[\x80-\xff]{3,}")
_SAMPLE = 64 * 2**10


def decode(data: bytes) -> str:
    """Return the text of bytes in whatever encoding fits them best; never fails."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").removeprefix("\ufeff")
    wide = _wide(data)
    if wide:
        return data.decode(wide, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(likely_encoding(data), "replace")


def likely_encoding(data: bytes) -> str:
    """Return the encoding of text that is not UTF-8: the one whose script the text turns out to be written in."""
    sample = data[:_SAMPLE]
    high = sum(byte > 0x7F for byte in sample)
    letters = sum(65 <= byte & 0xDF <= 90 for byte in sample)
    if high * 3 <= high + letters and not _HIGH_RUNS.search(sample):
        return "cp1252"  # accents here and there among Latin letters
    best, best_share = "cp1252", 0.3
    for encoding, is_native in _CANDIDATES:
        # A sample may end inside a character.
        text = sample.decode(encoding, "replace")
        others = [character for character in text if ord(character) > 0x7F]
        if not others or text.count("\ufffd") > 1:
            continue
        share = sum(map(is_native, others)) / len(others)
        if share > best_share:
            best, best_share = encoding, share
    return best


def _wide(data: bytes) -> str | None:
    """Return UTF-16's byte order where ASCII letters show it by their zero bytes."""
    start = data[:512]
    if len(start) < 4:
        return None
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > len(start) // 4 and not even:
        return "utf-16-le"
    if even > len(start) // 4 and not odd:
        return "utf-16-be"
    return None


def _is_kana(character: str) -> bool:
    return "\u3041" <= character <= "\u30ff" or character in "、。"


def _is_cyrillic(character: str) -> bool:
    return "а" <= character <= "я" or character in "ёії"


def _is_hangul(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3"


def _is_han(character: str) -> bool:
    return character in _COMMON_HAN


_CANDIDATES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("cp932", _is_kana),
    ("euc_jp", _is_kana),
    ("euc_kr", _is_hangul),
    ("cp1251", _is_cyrillic),
    ("koi8_r", _is_cyrillic),
    ("gb18030", _is_han),
    ("big5", _is_han),
)
