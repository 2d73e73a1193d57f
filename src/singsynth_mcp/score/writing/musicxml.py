"""Score → MusicXML 4.0 partwise: every note, syllable, repeat and tempo that reading finds again."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from math import lcm
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from singsynth_mcp.score.keys import key_at, keys_of, written_fifths
from singsynth_mcp.score.model import Measure, Part, Score
from singsynth_mcp.score.tempo import TempoMap
from singsynth_mcp.score.writing.marks import add_dynamics, add_left_barline, add_right_barline, add_signs, add_tempo
from singsynth_mcp.score.writing.voice import VoiceWriter, pieces_of

_MOST_DIVISIONS = 10**6
_DIVISIONS = 10_080
_DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 '
    'Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)


def musicxml_of(score: Score) -> bytes:
    """Return the score as a MusicXML file."""
    root = Element("score-partwise", version="4.0")
    SubElement(SubElement(root, "work"), "work-title").text = clean(score.title)
    identification = SubElement(root, "identification")
    SubElement(SubElement(identification, "encoding"), "software").text = "singsynth-mcp"
    if score.language:
        SubElement(SubElement(root, "defaults"), "lyric-language").set("xml:lang", score.language)
    listing = SubElement(root, "part-list")
    for part in score.parts:
        entry = SubElement(listing, "score-part", id=part.id)
        SubElement(entry, "part-name").text = clean(part.name)
    divisions = _divisions(score)
    for number, part in enumerate(score.parts):
        _PartWriter(score, part, divisions, is_first=number == 0).write(SubElement(root, "part", id=part.id))
    indent(root, " ")
    body: str = tostring(root, encoding="unicode")
    return f"{_DOCTYPE}{body}\n".encode()


def clean(text: str) -> str:
    """Return text without the control characters that XML cannot hold."""
    return "".join(letter for letter in text if letter >= " " and letter not in "\ufffe\uffff")


def _divisions(score: Score) -> int:
    lengths = [length for part in score.parts for line in part.lines for note in line.notes
               for length in (note.position, note.duration)]  # fmt: skip
    lengths += [measure.duration for measure in score.measures]
    lengths += [tempo.position for tempo in TempoMap(score.tempos, bends=score.bends).steps()]
    lengths += [point.position for part in score.parts for point in part.loudness]
    divisions = 1
    for denominator in {length.denominator for length in lengths}:
        divisions = lcm(divisions, denominator)
        if divisions > _MOST_DIVISIONS:
            return _DIVISIONS
    return divisions


class _PartWriter:
    """Writes one part."""

    def __init__(self, score: Score, part: Part, divisions: int, *, is_first: bool) -> None:
        self._score = score
        self._part = part
        self._divisions = divisions
        self._is_first = is_first
        self._keys = keys_of(score)
        starts = [measure.position for measure in score.measures]
        self._voices = [pieces_of(line.notes, score.measures, starts) for line in part.lines]
        self._tempos: dict[int, list[tuple[Fraction, float]]] = {}
        if is_first:
            for tempo in TempoMap(score.tempos, bends=score.bends).steps():
                index = bisect_right(starts, tempo.position) - 1
                offset = tempo.position - starts[index]
                self._tempos.setdefault(index, []).append((offset, tempo.quarters_per_minute))

    def write(self, element: Element) -> None:
        measures = self._score.measures
        writers = [
            VoiceWriter(str(number), self._divisions, self._keys, self._score.language)
            for number in range(1, len(self._voices) + 1)
        ]
        for index, measure in enumerate(measures):
            before = measures[index - 1] if index else None
            after = measures[index + 1] if index + 1 < len(measures) else None
            own = SubElement(element, "measure", number=clean(measure.number))
            if measure.duration != Fraction(4 * measure.beats, measure.beat_type) and index == 0:
                own.set("implicit", "yes")
            if self._is_first:
                add_left_barline(own, measure, before)
            self._add_attributes(own, measure, before)
            if self._is_first:
                add_signs(own, measure, before)
                for offset, tempo in self._tempos.get(index, ()):
                    add_tempo(own, tempo, round(offset * self._divisions))
            add_dynamics(own, self._part, measure, self._divisions, is_last=after is None)
            self._add_voices(own, measure, index, writers)
            if self._is_first:
                add_right_barline(own, measure, after)

    def _add_voices(self, own: Element, measure: Measure, index: int, writers: list[VoiceWriter]) -> None:
        length = round(measure.duration * self._divisions)
        if not writers:
            rest = SubElement(own, "note")
            SubElement(rest, "rest", measure="yes")
            SubElement(rest, "duration").text = str(length)
        for number, (writer, pieces) in enumerate(zip(writers, self._voices, strict=True)):
            if number:
                SubElement(SubElement(own, "backup"), "duration").text = str(length)
            writer.write_measure(own, measure, pieces[index])

    def _add_attributes(self, own: Element, measure: Measure, before: Measure | None) -> None:
        attributes = Element("attributes")
        if before is None:
            SubElement(attributes, "divisions").text = str(self._divisions)
        key = key_at(self._keys, measure.position)
        if before is None or key != key_at(self._keys, before.position):
            entry = SubElement(attributes, "key")
            SubElement(entry, "fifths").text = str(written_fifths(key))
            SubElement(entry, "mode").text = "minor" if key.minor else "major"
        if before is None or (before.beats, before.beat_type) != (measure.beats, measure.beat_type):
            time = SubElement(attributes, "time")
            SubElement(time, "beats").text = str(measure.beats)
            SubElement(time, "beat-type").text = str(measure.beat_type)
        if before is None:
            clef = SubElement(attributes, "clef")
            pitches = sorted(note.midi for line in self._part.lines for note in line.notes)
            is_low = bool(pitches) and pitches[len(pitches) // 2] < 55
            SubElement(clef, "sign").text = "F" if is_low else "G"
            SubElement(clef, "line").text = "4" if is_low else "2"
        if len(attributes):
            own.append(attributes)
