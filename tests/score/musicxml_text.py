"""MusicXML documents in a few characters, for tests."""

from __future__ import annotations

import io
import zipfile

DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">'
)


def note(
    pitch: str = "C4",
    duration: float | str = 1,
    lyric: str = "",
    *,
    inside: str = "",
    lyrics: str = "",
    syllabic: str = "single",
) -> str:
    """A note: "C4", "Bb3", "F#5", or "rest"; `inside` goes before the lyrics."""
    if pitch == "rest":
        what = "<rest/>"
    else:
        alter = {"#": "<alter>1</alter>", "b": "<alter>-1</alter>"}.get(pitch[1:-1], "")
        what = f"<pitch><step>{pitch[0]}</step>{alter}<octave>{pitch[-1]}</octave></pitch>"
    if lyric:
        lyrics += f"<lyric><syllabic>{syllabic}</syllabic><text>{lyric}</text></lyric>"
    return f"<note>{what}<duration>{duration}</duration>{inside}{lyrics}</note>"


def attributes(divisions: int = 1, beats: str = "4", beat_type: int = 4, more: str = "") -> str:
    time = f"<time><beats>{beats}</beats><beat-type>{beat_type}</beat-type></time>"
    return f"<attributes><divisions>{divisions}</divisions>{time}{more}</attributes>"


def part(*measures: str, id: str = "P1") -> str:
    """A part; measures are numbered from 1, the first gets the attributes unless it has its own."""
    first, *others = measures
    if "<attributes>" not in first:
        first = attributes() + first
    numbered = enumerate((first, *others), 1)
    body = "".join(f'<measure number="{number}">{content}</measure>' for number, content in numbered)
    return f'<part id="{id}">{body}</part>'


def document(*parts: str, names: tuple[str, ...] = (), head: str = "") -> bytes:
    ids = [text.split('"')[1] for text in parts]
    labels = [*names, *("Voice" for _ in ids)]
    listing = "".join(
        f'<score-part id="{id}"><part-name>{name}</part-name></score-part>'
        for id, name in zip(ids, labels, strict=False)
    )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>{DOCTYPE}<score-partwise version="4.0">{head}'
        f"<part-list>{listing}</part-list>{''.join(parts)}</score-partwise>"
    )
    return text.encode()


def mxl(document: bytes, *, container: str | None = None, path: str = "score.xml") -> bytes:
    """A compressed score; `container` replaces the usual META-INF/container.xml, "" leaves it out."""
    if container is None:
        container = f'<container><rootfiles><rootfile full-path="{path}"/></rootfiles></container>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if container:
            archive.writestr("META-INF/container.xml", container)
        archive.writestr(path, document)
    return buffer.getvalue()
