"""MIDI bytes → notes, texts, tempos and meters in ticks. Linear in the file's size; nothing nests."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from singsynth_mcp.errors import InvalidScore

MAX_EVENTS = 500_000
MAX_PARTS = 100
MAX_TICK = 2**40
_HINT = "Export the MIDI file again"
_TEXT, _COPYRIGHT, _TRACK_NAME, _LYRIC, _TEMPO, _METER = 1, 2, 3, 5, 0x51, 0x58


@dataclass(frozen=True, slots=True)
class MidiNote:
    """A note of one channel."""

    start: int
    end: int
    key: int


@dataclass
class MidiTrack:
    """A track's notes by channel, and its texts."""

    name: bytes = b""
    notes: dict[int, list[MidiNote]] = field(default_factory=lambda: defaultdict(list))
    lyrics: list[tuple[int, bytes]] = field(default_factory=list)
    texts: list[tuple[int, bytes]] = field(default_factory=list)
    unended: int = 0
    """Notes that no note-off ended."""


@dataclass
class MidiFile:
    """What a file holds, in ticks."""

    ticks_per_quarter: int
    tracks: list[MidiTrack] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    """(tick, microseconds a quarter)."""
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    """(tick, beats, beat type)."""
    declared_tracks: int = 0
    in_seconds: bool = False
    """SMPTE time: ticks count seconds, at 120 quarters a minute."""


def parse_midi(data: bytes, name: str) -> MidiFile:
    """Read a file's chunks. Raises InvalidScore: no header, a track that breaks off, too many events."""
    if data[:4] == b"RIFF" and data[8:16] == b"RMIDdata":
        data = data[20:]
    header_length = int.from_bytes(data[4:8], "big")
    if data[:4] != b"MThd" or header_length < 6 or len(data) < 8 + header_length:
        raise InvalidScore(f"{name} is MIDI without a whole header", hint=_HINT, file=name)
    kind, count, division = (int.from_bytes(data[place : place + 2], "big") for place in (8, 10, 12))
    if kind > 1:
        message = f"{name} is MIDI of format {kind}, a set of patterns"
        raise InvalidScore(message, hint="Export it as format 0 or 1", file=name)
    midi = MidiFile(division, declared_tracks=count)
    if division & 0x8000:
        frames = 256 - (division >> 8)
        midi.ticks_per_quarter, midi.in_seconds = frames * (division & 0xFF) // 2, True
    if midi.ticks_per_quarter <= 0:
        raise InvalidScore(f"{name} gives a quarter 0 ticks", hint=_HINT, file=name)
    place = 8 + header_length
    budget = MAX_EVENTS
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "big")
        if data[place : place + 4] == b"MTrk":
            number = len(midi.tracks) + 1
            if place + 8 + length > len(data):
                message = f"{name} breaks off in track {number}"
                raise InvalidScore(message, hint="The file is truncated: download or export it again", track=number)
            budget = _Track(midi, data, place + 8, place + 8 + length, f"{name}, track {number}").read(budget)
        place += 8 + length
    if not midi.tracks:
        raise InvalidScore(f"{name} is MIDI without a track", hint=_HINT, file=name)
    return midi


class _Track:
    def __init__(self, midi: MidiFile, data: bytes, place: int, end: int, where: str) -> None:
        self._midi = midi
        self._data = data
        self._place = place
        self._end = end
        self._where = where
        self._track = MidiTrack()
        self._sounding: dict[tuple[int, int], deque[int]] = defaultdict(deque)

    def read(self, budget: int) -> int:
        """Read the events into the file. Returns what is left of the number that it may have.

        Running status outlasts meta and system events: the standard ends it there, and files go on with it.
        """
        tick = running = 0
        try:
            while self._place < self._end:
                budget -= 1
                tick += self._number()
                if budget < 0 or tick > MAX_TICK:
                    message = f"{self._where}: more than {MAX_EVENTS} events, or an event days after the beginning"
                    raise InvalidScore(message, hint="Split the song")
                status = self._data[self._place]
                if status >= 0x80:
                    self._place += 1
                else:
                    status = running
                if status == 0xFF:
                    if self._meta(tick):
                        break
                elif status in (0xF0, 0xF7):
                    self._place += self._number()
                else:
                    self._channel_event(tick, status)
                    running = status
        except IndexError as error:
            raise InvalidScore(f"{self._where}: an event breaks off", hint=_HINT) from error
        for (channel, key), starts in self._sounding.items():
            self._track.unended += len(starts)
            self._track.notes[channel] += [MidiNote(start, max(tick, start), key) for start in starts]
        for notes in self._track.notes.values():
            notes.sort(key=lambda note: (note.start, note.key))
        self._midi.tracks.append(self._track)
        return budget

    def _channel_event(self, tick: int, status: int) -> None:
        kind = status >> 4
        if not 0x8 <= kind <= 0xE:
            message = f"{self._where}: byte {self._place} starts no event ({status:#x})"
            raise InvalidScore(message, hint=_HINT)
        if kind in (0xC, 0xD):
            self._place += 1
            return
        key, value = self._data[self._place] & 0x7F, self._data[self._place + 1]
        self._place += 2
        if kind == 0x9 and value:
            self._sounding[status & 0xF, key].append(tick)
        elif kind in (0x8, 0x9) and (starts := self._sounding.get((status & 0xF, key))):
            self._track.notes[status & 0xF].append(MidiNote(starts.popleft(), tick, key))

    def _meta(self, tick: int) -> bool:
        """Read a meta event; True at the track's end."""
        kind = self._data[self._place]
        self._place += 1
        length = self._number()
        content = self._data[self._place : self._place + length]
        if self._place + length > self._end:
            raise IndexError
        self._place += length
        if kind == _LYRIC:
            self._track.lyrics.append((tick, content))
        elif kind == _TEXT:
            self._track.texts.append((tick, content))
        elif kind == _TRACK_NAME:
            self._track.name = self._track.name or content
        elif kind == _TEMPO and length == 3 and not self._midi.in_seconds:
            self._midi.tempos.append((tick, int.from_bytes(content, "big")))
        elif kind == _METER and length >= 2 and content[0] and content[1] <= 6:
            self._midi.meters.append((tick, content[0], 2 ** content[1]))
        return kind == 0x2F

    def _number(self) -> int:
        """Read a variable-length quantity of at most four bytes."""
        value = 0
        for _ in range(4):
            byte = self._data[self._place]
            self._place += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise InvalidScore(f"{self._where}: a number at byte {self._place} has no end", hint=_HINT)


def note_lists(midi: MidiFile) -> Iterator[tuple[int, int, list[MidiNote]]]:
    """Yield (track, channel, notes) where there are any, of the first hundred."""
    found = 0
    for index, track in enumerate(midi.tracks):
        for channel, notes in sorted(track.notes.items()):
            if notes and found < MAX_PARTS:
                found += 1
                yield index, channel, notes
