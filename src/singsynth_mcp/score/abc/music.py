"""One voice of an ABC tune: music lines → written notes; what all voices share goes into the bars."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from singsynth_mcp.errors import InvalidScore
from singsynth_mcp.score.abc.fields import ALTERATIONS, VoiceState, set_key, set_meter, set_unit, tempo_of
from singsynth_mcp.score.abc.tokens import NOTE, Token, length_of, tokens
from singsynth_mcp.score.abc.words import align_words
from singsynth_mcp.score.assembly import WrittenPart
from singsynth_mcp.score.bars import Bar, new_bar
from singsynth_mcp.score.dynamics import DynamicMark, dynamic_mark
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.jumps import CODA_SIGN
from singsynth_mcp.score.model import Articulation
from singsynth_mcp.score.musicxml.directions import ending_passes
from singsynth_mcp.score.voices import WrittenNote

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_TUPLET_IN = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
_SHORTHANDS = {".": "staccato", "H": "fermata", "L": "accent", "O": "coda", "S": "segno"}
_ARTICULATIONS: dict[str, Articulation] = {"staccato": "staccato", "tenuto": "tenuto", "accent": "accent",
                                           ">": "accent", "emphasis": "accent"}  # fmt: skip
_JUMPS = {"D.C.": "D.C.", "D.S.": "D.S.", "D.C.alfine": "D.C. al Fine", "D.C.alcoda": "D.C. al Coda",
          "D.S.alfine": "D.S. al Fine", "D.S.alcoda": "D.S. al Coda", "dacapo": "D.C.", "dacoda": "To Coda",
          "fine": "Fine", "coda": CODA_SIGN}  # fmt: skip
_SWELLS = {"<(": "crescendo", "crescendo(": "crescendo", ">(": "diminuendo", "diminuendo(": "diminuendo",
           "<)": "stop", "crescendo)": "stop", ">)": "stop", "diminuendo)": "stop"}  # fmt: skip


@dataclass
class VoiceReader:
    """Reads a voice's lines in order."""

    part: WrittenPart
    bars: list[Bar]
    state: VoiceState
    findings: Findings
    name: str
    is_top: bool = True
    language: str | None = None
    _bar: int = 0
    _offset: Fraction = Fraction(0)
    _accidentals: dict[str, float] = field(default_factory=dict)
    _ending: tuple[int, ...] = ()
    _slots: list[tuple[int, list[WrittenNote]]] = field(default_factory=list)
    """Of the line: measure and notes of each place for a syllable."""
    _last: list[WrittenNote] = field(default_factory=list)
    _last_duration: Fraction = Fraction(0)
    _broken: Fraction = Fraction(1)
    _tuplet: Fraction = Fraction(1)
    _tuplet_left: int = 0
    _ties: set[float] = field(default_factory=set)
    _slurs: int = 0
    _overlay: int = 0
    _marks: list[str] = field(default_factory=list)
    """Decorations that wait for their note."""
    _verse: int = 0

    def read_music(self, text: str, line: int) -> None:
        """Read a music line. Raises InvalidScore with line and column."""
        self._slots, self._verse = [], 0
        for token in tokens(text):
            try:
                self._read(token)
            except ValueError as error:
                message = f"{self.name}: line {line}, column {token.column}: {error}"
                raise InvalidScore(message, hint="Mend that place", line=line, column=token.column) from error

    def read_words(self, text: str) -> None:
        """Put a w: line's syllables under the music line before; each further one is another verse."""
        self._verse += 1
        bars = [bar for bar, _ in self._slots]
        lyrics, left_over = align_words(text, self._verse, bars, self.language)
        for (_, notes), lyric in zip(self._slots, lyrics, strict=True):
            for note in notes:
                note.lyrics += (lyric,) if lyric else ()
        if left_over:
            number = self.bars[bars[-1]].number if bars else None
            message = f"{left_over} syllables are more than the line has notes, and are not sung"
            self.findings.add("lyrics_without_notes", message, part=self.part.id, measure=number)

    def read_field(self, key: str, text: str) -> None:
        """Read a field that stands between the music. Raises ValueError."""
        if key == "K":
            set_key(self.state, text)
        elif key == "L":
            set_unit(self.state, text)
        elif key == "M":
            set_meter(self.state, text)
            bar = self._current()
            if not self._offset:
                bar.beats, bar.beat_type = self.state.beats, self.state.beat_type
        elif key == "Q":
            self.set_tempo(text)

    def set_tempo(self, text: str) -> None:
        """Read a Q: field at the place where the voice has come."""
        tempo, words = tempo_of(text, self.state)
        if tempo is not None:
            self._current().tempos.append((self._offset, 1, tempo))
        if words:
            self._current().words.append((self._offset, words))

    def finish(self) -> None:
        """End the voice."""
        if self._offset:
            self._close_bar()

    def _read(self, token: Token) -> None:
        match = token.match
        if token.kind == "note":
            self._read_chord([match], length_of(match["length"]))
        elif token.kind == "chord":
            self._read_chord(list(NOTE.finditer(match[1])), length_of(match["length"]))
        elif token.kind == "rest":
            self._advance(self._timed(length_of(match["length"])), [])
            self._ties.clear()
        elif token.kind == "measures":
            for _ in range(min(int(match[1] or 1), 1000)):
                self._offset = self._current().nominal
                self._close_bar()
        elif token.kind == "bar":
            self._read_bar(match["sign"], match["ending"])
        elif token.kind == "ending":
            self._ending = ending_passes(match["ending"])
        elif token.kind == "grace":
            for note in NOTE.finditer(match[1]):
                self._add_note(note, Fraction(0), grace=True)
        elif token.kind == "tuplet":
            self._start_tuplet(match)
        elif token.kind == "broken":
            self._break(match[0])
        elif token.kind == "tie":
            for last in self._last:
                last.tie_start = True
                self._ties.add(last.midi)
        else:
            self._read_sign(token)

    def _read_sign(self, token: Token) -> None:
        match = token.match
        if token.kind == "field":
            self.read_field(match[1], match[2])
        elif token.kind == "decoration":
            self._decorate(match[1] or match[2] or "")
        elif token.kind == "shorthand" and match[0] in _SHORTHANDS:
            self._decorate(_SHORTHANDS[match[0]])
        elif token.kind == "slur_start":
            self._marks.append("(")
        elif token.kind == "slur_stop":
            self._slurs = max(self._slurs - 1, 0)
        elif token.kind == "overlay":
            self._overlay += 1
            self._offset = Fraction(0)
        elif token.kind == "text" and len(match[0]) > 2 and match[0][1] in "^_<>@":
            self._current().words.append((self._offset, match[0].strip('"')[1:]))
        elif token.kind == "unknown":
            message = f'"{match[0]}" is no music and is passed over'
            self.findings.add("unknown_sign", message, part=self.part.id, measure=self._current().number)

    def _decorate(self, name: str) -> None:
        bar = self._current()
        if name in _JUMPS:
            bar.words.append((self._offset, _JUMPS[name]))
        elif name == "segno":
            bar.segno = True
        elif name in _SWELLS:
            self.part.dynamics.append(DynamicMark(self._bar, self._offset, _SWELLS[name]))  # type: ignore[arg-type]
        elif mark := dynamic_mark(name, self._bar, self._offset):
            self.part.dynamics.append(mark)
        elif name in ("breath", "shortphrase", "mediumphrase", "longphrase", "caesura"):
            for note in self._last:
                note.breath_mark = True
        else:
            self._marks.append(name)

    def _read_chord(self, notes: list[re.Match[str]], length: Fraction) -> None:
        if not notes:
            raise ValueError("a chord without notes")
        duration = self._timed(length * (length_of(notes[0]["length"]) if len(notes) > 1 else 1))
        written = [self._add_note(note, duration, chord=index > 0) for index, note in enumerate(notes)]
        for note in written:
            note.fermata = "fermata" in self._marks
            found = {_ARTICULATIONS[mark] for mark in self._marks if mark in _ARTICULATIONS}
            note.articulations = tuple(sorted(found))
            note.tie_stop = note.midi in self._ties
            note.slurred = self._slurs > 0
        self._slurs += self._marks.count("(")
        self._marks.clear()
        self._ties.clear()
        if not self._overlay:
            self._slots.append((self._bar, written))
        self._advance(duration, written)

    def _timed(self, length: Fraction) -> Fraction:
        """Return a length in quarters, with broken rhythm and tuplet."""
        duration = length * self.state.unit_quarters * self._broken
        self._broken = Fraction(1)
        if self._tuplet_left:
            self._tuplet_left -= 1
            duration *= self._tuplet
        return duration

    def _add_note(
        self, match: re.Match[str], duration: Fraction, *, grace: bool = False, chord: bool = False
    ) -> WrittenNote:
        letter = match["letter"].upper()
        if match["sign"]:
            self._accidentals[letter] = ALTERATIONS[match["sign"]]
        alteration = self._accidentals.get(letter, self.state.key.get(letter, 0.0))
        octave = (5 if match["letter"].islower() else 4) + match["octave"].count("'") - match["octave"].count(",")
        midi = _SEMITONES[letter] + alteration + 12 * (octave + 1) + self.state.shift
        if not 0 <= midi <= 127:
            raise ValueError(f"a pitch at MIDI note {midi:g}")
        note = WrittenNote(
            self._bar, self._offset, duration, midi, (1, str(self._overlay + 1)), grace=grace, chord=chord
        )
        self._current()
        self.part.notes.append(note)
        return note

    def _advance(self, duration: Fraction, notes: list[WrittenNote]) -> None:
        self._current()
        self._offset += duration
        self._last, self._last_duration = notes, duration
        bar = self._current()
        bar.duration = max(bar.duration, self._offset)

    def _start_tuplet(self, match: re.Match[str]) -> None:
        count = int(match[1])
        if count < 2:
            raise ValueError(f"a tuplet of {count}")
        time = int(match[2]) if match[2] else _TUPLET_IN.get(count, 3 if self.state.is_compound else 2)
        self._tuplet = Fraction(time or 1, count)
        self._tuplet_left = int(match[3] or count)

    def _break(self, sign: str) -> None:
        """Lengthen the note before and shorten the next for ">", the other way round for "<"."""
        short = Fraction(1, 2 ** len(sign))
        before = 2 - short if sign[0] == ">" else short
        self._broken = short if sign[0] == ">" else 2 - short
        change = self._last_duration * (before - 1)
        for note in self._last:
            note.duration += change
        self._offset += change
        self._last_duration += change
        bar = self._current()
        bar.duration = max(bar.duration, self._offset)

    def _read_bar(self, sign: str, ending: str | None) -> None:
        if sign.startswith(":"):
            # ":|" closes the measure that has music, or the one before it where the line has just closed that.
            index = self._bar if self._offset or not self._bar else self._bar - 1
            if not self.bars:
                self._current()
            self.bars[min(index, len(self.bars) - 1)].repeat_times = (
                1 + len(sign) - len(sign.lstrip(":")) if sign != "::" else 2
            )
        closes_ending = sign.startswith(":") or sign in ("||", "|]") or bool(ending)
        if self._offset:
            self._close_bar()
        if closes_ending:
            self._ending = ()
        if sign.endswith(":") and not sign.endswith("]:"):
            self._current().repeat_start = True
        if ending:
            self._ending = ending_passes(ending)

    def _close_bar(self) -> None:
        bar = self._current()
        bar.duration = max(bar.duration, self._offset)
        if self._ending and self.is_top:
            bar.endings = self._ending
        self._bar += 1
        self._offset = Fraction(0)
        self._overlay = 0
        self._accidentals.clear()

    def _current(self) -> Bar:
        while self._bar >= len(self.bars):
            number = str(len(self.bars) + 1)
            self.bars.append(new_bar(self.bars, number, self.state.beats, self.state.beat_type, self.name))
        return self.bars[self._bar]
