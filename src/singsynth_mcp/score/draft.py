"""A score being edited: lines as lists, found by note id, put together again at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from singsynth_mcp.errors import InvalidRequest, UnknownName
from singsynth_mcp.score.lookup import find_line, find_part, verses_of
from singsynth_mcp.score.model import Line, Note, Score, Tempo
from singsynth_mcp.score.pitch import pitch_name
from singsynth_mcp.score.syllables import with_whole_words


class Draft:
    """Holds the notes of every line and the tempo map; the rest of the score stays as it is."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._lines = {line.id: list(line.notes) for part in score.parts for line in part.lines}
        self._line_of = {note.id: line for line, notes in self._lines.items() for note in notes}
        self._touched: set[str] = set()
        self._next_note = score.next_note
        self.tempos: tuple[Tempo, ...] = score.tempos

    @property
    def score(self) -> Score:
        """The score that is being edited, as it was."""
        return self._score

    def finished(self) -> Score:
        """Return the edited score."""
        parts = tuple(
            replace(part, lines=tuple(Line(line.id, self._finished_line(line)) for line in part.lines))
            for part in self._score.parts
        )
        warnings = self._score.warnings
        if any(verses_of(line) for part in parts for line in part.lines):
            warnings = tuple(warning for warning in warnings if warning.code != "no_lyrics")
        return replace(self._score, parts=parts, tempos=self.tempos, warnings=warnings, next_note=self._next_note)

    def _finished_line(self, line: Line) -> tuple[Note, ...]:
        return with_whole_words(self._lines[line.id]) if line.id in self._touched else line.notes

    def singing_line(self, name: str | None) -> str:
        """Return the id of the line that `name` means; None: the first with lyrics, else the score's first."""
        if name is not None or any(note.lyrics for notes in self._lines.values() for note in notes):
            return find_line(self._score, name)[1].id
        return next(iter(self._lines))

    def lines_named(self, name: str | None) -> list[str]:
        """Return the ids of the lines of a part, the one line of a name such as "P1/2", or all."""
        if name is None:
            return list(self._lines)
        if name in self._lines and "/" in name:
            return [name]
        return [line.id for line in find_part(self._score, name).lines]

    def notes(self, line: str) -> list[Note]:
        """Return a line's notes."""
        return self._lines[line]

    def find(self, note_id: str) -> tuple[str, int, Note]:
        """Return a note's line, place in it, and the note. Raises UnknownName."""
        line = self._line_of.get(note_id)
        if line is None:
            hint = "List the notes with parse_score (score=…, part=…)"
            raise UnknownName(f'There is no note "{note_id}"', hint=hint, note=note_id)
        for index, note in enumerate(self._lines[line]):
            if note.id == note_id:
                return line, index, note
        raise AssertionError(note_id)

    def set(self, line: str, index: int, note: Note) -> None:
        """Put a note in the place of the one that is there."""
        self._lines[line][index] = note
        self._touched.add(line)

    def insert(self, line: str, note: Note) -> None:
        """Insert a note into a rest. Raises InvalidRequest when another sounds there."""
        notes = self._lines[line]
        index = next((i for i, other in enumerate(notes) if other.position > note.position), len(notes))
        before = notes[index - 1] if index else None
        if before and not before.grace and before.position + before.duration > note.position:
            raise InvalidRequest(
                f"{described(before)} sounds at measure {note.measure}, beat {float(note.beat):g}",
                hint="Shorten or delete it first, or change it with change_note",
                note=before.id,
            )
        self.check_room(notes[index:], note)
        notes.insert(index, note)
        self._line_of[note.id] = line
        self._touched.add(line)

    def delete(self, line: str, index: int) -> None:
        """Take a note away; its id never comes back."""
        del self._line_of[self._lines[line].pop(index).id]
        self._touched.add(line)

    def new_id(self) -> str:
        """Return an id that no note has had."""
        self._next_note += 1
        return f"n{self._next_note - 1}"

    @staticmethod
    def check_room(following: list[Note], note: Note) -> None:
        """Raise InvalidRequest when `note` runs into the next one."""
        if following and following[0].position < note.position + note.duration:
            room = following[0].position - note.position
            raise InvalidRequest(
                f"{described(note)} of {float(note.duration):g} quarters would run into {described(following[0])}",
                hint=f"There is room for {float(room):g} quarters",
                note=following[0].id,
            )


def described(note: Note) -> str:
    """Return "note n12 (C4, measure 3, beat 1)"."""
    return f"note {note.id} ({pitch_name(note.midi)}, measure {note.measure}, beat {float(note.beat):g})"


def quarters(value: float) -> Fraction:
    """Return the fraction that a decimal number of quarters or beats means: 0.333 is a third."""
    return Fraction(value).limit_denominator(96)


def singing(notes: list[Note]) -> Iterator[tuple[int, Note]]:
    """Yield the notes that take syllables, with their places: all but grace notes."""
    return ((index, note) for index, note in enumerate(notes) if not note.grace)
