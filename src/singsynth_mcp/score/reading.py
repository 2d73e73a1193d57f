"""The front door: bytes of some file → Score. Says what a file is by its content, never by its name."""

from __future__ import annotations

from singsynth_mcp.errors import FileProblem, UnsupportedFormat
from singsynth_mcp.score.limits import EXPORT_HINT, MAX_BYTES
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.musicxml.container import unpack
from singsynth_mcp.score.musicxml.reader import read_musicxml

_XML_STARTS = (b"<", b"\xff\xfe<", b"\xfe\xff\x00<")
_KNOWN_FORMATS = {
    b"MThd": "a MIDI file",
    b"RIFF": "a RIFF file (audio or RIFF MIDI)",
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"fLaC": "a FLAC audio file",
    b"OggS": "an Ogg file",
    b"ID3": "an MP3 audio file",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"X:": "ABC notation",
    b"%abc": "ABC notation",
    b"\\version": "a LilyPond file",
    b"{": "JSON",
    b"[": "JSON",
}


def read_score(data: bytes, name: str = "the score") -> Score:
    """Read a MusicXML score, plain or compressed; `name` is what errors call it.

    Raises FileProblem (empty), UnsupportedFormat (no score, or a format we do not read) or InvalidScore.
    """
    if not data:
        raise FileProblem(f"{name} is empty (0 bytes)", hint="Save or download it again", file=name)
    if len(data) > MAX_BYTES:
        message = f"{name} has {len(data) / 2**20:.1f} MB; a score may have {MAX_BYTES // 2**20} MB"
        raise UnsupportedFormat(message, hint="Remove pictures or split the score", file=name)
    if data.startswith(b"PK"):
        data = unpack(data, name)
    elif not _looks_like_xml(data):
        raise UnsupportedFormat(f"{name} is {_format_of(data)}, not MusicXML", hint=EXPORT_HINT, file=name)
    return read_musicxml(data, name)


def _looks_like_xml(data: bytes) -> bool:
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:4].startswith(_XML_STARTS)


def _format_of(data: bytes) -> str:
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, format_name in _KNOWN_FORMATS.items():
        if start.startswith(magic):
            return format_name
    is_text = b"\0" not in start[:4096]
    return "plain text" if is_text else "a binary file of unknown format"
