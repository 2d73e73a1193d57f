"""Lyric and karaoke events → syllables at their ticks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from singsynth_mcp.score.encodings import likely_encoding
from singsynth_mcp.score.midi.events import MidiFile, MidiTrack

_TAG = re.compile(rb"\{@([A-Za-z0-9]+)\}")
_TAGGED = {b"LATIN": "latin-1", b"JP": "cp932", b"UTF-8": "utf-8", b"UTF8": "utf-8"}
_LANGUAGES = {"ENGL": "en", "JAPA": "ja", "GERM": "de", "FREN": "fr", "SPAN": "es", "ITAL": "it", "PORT": "pt",
              "CHIN": "zh", "KORE": "ko", "RUSS": "ru", "POLI": "pl", "DUTC": "nl"}  # fmt: skip
_HYPHENS = "-\u2010\u2011"
_FEWEST_TEXTS = 4
"""Fewer text events are remarks, no lyrics."""


@dataclass(frozen=True)
class Syllable:
    """A text at its tick; "" ends a word or line without singing."""

    tick: int
    text: str
    """With the hyphen or without, never with spaces round it; "-" and "_" hold the vowel before."""
    starts_word: bool


@dataclass(frozen=True)
class SungText:
    """The syllables of a track, with what its headers say."""

    track: int
    syllables: tuple[Syllable, ...]
    title: str = ""
    language: str | None = None


def sung_texts(midi: MidiFile) -> list[SungText]:
    """Return the tracks' lyrics: their lyric events; where no track has any, the texts of karaoke files."""
    found = [(index, track.lyrics) for index, track in enumerate(midi.tracks) if track.lyrics]
    headers = [text for track in midi.tracks for tick, text in track.texts if text.startswith(b"@")]
    if not found:
        found = [(index, texts) for index, track in enumerate(midi.tracks) if (texts := _karaoke_texts(track, headers))]
    encoding = _encoding([text for _, events in found for _, text in events] + headers)
    titles = [_decoded(text[2:], encoding).strip() for text in headers if text.startswith(b"@T")]
    languages = [_LANGUAGES.get(_decoded(text[2:], encoding).strip().upper()) for text in headers
                 if text.startswith(b"@L")]  # fmt: skip
    title = titles[0] if titles else ""
    language = next((language for language in languages if language), None)
    return [
        SungText(index, syllables, title, language)
        for index, events in found
        if (syllables := _syllables([(tick, _decoded(text, encoding)) for tick, text in events]))
    ]


def track_title(name: bytes) -> str:
    """Return a track's name as text."""
    return " ".join(_decoded(name, _encoding([name])).split())[:200]


def _karaoke_texts(track: MidiTrack, headers: Sequence[bytes]) -> list[tuple[int, bytes]]:
    texts = [(tick, text) for tick, text in track.texts if not text.startswith(b"@")]
    is_karaoke = bool(headers) or any(text[:1] in (b"/", b"\\") for _, text in texts)
    spread = len({tick for tick, _ in texts})
    return texts if spread >= (1 if is_karaoke else _FEWEST_TEXTS) else []


def _encoding(texts: Sequence[bytes]) -> str:
    joined = b"".join(texts)
    for tag in _TAG.findall(joined):
        if encoding := _TAGGED.get(tag.upper()):
            return encoding
    try:
        joined.decode()
    except UnicodeDecodeError:
        return likely_encoding(joined)
    return "utf-8"


def _decoded(text: bytes, encoding: str) -> str:
    return _TAG.sub(b"", text).removeprefix(b"\xef\xbb\xbf").decode(encoding, "replace").replace("\0", "")


def _syllables(events: Sequence[tuple[int, str]]) -> tuple[Syllable, ...]:
    """Return the syllables. Either spaces and line marks part words, or hyphens join the syllables of one.

    In the first way ("Twin", "kle ", "twin") a syllable without a space before it goes on with the word; it is taken
    where spaces or line marks are there at all, unless hyphens are.
    """
    events = [(tick, text) for tick, text in events if not text.startswith("@")]
    spaced = sum(text[:1] in "/\\ \r\n" or text[-1:] in " \r\n" for _, text in events if text)
    hyphened = sum(text.strip().endswith(tuple(_HYPHENS)) and len(text.strip()) > 1 for _, text in events)
    by_spaces = spaced > 0 and hyphened * 4 <= spaced
    syllables: list[Syllable] = []
    starts_word = True
    for tick, text in events:
        body = text.lstrip("/\\\r\n\t ")
        starts_word |= len(body) < len(text) or not by_spaces
        ends = len(body.rstrip()) < len(body)
        body = body.rstrip("\r\n\t /\\").strip()
        if not body:
            starts_word = True
            continue
        if not by_spaces and syllables and syllables[-1].text.endswith(tuple(_HYPHENS)):
            starts_word = False
        syllables.append(Syllable(tick, body, starts_word))
        starts_word = ends
    return tuple(syllables)
