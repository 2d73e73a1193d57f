"""One staff's measures → its written notes; what all staves share goes into the bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from xml.etree.ElementTree import Element

from singsynth_mcp.errors import InvalidScore
from singsynth_mcp.score.assembly import WrittenPart
from singsynth_mcp.score.bars import MAX_REPEATS, Bar, new_bar
from singsynth_mcp.score.dynamics import DynamicMark, dynamic_mark
from singsynth_mcp.score.jumps import CODA_SIGN
from singsynth_mcp.score.model import Articulation
from singsynth_mcp.score.musescore.lyrics import plain_text, read_lyrics
from singsynth_mcp.score.musicxml.directions import ending_passes
from singsynth_mcp.score.musicxml.metronome import NOTE_TYPES
from singsynth_mcp.score.voices import WrittenNote

_GRACES_AFTER = frozenset({"grace8after", "grace16after", "grace32after"})
_GRACES = _GRACES_AFTER | {"acciaccatura", "appoggiatura", "grace4", "grace8", "grace16", "grace32", "grace64"}
_MARKERS = {"fine": "Fine", "coda": "To Coda", "tocoda": "To Coda", "tocodasym": "To Coda", "codab": CODA_SIGN,
            "varcoda": CODA_SIGN, "codetta": CODA_SIGN}  # fmt: skip
_LONGEST = 10_000
_MOST_BEATS = 1024


@dataclass
class StaffReader:
    """Reads a staff, measure by measure; a part of several staves has a reader for each."""

    part: WrittenPart
    staff: int
    """Within the part, from 1."""
    bars: list[Bar]
    name: str
    is_top: bool = True
    _beats: int = 4
    _beat_type: int = 4
    _cursor: Fraction = Fraction(0)
    _ratios: list[Fraction] = field(default_factory=list)
    _slurs: dict[int, int] = field(default_factory=dict)
    """Open slurs of each voice."""
    _fermata: bool = False
    _last: list[WrittenNote] = field(default_factory=list)
    _after: list[WrittenNote] = field(default_factory=list)
    """Grace notes that come after the next chord, before which they stand in the file."""

    def read(self, measures: list[Element]) -> None:
        """Read the staff. Raises InvalidScore with part and measure where a number cannot be read."""
        for index, measure in enumerate(measures):
            number = str(index + 1)
            if index == len(self.bars):
                self.bars.append(new_bar(self.bars, number, self._beats, self._beat_type, self.name))
            try:
                self._read_measure(index, measure)
            except (ValueError, ZeroDivisionError) as error:
                message = f"{self.name}: part {self.part.name}, measure {number}: cannot read {error}"
                hint = "Mend that measure, or export the score as MusicXML"
                raise InvalidScore(message, hint=hint, part=self.part.id, measure=number) from error

    def _read_measure(self, index: int, measure: Element) -> None:
        bar = self.bars[index]
        for child in measure:
            if child.tag == "startRepeat":
                bar.repeat_start = True
            elif child.tag == "endRepeat":
                text = child.text or ""
                bar.repeat_times = min(int(text), MAX_REPEATS) if text.isdecimal() and len(text) < 9 else 2
            elif child.tag == "Jump":
                self._read_jump(bar, child)
            elif child.tag == "Marker":
                self._read_marker(bar, child)
        for number, voice in enumerate(measure.findall("voice")):
            self._cursor = Fraction(0)
            self._ratios.clear()
            self._last = []
            for element in voice:
                self._read_element(index, number, element)
            bar.duration = max(bar.duration, self._cursor)
        written = measure.get("len")
        if written:
            bar.duration = self._fraction(written)
        elif bar.duration and measure.find("irregular") is None:
            bar.duration = max(bar.duration, bar.nominal)

    def _read_element(self, index: int, voice: int, element: Element) -> None:
        tag = element.tag
        bar = self.bars[index]
        if tag == "Chord":
            self._read_chord(index, voice, element)
        elif tag == "Rest":
            self._fermata, self._last = False, []
            self._cursor += self._duration(element)
        elif tag == "location":
            self._cursor = max(
                self._cursor + self._fraction(element.findtext("fractions") or "0", signed=True), Fraction(0)
            )
        elif tag == "Tuplet":
            counts = (int(element.findtext(key) or 0) for key in ("normalNotes", "actualNotes"))
            self._ratios.append(Fraction(*counts) * self._ratio)
        elif tag == "endTuplet" and self._ratios:
            self._ratios.pop()
        elif tag == "TimeSig":
            self._read_meter(bar, element)
        elif tag == "Tempo":
            self._read_tempo(bar, element)
        elif tag in ("StaffText", "SystemText", "Expression"):
            bar.words.append((self._cursor, plain_text(element.find("text"))))
        elif tag in ("Jump", "Marker"):
            (self._read_jump if tag == "Jump" else self._read_marker)(bar, element)
        elif tag == "Spanner":
            self._read_spanner(index, element)
        elif tag == "Dynamic":
            mark = dynamic_mark(element.findtext("subtype") or "", index, self._cursor)
            self.part.dynamics += [mark] if mark else []
        elif tag == "Fermata":
            self._fermata = True
        elif tag == "Breath":
            for note in self._last:
                note.breath_mark = True

    @property
    def _ratio(self) -> Fraction:
        return self._ratios[-1] if self._ratios else Fraction(1)

    def _duration(self, element: Element) -> Fraction:
        kind = element.findtext("durationType") or ""
        written = element.findtext("duration")
        if kind == "measure" or written:  # a tremolo of two chords gives each half of what its sign says
            return self._fraction(written or f"{self._beats}/{self._beat_type}")
        if kind not in NOTE_TYPES:
            raise ValueError(f'the note type "{kind}"')
        dots = int(element.findtext("dots") or 0)
        if not 0 <= dots <= 4:
            raise ValueError(f"{dots} dots")
        return NOTE_TYPES[kind] * (2 - Fraction(1, 2**dots)) * self._ratio

    @staticmethod
    def _fraction(text: str, *, signed: bool = False) -> Fraction:
        """Return quarters of "3/8", a fraction of a whole note."""
        top, _, bottom = text.strip().partition("/")
        quarters = Fraction(int(top), int(bottom or 1)) * 4
        if not (-_LONGEST if signed else 0) <= quarters <= _LONGEST:
            raise ValueError(f"the length {text}")
        return quarters

    def _read_chord(self, index: int, voice: int, chord: Element) -> None:
        kinds = {child.tag for child in chord}
        grace = not _GRACES.isdisjoint(kinds)
        duration = Fraction(0) if grace else self._duration(chord)
        if "small" in kinds and "Lyrics" not in kinds:  # as cue notes are: an alternative, or another's part
            self._cursor += duration
            return
        lyrics = read_lyrics(chord.findall("Lyrics"))
        marks = [child.findtext("subtype") or "" for child in chord.findall("Articulation")]
        slurred = self._slurs.get(voice, 0) > 0
        notes: list[WrittenNote] = []
        for element in chord.findall("Note"):
            midi = float(int(element.findtext("pitch") or ""))
            if not 0 <= midi <= 127:
                raise ValueError(f"a pitch at MIDI note {midi:g}")
            ties = [spanner for spanner in element.findall("Spanner") if spanner.get("type") == "Tie"]
            notes.append(
                WrittenNote(
                    index, self._cursor, duration, midi, (self.staff, str(voice + 1)), lyrics, grace,
                    tie_start=any(tie.find("next") is not None for tie in ties),
                    tie_stop=any(tie.find("prev") is not None for tie in ties),
                    slurred=slurred, fermata=self._fermata or any("ermata" in mark for mark in marks),
                    chord=bool(notes), articulations=_articulations(marks),
                )
            )  # fmt: skip
        for spanner in chord.findall("Spanner"):
            if spanner.get("type") == "Slur":
                change = 1 if spanner.find("next") is not None else -1
                self._slurs[voice] = max(self._slurs.get(voice, 0) + change, 0)
        if not _GRACES_AFTER.isdisjoint(kinds):
            self._after += notes
            return
        self.part.notes += notes
        self._cursor += duration
        if not grace:
            self._fermata, self._last = False, notes
            for note in self._after:
                note.offset = self._cursor
            self.part.notes += self._after
            self._after = []

    def _read_meter(self, bar: Bar, element: Element) -> None:
        self._beats, self._beat_type = (int(element.findtext(key) or 4) for key in ("sigN", "sigD"))
        if not (0 < self._beats <= _MOST_BEATS and 0 < self._beat_type <= _MOST_BEATS):
            raise ValueError(f"the meter {self._beats}/{self._beat_type}")
        bar.beats, bar.beat_type = self._beats, self._beat_type

    def _read_tempo(self, bar: Bar, element: Element) -> None:
        """Read a tempo in quarters a second."""
        text = element.findtext("tempo") or "0"
        try:
            tempo = float(text) * 60
        except ValueError:
            raise ValueError(f"the tempo {text[:20]}") from None
        bar.tempos.append((self._cursor, 1, round(tempo, 3) if tempo == tempo else 0.0))
        bar.words.append((self._cursor, plain_text(element.find("text"))))

    def _read_spanner(self, index: int, spanner: Element) -> None:
        kind = spanner.get("type")
        if kind == "HairPin":
            swell = spanner.findtext("HairPin/subtype") or "0"
            begins = "diminuendo" if swell in ("1", "3") else "crescendo"
            what = "stop" if spanner.find("prev") is not None else begins
            self.part.dynamics.append(DynamicMark(index, self._cursor, what))  # type: ignore[arg-type]
        elif kind == "Volta" and spanner.find("next") is not None and self.is_top:
            text = spanner.findtext("Volta/endings") or plain_text(spanner.find("Volta/beginText"))
            length = int(spanner.findtext("next/location/measures") or 1)
            passes = ending_passes(text)
            for place in range(index, index + max(min(length, 200), 1)):
                while place >= len(self.bars):
                    number = str(len(self.bars) + 1)
                    self.bars.append(new_bar(self.bars, number, self._beats, self._beat_type, self.name))
                self.bars[place].endings = passes

    def _read_jump(self, bar: Bar, jump: Element) -> None:
        target = jump.findtext("jumpTo") or "start"
        until = {"fine": " al Fine", "coda": " al Coda"}.get(jump.findtext("playUntil") or "", "")
        bar.words.append((self._cursor, ("D.C." if target == "start" else "D.S.") + until))

    def _read_marker(self, bar: Bar, marker: Element) -> None:
        label = (marker.findtext("label") or "").lower()
        if label in ("segno", "varsegno"):
            bar.segno = True
        elif label in _MARKERS:
            bar.words.append((self._cursor, _MARKERS[label]))


def _articulations(marks: list[str]) -> tuple[Articulation, ...]:
    found: set[Articulation] = set()
    for mark in marks:
        lowered = mark.lower()
        if "staccat" in lowered or "staccatissimo" in lowered:
            found.add("staccato")
        if "tenuto" in lowered or "portato" in lowered:
            found.add("tenuto")
        if "accent" in lowered or "marcato" in lowered or "sforzato" in lowered:
            found.add("accent")
    return tuple(sorted(found))
