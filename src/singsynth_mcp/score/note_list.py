"""A note list: JSON that a language model writes by hand.

    {"tempo": 96, "notes": [["C4", 1, "Twin-"], ["C4", 1, "kle"], ["rest", 1], ["G4", 2, "star"], ["F4", 1, "_"]]}

Each note is [pitch, quarters, syllable]; a hyphen after a syllable continues the word, "_" (or no syllable) holds the
vowel before, a list of syllables gives each verse its own. "|" closes a measure, "|:" and ":|" are a repeat. Several
parts are {"parts": [{"name": "Soprano", "notes": […]}, …]}; title, meter ("3/4") and language ("en") are optional.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from singsynth_mcp.errors import InvalidRequest, InvalidScore
from singsynth_mcp.score.assembly import WrittenPart, assemble, check_notes
from singsynth_mcp.score.bars import FASTEST, SLOWEST, Bar, new_bar
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.model import Lyric, Score
from singsynth_mcp.score.pitch import midi_of
from singsynth_mcp.score.typed_lyrics import typed_lyric
from singsynth_mcp.score.voices import WrittenNote

EXAMPLE = '{"tempo": 96, "notes": [["C4", 1, "Twin-"], ["C4", 1, "kle"], ["rest", 1], ["G4", 2, "star"]]}'
MAX_NOTES = 20_000
_LONGEST = 1000
_RESTS = frozenset({"rest", "r", "z", "-", ""})
_BARS = frozenset({"|", "|:", ":|", "||", "|]", ":|:"})
_METER = re.compile(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*")
_FRACTION = re.compile(r"\s*(\d{1,4})(?:\s*/\s*(\d{1,4}))?\s*")


def read_note_list(document: Any, name: str) -> Score:
    """Read a note list that JSON has parsed. Raises InvalidScore, which names part and note, or NothingToSing."""
    head, listed = _head_and_parts(document, name)
    bars: list[Bar] = []
    parts: list[WrittenPart] = []
    findings = Findings()
    meter = _meter(head.get("meter"), name)
    language = str(head["language"]).partition("-")[0].lower() if head.get("language") else None
    for number, part in enumerate(listed, 1):
        label = str(part.get("name") or (f"Part {number}" if len(listed) > 1 else "Voice"))[:200]
        reader = _PartReader(WrittenPart(f"P{number}", label), bars, meter, language, name)
        reader.read(part.get("notes"))
        parts.append(reader.part)
    check_notes(parts, name, "rests alone")
    tempo = _number(head.get("tempo", 120), f"{name}: the tempo", SLOWEST, FASTEST)
    bars[0].tempos.append((Fraction(0), 1, tempo))
    return assemble(str(head.get("title") or "")[:200], parts, bars, findings, language)


def _head_and_parts(document: Any, name: str) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """Return the fields of the whole, and the parts; a bare list is the notes of one part."""
    if isinstance(document, list):
        document = {"notes": document}
    if not isinstance(document, dict) or not ("notes" in document or "parts" in document):
        raise _problem(f"{name} is JSON without notes", file=name)
    if "notes" in document:
        return document, [document]
    parts = document["parts"]
    if not (isinstance(parts, list) and parts and all(isinstance(part, dict) for part in parts)):
        raise _problem(f'{name}: "parts" has to be a list of parts with a name and notes', file=name)
    return document, parts[:200]


def _problem(message: str, **details: Any) -> InvalidScore:
    return InvalidScore(message, hint=f"Write it like {EXAMPLE}", **details)


@dataclass
class _PartReader:
    part: WrittenPart
    bars: list[Bar]
    meter: tuple[int, int]
    language: str | None
    name: str
    _bar: int = 0
    _offset: Fraction = Fraction(0)
    _barred: bool = False
    _open: set[int] = field(default_factory=set)
    """Verses whose last syllable ended with a hyphen."""

    def read(self, notes: Any) -> None:
        if not isinstance(notes, list):
            raise _problem(f"{self.name}: part {self.part.name} has no list of notes", part=self.part.id)
        if len(notes) > MAX_NOTES:
            message = f"{self.name}: part {self.part.name} has {len(notes)} notes; a list may have {MAX_NOTES}"
            raise InvalidScore(message, hint="Split the song", part=self.part.id)
        self._barred = any(isinstance(item, str) and item in _BARS for item in notes)
        for number, item in enumerate(notes, 1):
            try:
                self._read_item(item)
            except (InvalidRequest, ValueError) as error:
                what = error.message if isinstance(error, InvalidRequest) else str(error)
                shown = json.dumps(item, ensure_ascii=False)[:60]
                message = f"{self.name}: note {number} of part {self.part.name}, {shown}: {what}"
                raise _problem(message, part=self.part.id, note=number) from error
        self._close_bar()

    def _read_item(self, item: Any) -> None:
        if isinstance(item, str) and item in _BARS:
            self._read_bar(item)
            return
        pitch, length, syllables = _fields(item)
        duration = _quarters(length)
        bar = self._current()
        if pitch is None or (isinstance(pitch, str) and pitch.strip().lower() in _RESTS):
            self._open.clear()
        else:
            if isinstance(pitch, bool) or not isinstance(pitch, (str, int, float)):
                raise ValueError("the pitch has to be a name such as C4, a MIDI number, or rest")
            lyrics = self._lyrics(syllables)
            self.part.notes.append(WrittenNote(self._bar, self._offset, duration, midi_of(pitch), (1, "1"), lyrics))
        self._offset += duration
        while not self._barred and self._offset >= bar.nominal:
            self._offset -= bar.nominal
            self._current().duration = bar.nominal
            self._bar += 1

    def _read_bar(self, sign: str) -> None:
        if sign.startswith(":"):
            self._current().repeat_times = 2
            if not self._offset and self._bar:
                self.bars[self._bar - 1].repeat_times = 2
                self._current().repeat_times = 0
        if self._offset:
            self._close_bar()
            self._bar += 1
            self._offset = Fraction(0)
        if sign.endswith(":") and sign != ":|":
            self._current().repeat_start = True

    def _current(self) -> Bar:
        while self._bar >= len(self.bars):
            self.bars.append(new_bar(self.bars, str(len(self.bars) + 1), *self.meter, self.name))
        return self.bars[self._bar]

    def _close_bar(self) -> None:
        if self._offset:
            bar = self._current()
            bar.duration = max(bar.duration, self._offset if self._barred else bar.nominal)

    def _lyrics(self, syllables: Any) -> tuple[Lyric, ...]:
        """Return a note's lyrics by verse; a text is verse 1's."""
        texts = syllables if isinstance(syllables, list) else [syllables]
        lyrics: list[Lyric] = []
        for verse, text in enumerate(texts[:32], 1):
            if text is None:
                continue
            if not isinstance(text, str):
                raise ValueError("the syllable has to be text")
            lyric = typed_lyric(text, verse, goes_on=verse in self._open, language=self.language)
            if lyric is not None:
                lyrics.append(lyric)
                (self._open.add if lyric.syllabic in ("begin", "middle") else self._open.discard)(verse)
        return tuple(lyrics)


def _fields(item: Any) -> tuple[Any, Any, Any]:
    """Return pitch, length and syllable of [pitch, quarters, syllable] or of an object with such fields."""
    if isinstance(item, dict):
        pitch = item.get("pitch", item.get("note", item.get("midi")))
        length = item.get("quarters", item.get("duration", item.get("beats")))
        return ("rest" if item.get("rest") is True else pitch), length, item.get("lyric", item.get("syllable"))
    if isinstance(item, list) and 2 <= len(item) <= 3:
        return item[0], item[1], item[2] if len(item) == 3 else None
    raise ValueError("a note is [pitch, quarters, syllable]")


def _quarters(value: Any) -> Fraction:
    """Return a length: a number of quarters, or a fraction in text ("1/3")."""
    match = _FRACTION.fullmatch(value) if isinstance(value, str) else None
    if match:
        length = Fraction(int(match[1]), max(int(match[2] or 1), 1))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= _LONGEST:
        length = Fraction(value).limit_denominator(96)
    else:
        length = Fraction(0)
    if not 0 < length <= _LONGEST:
        raise ValueError(f"the length has to be a number of quarters above 0 and up to {_LONGEST}")
    return length


def _number(value: Any, what: str, lowest: float, highest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not lowest <= value <= highest:
        raise _problem(f"{what} has to be a number from {lowest:g} to {highest:g} (quarters a minute), not {value!r}")
    return float(value)


def _meter(text: Any, name: str) -> tuple[int, int]:
    match = _METER.fullmatch(text) if isinstance(text, str) else None
    if text is not None and not (match and int(match[1]) and int(match[2])):
        raise _problem(f'{name}: the meter has to be text such as "3/4", not {text!r}'[:200], file=name)
    return (int(match[1]), int(match[2])) if match else (4, 4)
