"""Phoneme tables: symbols and ids of one stage (diffsinger-voicebank-format, section 1.4)."""

from __future__ import annotations

from pathlib import Path

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.voicebanks.files import read_bytes, read_ids

SILENCE = "SP"
BREATH = "AP"
_RESERVED = frozenset({"", "<PAD>", "<EOS>", "<UNK>"})

_VOWELS = """
a i u e o N
aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw
ai ei ou ia ua uo ie ve iu ui uai iao an en in un vn ang eng ing ong iang uang iong ian uan van ir i0 v E
eo oe ya yo wa ye wi
"""
BUILT_IN_VOWELS = frozenset(_VOWELS.split())
"""What counts as a vowel where no dictionary of the voicebank types a symbol."""


def read_phonemes(path: Path) -> dict[str, int]:
    """Return symbol → id: a JSON object says the ids, in a text list the id is the line's number from 0.

    Lines of a text list are neither stripped nor skipped, and the last of equal ones counts: anything else shifts ids.
    Raises InvalidVoicebank when the file is missing or holds no symbol.
    """
    data = read_bytes(path)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        table = read_ids(path)
    else:
        lines = data.decode("utf-8-sig", errors="replace").split("\n")
        table = {line.rstrip("\r"): number for number, line in enumerate(lines)}
    table = {symbol: number for symbol, number in table.items() if symbol not in _RESERVED}
    if not table:
        raise InvalidVoicebank(f"{path} holds no phonemes", path=str(path))
    return table


def language_of(symbol: str) -> str:
    """Return the language a symbol is prefixed with (`ja/a` → `ja`), "" for bare and global symbols."""
    language, slash, _ = symbol.partition("/")
    return language if slash else ""
