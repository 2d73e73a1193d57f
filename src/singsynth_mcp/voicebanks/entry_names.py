"""Names of files inside archives: read in the encoding they were written in, refused where they would do harm."""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from zipfile import ZipInfo

from singsynth_mcp.errors import InvalidVoicebank

Parts = tuple[str, ...]
MOST_FOLDERS = 12
"""Path parts of one file: real banks have at most six."""
_LONGEST_NAME_BYTES = 255
_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
_CP437 = "cp437"
_LIKELY = 0.35
"""Accented letters of code page 437 that happen to be Shift-JIS or GBK score at most 0.3: they come out as signs."""
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)
_SAFE_HINT = "The archive is damaged or made to do harm: get it again from the voicebank's author."


def entry_names(entries: Sequence[ZipInfo]) -> list[str]:
    """Return each entry's name: UTF-8 where the entry says so, else the one old encoding that fits the archive best.

    A zip without the UTF-8 flag carries the bytes of its maker's system: Shift-JIS or GBK as a rule.
    """
    raw = [None if entry.flag_bits & _UTF8_FLAG else entry.orig_filename.encode(_CP437) for entry in entries]
    unicode_paths = [
        None if data is None else _unicode_path(entry, data) for entry, data in zip(entries, raw, strict=True)
    ]
    unknown = [data for data, path in zip(raw, unicode_paths, strict=True) if data is not None and path is None]
    encoding = guess_encoding(unknown)
    return [
        entry.orig_filename if data is None else path if path is not None else data.decode(encoding)
        for entry, data, path in zip(entries, raw, unicode_paths, strict=True)
    ]


def guess_encoding(names: Iterable[bytes]) -> str:
    """Return the encoding in which all `names` read most like a language: UTF-8, Shift-JIS, GBK, else code page 437.

    Most bytes of GBK are half-width katakana or rare kanji in Shift-JIS, and most of Shift-JIS is outside GB 2312.
    """
    written = {part for name in names for part in re.split(rb"/", name) if not part.isascii()}
    if not written:
        return _CP437
    scores = {encoding: _likeness(written, encoding) for encoding in ("utf-8", "cp932", "gb18030")}
    best = max(scores, key=lambda encoding: scores[encoding])
    return best if scores[best] > _LIKELY else _CP437


def checked_parts(name: str, archive: str) -> Parts:
    r"""Return the folders and file name of an entry, "\" taken as a separator too.

    Raises InvalidVoicebank for what leaves the folder or cannot be a file everywhere: absolute and drive paths, "..",
    control characters, Windows' device names, too long or too deep a path.
    """
    text = name.replace("\\", "/")
    parts = tuple(part for part in text.split("/") if part not in ("", "."))
    problem = ""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        problem = "has control characters in its name"
    elif text.startswith("/") or ":" in text:
        problem = "is an absolute path or names a drive"
    elif any(not part.rstrip(". ") for part in parts):
        problem = 'leaves the archive\'s folder ("..")'
    elif any(_DEVICE.fullmatch(part.split(".")[0].rstrip()) for part in parts):
        problem = "is the name of a device on Windows"
    elif len(parts) > MOST_FOLDERS or any(len(part.encode()) > _LONGEST_NAME_BYTES for part in parts):
        problem = f"is too long or deeper than {MOST_FOLDERS} folders"
    elif not parts:
        problem = "has no name"
    if problem:
        raise InvalidVoicebank(f"{archive}: {name[:200]!r} {problem}", hint=_SAFE_HINT, entry=name[:200])
    return parts


def same_file(parts: Parts) -> Parts:
    """Return a key that is equal for names that are one file on some system (letter case, composed accents)."""
    return tuple(unicodedata.normalize("NFC", part).casefold().rstrip(". ") for part in parts)


def check_distinct(files: Iterable[Parts], archive: str) -> None:
    """Raise InvalidVoicebank for two names that are one file on some system, or a file that is a folder too."""
    seen: dict[Parts, Parts] = {}
    folders: dict[Parts, Parts] = {}
    for parts in files:
        key = same_file(parts)
        other = seen.get(key)
        if other is not None:
            _refuse_twice(archive, parts, other)
        seen[key] = parts
        for end in range(1, len(key)):
            folders.setdefault(key[:end], parts)
    for key, parts in seen.items():
        if key in folders:
            _refuse_twice(archive, parts, folders[key])


def _refuse_twice(archive: str, parts: Parts, other: Parts) -> None:
    names = f"{'/'.join(other)!r} and {'/'.join(parts)!r}"
    raise InvalidVoicebank(f"{archive} holds {names}, which cannot both be there", hint=_SAFE_HINT)


def _unicode_path(entry: ZipInfo, raw: bytes) -> str | None:
    """Return the name in an Info-ZIP Unicode Path field, unless it is of another name."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) >= 5 and field[0] == 1:
            if struct.unpack_from("<L", field, 1)[0] != zlib.crc32(raw):
                continue
            try:
                return field[5:].decode("utf-8")
            except UnicodeDecodeError:
                continue
    return None


def _likeness(names: Iterable[bytes], encoding: str) -> float:
    """Return how much the names read like a language, at most 1 for each character; below 0 where they cannot be it."""
    total, count = 0.0, 0
    for name in names:
        try:
            text = name.decode(encoding)
        except UnicodeDecodeError:
            return -1.0
        for before, character, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
            if not character.isascii():
                count += 1
                total += _commonness(character, encoding, before + after)
    if encoding == "utf-8":
        return 2.0  # nothing else looks like it by chance
    return total / max(count, 1)


def _commonness(character: str, encoding: str, beside: str) -> float:
    """Return how common a character is in names of its language; `beside` are its neighbours."""
    data = character.encode(encoding)
    if data[-1] < 0x80 and any(neighbour.isascii() and neighbour.isalpha() for neighbour in beside):
        return -0.5  # an accented letter in a word, with the letter after it
    is_kana = "\u3040" <= character <= "\u30ff"
    if encoding == "cp932":
        if len(data) == 1:  # half-width katakana
            return -0.5
        if is_kana or 0x88 <= data[0] <= 0x97:  # JIS level 1
            return 1.0
        return {0x81: 0.3, 0x82: 0.3, 0x83: 0.0}.get(data[0], 0.4 if data[0] <= 0xEA else -0.5)
    if len(data) != 2 or data[1] < 0xA1:
        return -0.5
    if 0xB0 <= data[0] <= 0xD7:  # GB 2312 level 1
        return 1.0
    if is_kana:
        return 0.8
    return 0.5 if 0xD8 <= data[0] <= 0xF7 else 0.3 if 0xA1 <= data[0] <= 0xA3 else -0.5
