"""Compressed MusicXML (.mxl) and MuseScore's .mscz: a zip whose META-INF/container.xml names the score."""

from __future__ import annotations

import io
import zipfile
import zlib
from xml.etree import ElementTree

from singsynth_mcp.errors import InvalidScore, UnsupportedFormat
from singsynth_mcp.score.limits import EXPORT_HINT, MAX_BYTES
from singsynth_mcp.score.musicxml.document import parse_xml

MAX_ENTRIES = 1000
MAX_RATIO = 300
"""Unpacked to packed size; real scores stay under 60."""
_CONTAINER = "META-INF/container.xml"
_MAX_CONTAINER_BYTES = 64 * 2**10
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


def unpack(data: bytes, name: str) -> bytes:
    """Return the MusicXML document inside an .mxl file, or MuseScore's inside an .mscz file.

    Raises InvalidScore (broken, encrypted, too large, no container) or UnsupportedFormat (another kind of archive).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_root(archive, name)
    except _BROKEN as error:
        message = f"{name} is not a whole zip archive ({error})"
        raise InvalidScore(message, hint="Download or export the .mxl file again", file=name) from error


def _read_root(archive: zipfile.ZipFile, name: str) -> bytes:
    entries = {info.filename: info for info in archive.infolist()}
    if len(entries) > MAX_ENTRIES:
        message = f"{name} holds {len(entries)} files; a score's archive may hold {MAX_ENTRIES}"
        raise InvalidScore(message, hint=EXPORT_HINT, file=name)
    musescore = [path for path in entries if path.endswith(".mscx") and "/" not in path]
    if _CONTAINER not in entries:
        if len(musescore) == 1:
            return _read(archive, entries[musescore[0]], MAX_BYTES, name)
        raise _no_container(entries, name)
    container = parse_xml(_read(archive, entries[_CONTAINER], _MAX_CONTAINER_BYTES, name), f"{name}: {_CONTAINER}")
    path = _root_path(container)
    if path is None or path not in entries:
        what = f'names "{path}", which is not in the archive' if path else "names no score"
        message = f"{name}: {_CONTAINER} {what}"
        raise InvalidScore(message, hint="Export the .mxl file again", file=name)
    document = _read(archive, entries[path], MAX_BYTES, name)
    if document.startswith(b"PK"):
        raise InvalidScore(f"{name}: {path} is an archive inside the archive", hint=EXPORT_HINT, file=name)
    return document


def _no_container(entries: dict[str, zipfile.ZipInfo], name: str) -> InvalidScore:
    if not entries:
        return InvalidScore(f"{name} is an empty archive", hint=EXPORT_HINT, file=name)
    listing = ", ".join(sorted(entries)[:5])
    message = f"{name} is a zip archive without {_CONTAINER} (it holds {listing})"
    return UnsupportedFormat(message, hint="Read the .musicxml file inside it, or export as .mxl", file=name)


def _root_path(container: ElementTree.Element) -> str | None:
    """Return the full-path of the first MusicXML root file (the specification: the first root file is the score)."""
    for element in container.iter():
        if element.tag.rpartition("}")[2] == "rootfile":
            return element.get("full-path")
    return None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, name: str) -> bytes:
    """Unpack one entry, trusting no size that the archive states."""
    if entry.flag_bits & 1:
        raise InvalidScore(f"{name} is encrypted", hint="Save it without a password", file=name)
    with archive.open(entry) as stream:
        content = stream.read(limit + 1)
    packed = max(entry.compress_size, 1)
    if len(content) > limit or (len(content) > 2**20 and len(content) / packed > MAX_RATIO):
        message = f"{name}: {entry.filename} unpacks to more than a score may have ({packed} bytes packed)"
        raise InvalidScore(
            message, hint=f"A score may have {limit / 2**20:g} MB and unpack by {MAX_RATIO}:1", file=name
        )
    return content
