"""The front door: bytes of some file → Score. Says what a file is by its content, never by its name."""

from __future__ import annotations

import json
import re
from typing import Any

from singsynth_mcp.errors import FileProblem, InvalidScore, UnsupportedFormat
from singsynth_mcp.score.collector import collector_paused
from singsynth_mcp.score.limits import EXPORT_HINT, MAX_BYTES, MAX_TEXT_BYTES
from singsynth_mcp.score.model import Score

_XML_STARTS = (b"<", b"\xff\xfe<", b"\xfe\xff\x00<")
_OTHER_FORMATS = {
    b"RIFF": "a RIFF file (audio)",
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"fLaC": "a FLAC audio file",
    b"OggS": "an Ogg file",
    b"ID3": "an MP3 audio file",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\\version": "a LilyPond file",
    b"VPRJ": "a VOCALOID project",
    b"[#VERSION]": "a UTAU project (.ust)",
    b"[#SETTING]": "a UTAU project (.ust)",
    b"!!!": "a Humdrum file",
    b"**kern": "a Humdrum file",
}
_ABC = re.compile(r"^(?:X:\s*\d|K:)", re.MULTILINE)
_ABC_HEADER = re.compile(r"^K:", re.MULTILINE)
_USTX = re.compile(r"^(?:ustx_version|voice_parts)\s*:", re.MULTILINE)
_SNIFFED = 64 * 2**10
READ = "MusicXML, .mxl, MIDI, ABC, MuseScore 3 or 4, OpenUtau (.ustx), DiffSinger (.ds) and note lists in JSON"


def read_score(data: bytes, name: str = "the score") -> Score:
    """Read a score of any format in READ; `name` is what errors call it.

    Raises FileProblem (empty), UnsupportedFormat (no score, or a format we do not read), InvalidScore or NothingToSing.
    """
    if not data:
        raise FileProblem(f"{name} is empty (0 bytes)", hint="Save or download it again", file=name)
    _check_size(data, MAX_BYTES, name)
    if data.startswith(b"PK"):
        from singsynth_mcp.score.musicxml.container import unpack

        return _read_xml(unpack(data, name), name)
    if _looks_like_xml(data):
        return _read_xml(data, name)
    if data.startswith(b"MThd") or (data.startswith(b"RIFF") and data[8:12] == b"RMID"):
        _check_size(data, MAX_TEXT_BYTES, name)
        from singsynth_mcp.score.midi.reader import read_midi

        return read_midi(data, name)
    return _read_text(data, name)


def _read_xml(data: bytes, name: str) -> Score:
    from singsynth_mcp.score.musicxml.document import parse_xml
    from singsynth_mcp.score.musicxml.reader import read_musicxml

    with collector_paused():
        root = parse_xml(data, name)
        if root.tag == "museScore":
            from singsynth_mcp.score.musescore.reader import read_musescore

            return read_musescore(root, name)
        return read_musicxml(root, name)


def _read_text(data: bytes, name: str) -> Score:
    from singsynth_mcp.score.encodings import decode

    if any(data.startswith(magic) for magic in _OTHER_FORMATS):
        raise _unsupported(data, name)
    # What is binary is no text in any encoding; a long file is looked at no further than its beginning.
    start = decode(data[:_SNIFFED]).lstrip("\ufeff \t\r\n")
    is_abc = start.startswith("%abc") or (_ABC.search(start) and _ABC_HEADER.search(start))
    is_json, is_ustx = start[:1] in ("{", "["), _USTX.search(start)
    if not (is_abc or is_json or is_ustx):
        raise _unsupported(data, name)
    _check_size(data, MAX_TEXT_BYTES, name)
    text = decode(data)
    if is_json:
        return _read_json(text, name)
    if is_ustx:
        from singsynth_mcp.score.ustx import read_ustx

        return read_ustx(text, name)
    from singsynth_mcp.score.abc.reader import read_abc

    return read_abc(text, name)


def _read_json(text: str, name: str) -> Score:
    from singsynth_mcp.score.diffsinger import is_ds, read_ds
    from singsynth_mcp.score.note_list import EXAMPLE, read_note_list

    document: Any
    try:
        document = json.loads(text.lstrip("\ufeff"), parse_constant=_no_number)
    except json.JSONDecodeError as error:
        message = f"{name} is not well-formed JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        hint = f"Mend that place; a note list is written like {EXAMPLE}"
        raise InvalidScore(message, hint=hint, file=name, line=error.lineno, column=error.colno) from error
    except (RecursionError, ValueError) as error:
        message = f"{name} is JSON that nests too deeply or has numbers that are none ({error})"[:200]
        raise InvalidScore(message, hint=f"A note list is written like {EXAMPLE}", file=name) from error
    if isinstance(document, dict) and {"library", "tracks", "version"} <= document.keys():
        raise UnsupportedFormat(f"{name} is a Synthesizer V project (.svp)", hint=EXPORT_HINT, file=name)
    return read_ds(document, name) if is_ds(document) else read_note_list(document, name)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _check_size(data: bytes, limit: int, name: str) -> None:
    if len(data) > limit:
        message = f"{name} has {len(data) / 2**20:.1f} MB; a score of its kind may have {limit // 2**20} MB"
        raise UnsupportedFormat(message, hint="Remove pictures or split the score", file=name)


def _looks_like_xml(data: bytes) -> bool:
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:4].startswith(_XML_STARTS)


def _unsupported(data: bytes, name: str) -> UnsupportedFormat:
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = next((kind for magic, kind in _OTHER_FORMATS.items() if start.startswith(magic)), None)
    if kind is None:
        kind = "a binary file of unknown format" if b"\0" in start[:4096] else "plain text without notes"
    return UnsupportedFormat(
        f"{name} is {kind}, no score that is read", hint=f"{EXPORT_HINT}; read are {READ}", file=name
    )
