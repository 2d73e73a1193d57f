"""Score → Standard MIDI file, format 1: as played, with lyric events (RP-017) on the notes that sing them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from singsynth_mcp.score.model import Score
from singsynth_mcp.score.tempo import TempoMap, holds_of
from singsynth_mcp.score.writing.singing import SungNote, played_parts

TICKS = 480
_VELOCITY = 90
_PROGRAM_VOICE = 52
"""Choir Aahs."""
_DRUMS = 9
_LONGEST = 2**28 - 1


def midi_of_score(score: Score) -> bytes:
    """Return the score as a MIDI file. Repeats are written out: MIDI has none."""
    unfolded, parts = played_parts(score)
    tracks = [_conductor(unfolded)]
    channel = 0
    for name, notes in parts:
        tracks.append(_track(name, notes, channel))
        channel = (channel + 1) % 16
        channel += channel == _DRUMS
    header = b"MThd" + (6).to_bytes(4, "big") + b"".join(n.to_bytes(2, "big") for n in (1, len(tracks), TICKS))
    return header + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)


def _ticks(position: Fraction) -> int:
    return round(position * TICKS)


def _conductor(score: Score) -> bytes:
    events = [(0, 0, _meta(3, score.title))]
    meter = None
    for measure in score.measures:
        if (measure.beats, measure.beat_type) != meter:
            meter = (measure.beats, measure.beat_type)
            power = measure.beat_type.bit_length() - 1
            sign = bytes((0xFF, 0x58, 4, min(measure.beats, 255), power, 24, 8))
            events.append((_ticks(measure.position), 1, sign))
    for tempo in TempoMap(score.tempos, holds_of(score), score.bends).steps():
        microseconds = min(max(round(60_000_000 / tempo.quarters_per_minute), 1), 2**24 - 1)
        events.append((_ticks(tempo.position), 2, b"\xff\x51\x03" + microseconds.to_bytes(3, "big")))
    return _encoded(events)


def _track(name: str, notes: Iterable[SungNote], channel: int) -> bytes:
    events = [(0, 0, _meta(3, name)), (0, 0, bytes((0xC0 | channel, _PROGRAM_VOICE)))]
    for note in notes:
        key = min(max(round(note.midi), 0), 127)
        start, end = _ticks(note.start), max(_ticks(note.start + note.duration), _ticks(note.start) + 1)
        if note.lyric is not None:
            text = "\u203f".join(note.lyric.syllables)
            events.append((start, 2, _meta(5, text + ("-" if note.lyric.syllabic in ("begin", "middle") else ""))))
        events.append((end, 1, bytes((0x80 | channel, key, 0))))
        events.append((start, 3, bytes((0x90 | channel, key, _VELOCITY))))
    return _encoded(events)


def _meta(kind: int, text: str) -> bytes:
    data = text.encode()[:1000]
    return bytes((0xFF, kind)) + _variable(len(data)) + data


def _variable(value: int) -> bytes:
    """Return a number as MIDI's variable length has it."""
    value = min(value, _LONGEST)
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def _encoded(events: list[tuple[int, int, bytes]]) -> bytes:
    """Return a track: at one tick names and ends come before lyrics, and lyrics before the notes that sing them."""
    data = bytearray()
    now = 0
    for tick, _, event in sorted(events, key=lambda event: event[:2]):
        data += _variable(tick - now) + event
        now = tick
    return bytes(data) + b"\x00\xff\x2f\x00"
