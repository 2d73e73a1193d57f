"""Standard MIDI files in a few characters, for tests."""

from __future__ import annotations

import struct
from collections.abc import Iterable

Event = tuple[int, bytes]
"""(tick, bytes)."""


def number(value: int) -> bytes:
    """A variable-length quantity."""
    found = [value & 0x7F]
    while value := value >> 7:
        found.insert(0, value & 0x7F | 0x80)
    return bytes(found)


def meta(kind: int, content: bytes | str, tick: int = 0) -> Event:
    content = content.encode() if isinstance(content, str) else content
    return tick, bytes([0xFF, kind]) + number(len(content)) + content


def note(tick: int, key: int, length: int, channel: int = 0) -> list[Event]:
    return [(tick, bytes([0x90 | channel, key, 90])), (tick + length, bytes([0x80 | channel, key, 0]))]


def melody(*keys: int, length: int = 480, channel: int = 0) -> list[Event]:
    """Quarters one after the other."""
    return [event for place, key in enumerate(keys) for event in note(place * 480, key, length, channel)]


def words(*texts: str | bytes, kind: int = 5, shift: int = 0) -> list[Event]:
    return [meta(kind, text, place * 480 + shift) for place, text in enumerate(texts)]


def track(events: Iterable[Event]) -> bytes:
    body, last = b"", 0
    for tick, event in sorted(events, key=lambda event: event[0]):
        body += number(tick - last) + event
        last = tick
    body += b"\0\xff\x2f\0"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi(*tracks: Iterable[Event], kind: int = 1, division: int = 480) -> bytes:
    chunks = [track(events) for events in tracks]
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(chunks), division) + b"".join(chunks)
