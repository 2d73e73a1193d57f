"""A line's notes → the <note> elements of one voice."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement

from singsynth_mcp.score.keys import key_at
from singsynth_mcp.score.model import Key, Lyric, Measure, Note
from singsynth_mcp.score.writing.notation import note_value, written_pieces
from singsynth_mcp.score.writing.spelling import spelled


@dataclass(frozen=True)
class Piece:
    """What of a note lies in one measure."""

    note: Note
    offset: Fraction
    duration: Fraction
    is_first: bool
    is_last: bool
    tied_on: bool
    """The next note is tied to this one, with a syllable of its own."""
    slur_starts: bool
    slur_stops: bool


def pieces_of(notes: Sequence[Note], measures: Sequence[Measure], starts: Sequence[Fraction]) -> list[list[Piece]]:
    """Return a line's notes by measure, cut at the barlines."""
    by_measure: list[list[Piece]] = [[] for _ in measures]
    for number, note in enumerate(notes):
        following = notes[number + 1] if number + 1 < len(notes) else None
        slur_starts = following is not None and following.slurred and not note.slurred
        slur_stops = note.slurred and not (following is not None and following.slurred)
        tied_on = following is not None and _ties(note, following)
        index = bisect_right(starts, note.position) - 1
        if note.grace and index and note.position == starts[index] and note.measure != measures[index].number:
            index -= 1
        position, left = note.position, note.duration
        while True:
            room = measures[index].position + measures[index].duration - position
            is_last = left <= room or index + 1 == len(measures)
            length = left if is_last else room
            is_first = position == note.position
            by_measure[index].append(
                Piece(
                    note, position - measures[index].position, length, is_first, is_last, tied_on,
                    slur_starts and is_first, slur_stops and is_last,
                )
            )  # fmt: skip
            if is_last:
                break
            left -= length
            position += length
            index += 1
    return by_measure


def _ties(note: Note, following: Note) -> bool:
    """Tell whether the next note is written as tied: reading would merge it if it had the same words."""
    touches = note.position + note.duration == following.position and note.midi == following.midi
    return following.tied and touches and bool(following.lyrics) and following.lyrics != note.lyrics


class VoiceWriter:
    """Writes one voice, measure by measure."""

    def __init__(self, voice: str, divisions: int, keys: Sequence[Key], language: str | None) -> None:
        self._voice = voice
        self._divisions = divisions
        self._keys = keys
        self._language = language
        self._tied = False

    def write_measure(self, own: Element, measure: Measure, pieces: Sequence[Piece]) -> None:
        """Write a measure's notes, with rests between them."""
        cursor = Fraction(0)
        for piece in pieces:
            if (piece.offset > cursor and not piece.note.grace) or piece.offset > cursor:
                self._add_rest(own, cursor, piece.offset)
                cursor = piece.offset
            if piece.note.grace:
                self._add_note(own, piece, None, cursor, is_first=True, is_last=True)
                continue
            lengths = written_pieces(piece.duration)
            for number, length in enumerate(lengths):
                first, last = number == 0 and piece.is_first, number == len(lengths) - 1 and piece.is_last
                self._add_note(own, piece, length, cursor, is_first=first, is_last=last)
                cursor += length
        if cursor < measure.duration:
            self._add_rest(own, cursor, measure.duration, is_whole=cursor == 0)

    def _units(self, start: Fraction, length: Fraction) -> str:
        """Return a length in divisions such that rounding never adds up."""
        return str(round((start + length) * self._divisions) - round(start * self._divisions))

    def _add_rest(self, own: Element, start: Fraction, end: Fraction, *, is_whole: bool = False) -> None:
        for length in [end - start] if is_whole else written_pieces(end - start):
            rest = SubElement(own, "note")
            sign = SubElement(rest, "rest")
            if is_whole:
                sign.set("measure", "yes")
            SubElement(rest, "duration").text = self._units(start, length)
            SubElement(rest, "voice").text = self._voice
            if not is_whole:
                _add_value(rest, length)
            start += length

    def _add_note(
        self, own: Element, piece: Piece, length: Fraction | None, start: Fraction, *, is_first: bool, is_last: bool
    ) -> None:
        note = piece.note
        element = SubElement(own, "note")
        if length is None:
            SubElement(element, "grace")
        step, alter, octave = spelled(note.midi, key_at(self._keys, note.position))
        pitch = SubElement(element, "pitch")
        SubElement(pitch, "step").text = step
        if alter:
            SubElement(pitch, "alter").text = f"{round(alter, 10):.10f}".rstrip("0").rstrip(".")
        SubElement(pitch, "octave").text = str(octave)
        if length is not None:
            SubElement(element, "duration").text = self._units(start, length)
        stops, starts = self._tied, length is not None and (not is_last or piece.tied_on)
        self._tied = starts if length is not None else self._tied
        ties = [kind for kind, is_there in (("stop", stops and length is not None), ("start", starts)) if is_there]
        for kind in ties:
            SubElement(element, "tie", type=kind)
        SubElement(element, "voice").text = self._voice
        if length is None:
            SubElement(element, "type").text = "eighth"
        else:
            _add_value(element, length)
        _add_notations(element, piece, ties, is_first=is_first, is_last=is_last)
        if is_first:
            for lyric in note.lyrics:
                self._add_lyric(element, lyric)

    def _add_lyric(self, element: Element, lyric: Lyric) -> None:
        entry = SubElement(element, "lyric", number=str(lyric.verse))
        for number, syllable in enumerate(lyric.syllables):
            if number:
                SubElement(entry, "elision").text = "\u203f"
            if number == 0:
                SubElement(entry, "syllabic").text = lyric.syllabic
            text = SubElement(entry, "text")
            text.text = "".join(letter for letter in syllable if letter >= " " and letter not in "\ufffe\uffff")
            if lyric.language and lyric.language != self._language:
                text.set("xml:lang", lyric.language)
        if lyric.extend:
            SubElement(entry, "extend")


def _add_value(element: Element, length: Fraction) -> None:
    value = note_value(length)
    if value is None:
        return
    name, dots, tuplet = value
    SubElement(element, "type").text = name
    for _ in range(dots):
        SubElement(element, "dot")
    if tuplet is not None:
        modification = SubElement(element, "time-modification")
        SubElement(modification, "actual-notes").text = str(tuplet[0])
        SubElement(modification, "normal-notes").text = str(tuplet[1])


def _add_notations(element: Element, piece: Piece, ties: Sequence[str], *, is_first: bool, is_last: bool) -> None:
    note = piece.note
    notations = Element("notations")
    for kind in ties:
        SubElement(notations, "tied", type=kind)
    if piece.slur_stops and is_last:
        SubElement(notations, "slur", type="stop", number="1")
    if piece.slur_starts and is_first:
        SubElement(notations, "slur", type="start", number="1")
    if note.fermata and is_last:
        SubElement(notations, "fermata")
    marks = [*(note.articulations if is_first else ()), *(["breath-mark"] if note.breath_mark and is_last else [])]
    if marks:
        articulations = SubElement(notations, "articulations")
        for mark in marks:
            SubElement(articulations, mark)
    if len(notations):
        element.append(notations)
