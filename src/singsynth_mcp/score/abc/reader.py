"""An ABC tune → Score: header, voices line by line, lyrics under them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from singsynth_mcp.errors import InvalidScore
from singsynth_mcp.score.abc.fields import VoiceState, set_attributes, set_key, set_meter, set_unit
from singsynth_mcp.score.abc.music import VoiceReader
from singsynth_mcp.score.abc.words import decoded
from singsynth_mcp.score.assembly import WrittenPart, assemble, check_notes
from singsynth_mcp.score.bars import Bar
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.model import Score

MAX_VOICES = 64
_FIELD = re.compile(r"([A-Za-z]):(?![|:])\s*(.*)")
_INLINE_VOICE = re.compile(r"\[V:\s*([^\]\s]+)[^\]]*\]")
_LANGUAGE = re.compile(r"^%%?\s*(?:abc-language|language)\s*:?\s*([a-z]{2})\b", re.IGNORECASE)


def read_abc(text: str, name: str) -> Score:
    """Read the first tune with music. Raises InvalidScore with line and column, or NothingToSing."""
    tunes = list(_tunes(text))
    findings = Findings()
    reader = _TuneReader(name, findings)
    for lines in tunes:
        reader = _TuneReader(name, findings)
        reader.read(lines)
        if any(voice.part.notes for voice in reader.voices.values()):
            break
    if len(tunes) > 1:
        findings.add("more_tunes", f"The file holds {len(tunes)} tunes: the first with music is read")
    parts = [voice.part for voice in reader.voices.values()]
    check_notes(parts, name, f"{len(tunes)} ABC tunes without music")
    return assemble(reader.title, parts, reader.bars, findings, reader.language)


def _tunes(text: str) -> Iterator[list[tuple[int, str]]]:
    """Yield each tune's numbered lines; fields that +: continues and music that a backslash does are one line each."""
    tune: list[tuple[int, str]] = []
    waiting, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        line = line.rstrip()
        if line.startswith("X:") and any(_FIELD.match(other) for _, other in tune):
            yield tune
            tune = []
        if line.startswith("+:"):
            if tune and _FIELD.match(tune[-1][1]):
                tune[-1] = (tune[-1][0], f"{tune[-1][1]} {line[2:].strip()}")
            continue
        is_music = not _FIELD.match(line) and not line.startswith("%")
        if is_music and line.partition("%")[0].rstrip().endswith("\\"):
            waiting, first = waiting + line.partition("%")[0].rstrip()[:-1], first or number
            continue
        if waiting and is_music:
            line, number = waiting + line, first
        waiting, first = ("", 0) if is_music else (waiting, first)
        tune.append((number, line))
    if waiting:
        tune.append((first, waiting))
    yield tune


@dataclass
class _TuneReader:
    name: str
    findings: Findings
    title: str = ""
    language: str | None = None
    bars: list[Bar] = field(default_factory=list)
    voices: dict[str, VoiceReader] = field(default_factory=dict)
    _state: VoiceState = field(default_factory=VoiceState)
    """Of the header; each voice starts with a copy."""
    _tempo: str = ""
    _in_body: bool = False
    _voice: str = ""

    def read(self, lines: Sequence[tuple[int, str]]) -> None:
        for number, line in lines:
            try:
                self._read_line(line, number)
            except ValueError as error:
                message = f"{self.name}: line {number}: {error}"
                raise InvalidScore(message, hint="Mend that line", file=self.name, line=number) from error
        for voice in self.voices.values():
            voice.finish()
        parts = [voice.part for voice in self.voices.values()]
        noted = [note.measure for part in parts for note in part.notes]
        used = max([0, *noted, *(mark.measure for part in parts for mark in part.dynamics)])
        while len(self.bars) > used + 1 and not self.bars[-1].duration:
            # A sign after the last barline belongs to the measure before it.
            self.bars[-2].words += [(self.bars[-2].duration, text) for _, text in self.bars.pop().words]

    def _read_line(self, line: str, number: int) -> None:
        if line.startswith("%"):
            if match := _LANGUAGE.match(line):
                self.language = match[1].lower()
            return
        match = _FIELD.match(line)
        if match:
            self._read_field(match[1], match[2] if match[1] in "wW" else match[2].partition("%")[0])
        elif self._in_body and line.strip():
            self._read_music(line.partition("%")[0], number)

    def _read_music(self, line: str, number: int) -> None:
        """Read a music line, parted where [V:…] changes the voice."""
        place = 0
        for match in _INLINE_VOICE.finditer(line):
            if line[place : match.start()].strip():
                self._current().read_music(line[place : match.start()], number)
            self._voice = match[1]
            place = match.end()
        if line[place:].strip():
            self._current().read_music(line[place:], number)

    def _read_field(self, key: str, text: str) -> None:
        if key == "w" and self._in_body:
            self._current().read_words(text)
        elif key == "V":
            self._open_voice(text)
        elif key == "T":
            self.title = self.title or decoded(text.strip())[:200]
        elif key == "W":
            self.findings.add("words_after_tune", "Words after the tune (W:) are not sung: put them in w: lines")
        elif key == "P" and not self._in_body and re.search(r"[A-Z]\w*[A-Z]", text):
            self.findings.add("part_order", f'The order of parts "{text.strip()[:40]}" (P:) is not followed')
        elif self._in_body and key in "KLMQ":
            self._current().read_field(key, text)
        elif not self._in_body:
            self._set_header(key, text)

    def _set_header(self, key: str, text: str) -> None:
        if key == "K":
            set_key(self._state, text)
            self._in_body = True
        elif key == "L":
            set_unit(self._state, text)
        elif key == "M":
            set_meter(self._state, text)
        elif key == "Q":
            self._tempo = text

    def _open_voice(self, text: str) -> None:
        """Choose a voice; what stands behind its name holds for it from here on."""
        words = text.split(None, 1)
        if not words:
            return
        self._voice = words[0]
        if len(words) > 1:
            voice = self._current()
            found = set_attributes(voice.state, words[1])
            voice.part.name = (found.get("name") or found.get("nm") or voice.part.name)[:200]

    def _current(self) -> VoiceReader:
        voice = self.voices.get(self._voice)
        if voice is None:
            if len(self.voices) >= MAX_VOICES:
                raise ValueError(f"more than {MAX_VOICES} voices")
            number = len(self.voices) + 1
            part = WrittenPart(f"P{number}", self._voice or "Voice")
            state = deepcopy(self._state)
            voice = VoiceReader(part, self.bars, state, self.findings, self.name, number == 1, self.language)
            self.voices[self._voice] = voice
            if self._tempo and number == 1:
                voice.set_tempo(self._tempo)
        return voice
