"""A score being edited: parts and lines as lists, notes found by id, put together again at the end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from singsynth_mcp.errors import InvalidRequest, UnknownName
from singsynth_mcp.score.lookup import find_line, find_part, verses_of
from singsynth_mcp.score.model import Line, Loudness, Measure, Note, Part, Score, ScoreWarning
from singsynth_mcp.score.pitch import pitch_name
from singsynth_mcp.score.syllables import with_whole_words

EDITS_LIMIT = 200_000
"""Notes; no edit makes a score with more."""


@dataclass(eq=False)
class DraftLine:
    """A line in the making."""

    notes: list[Note]
    is_touched: bool = False
    """Its words may be open or interrupted."""


@dataclass(eq=False)
class DraftPart:
    """A part in the making."""

    id: str
    name: str
    lines: list[DraftLine]
    percussion: bool = False
    loudness: list[Loudness] = field(default_factory=list)


class Draft:
    """Holds all that edits change."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self.parts = [
            DraftPart(part.id, part.name, [DraftLine(list(line.notes)) for line in part.lines], part.percussion,
                      list(part.loudness))
            for part in score.parts
        ]  # fmt: skip
        self.measures: list[Measure] = list(score.measures)
        self.tempos = list(score.tempos)
        self.bends = list(score.bends)
        self.keys = list(score.keys)
        self.warnings: list[ScoreWarning] = []
        """Of the edits themselves."""
        self._next_note = score.next_note
        self._home: dict[str, DraftLine] = {}
        self.index_notes()

    def index_notes(self) -> None:
        """Learn anew which line each note is in, after lines were moved."""
        self._home = {note.id: line for line in self.lines() for note in line.notes}

    def finished(self) -> Score:
        """Return the edited score."""
        parts = self._parts(whole_words=True)
        warnings = self._score.warnings
        if any(verses_of(line) for part in parts for line in part.lines):
            warnings = tuple(warning for warning in warnings if warning.code != "no_lyrics")
        return replace(self._snapshot(parts), warnings=warnings)

    def snapshot(self) -> Score:
        """Return the score as it is now, words as they are."""
        return self._snapshot(self._parts(whole_words=False))

    def _snapshot(self, parts: tuple[Part, ...]) -> Score:
        return replace(
            self._score, parts=parts, measures=tuple(self.measures), tempos=tuple(self.tempos),
            bends=tuple(self.bends), keys=tuple(self.keys), next_note=self._next_note,
        )  # fmt: skip

    def _parts(self, *, whole_words: bool) -> tuple[Part, ...]:
        return tuple(
            Part(
                part.id,
                part.name,
                tuple(
                    Line(
                        part.id if number == 1 else f"{part.id}/{number}",
                        with_whole_words(line.notes) if whole_words and line.is_touched else tuple(line.notes),
                    )
                    for number, line in enumerate(part.lines, 1)
                ),
                part.percussion,
                tuple(part.loudness),
            )
            for part in self.parts
        )

    @property
    def end(self) -> Fraction:
        """Where the last measure ends."""
        return self.measures[-1].position + self.measures[-1].duration

    def lines(self) -> Iterator[DraftLine]:
        """Yield every line."""
        return (line for part in self.parts for line in part.lines)

    def part_named(self, name: str) -> DraftPart:
        """Return a part by id or name. Raises UnknownName."""
        found = find_part(self.snapshot(), name)
        return next(part for part in self.parts if part.id == found.id)

    def line_named(self, name: str | None) -> DraftLine:
        """Return the line that `name` means; None: the first with lyrics, else the first. Raises UnknownName."""
        score = self.snapshot()
        if name is None and not any(note.lyrics for line in self.lines() for note in line.notes):
            return next(self.lines())
        part, line = find_line(score, name)
        own = next(one for one in self.parts if one.id == part.id)
        return own.lines[part.lines.index(line)]

    def lines_named(self, name: str | None) -> list[DraftLine]:
        """Return the lines of a part, the one line of a name such as "P1/2", or all. Raises UnknownName."""
        if name is None:
            return list(self.lines())
        if "/" in name and name.rpartition("/")[2].strip().isdecimal():
            return [self.line_named(name)]
        return self.part_named(name).lines

    def label(self, line: DraftLine) -> str:
        """Return a line's id: "P1", "P1/2"."""
        for part in self.parts:
            for number, other in enumerate(part.lines, 1):
                if other is line:
                    return part.id if number == 1 else f"{part.id}/{number}"
        raise AssertionError("a line of no part")

    def find(self, note_id: str) -> tuple[DraftLine, int, Note]:
        """Return a note's line, place in it, and the note. Raises UnknownName."""
        note_id = note_id.strip()
        line = self._home.get(note_id)
        if line is None:
            hint = "List the notes with parse_score (score=…, part=…)"
            raise UnknownName(f'There is no note "{note_id}"', hint=hint, note=note_id)
        for index, note in enumerate(line.notes):
            if note.id == note_id:
                return line, index, note
        raise AssertionError(note_id)

    def set(self, line: DraftLine, index: int, note: Note) -> None:
        """Put a note in the place of the one that is there."""
        line.notes[index] = note
        line.is_touched = True

    def insert(self, line: DraftLine, note: Note) -> None:
        """Insert a note into a rest. Raises InvalidRequest when another sounds there, or beyond the last measure."""
        notes = line.notes
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
        self._home[note.id] = line
        line.is_touched = True

    def delete(self, line: DraftLine, index: int) -> None:
        """Take a note away; its id never comes back."""
        del self._home[line.notes.pop(index).id]
        line.is_touched = True

    def new_id(self) -> str:
        """Return an id that no note has had."""
        self._next_note += 1
        if self._next_note > self._score.next_note + EDITS_LIMIT:
            raise InvalidRequest(f"The edits make more than {EDITS_LIMIT} notes", hint="Repeat or copy less")
        return f"n{self._next_note - 1}"

    def placed(self, note: Note, position: Fraction) -> Note:
        """Return the note at another position, its measure and beat with it."""
        index = max(bisect_right(self.measures, position, key=lambda measure: measure.position) - 1, 0)
        measure = self.measures[index]
        beat = 1 + (position - measure.position) * measure.beat_type / 4
        return replace(note, position=position, measure=measure.number, beat=beat)

    def check_room(self, following: Sequence[Note], note: Note) -> None:
        """Raise InvalidRequest when `note` runs into the next one, or beyond the last measure."""
        end = note.position + note.duration
        if following and following[0].position < end:
            room = following[0].position - note.position
            raise InvalidRequest(
                f"{described(note)} of {float(note.duration):g} quarters would run into {described(following[0])}",
                hint=f"There is room for {float(room):g} quarters",
                note=following[0].id,
            )
        if end > self.end:
            hint = f"There is room for {float(self.end - note.position):g} quarters; insert_measures makes more"
            raise InvalidRequest(f"{described(note)} would sound beyond the last measure", hint=hint, note=note.id)

    def replace_notes(self, line: DraftLine, notes: Iterable[Note]) -> None:
        """Give a line other notes, sorted by position. Raises InvalidRequest where they overlap or leave the score."""
        ordered = sorted(notes, key=lambda note: note.position)
        before: Note | None = None
        for note in ordered:
            if note.position < 0:
                raise InvalidRequest(f"{described(note)} would begin before the first measure", hint="Move it less")
            if before is not None and before.position + before.duration > note.position:
                raise InvalidRequest(
                    f"{described(before)} would sound into {described(note)}",
                    hint="Move or shorten less, or delete one of them first",
                    note=note.id,
                )
            self.check_room((), note)
            before = note if note.duration else before
        line.notes[:] = ordered
        line.is_touched = True

    def warn(self, code: str, message: str, part: str | None = None) -> None:
        """Note something that the caller should know of an edit that was done."""
        self.warnings.append(ScoreWarning(code, message, part))


def described(note: Note) -> str:
    """Return "note n12 (C4, measure 3, beat 1)"."""
    return f"note {note.id} ({pitch_name(note.midi)}, measure {note.measure}, beat {float(note.beat):g})"


def quarters(value: float) -> Fraction:
    """Return the fraction that a decimal number of quarters or beats means: 0.333 is a third."""
    return Fraction(value).limit_denominator(96)


def singing(notes: Sequence[Note]) -> Iterator[tuple[int, Note]]:
    """Yield the notes that take syllables, with their places: all but grace notes."""
    return ((index, note) for index, note in enumerate(notes) if not note.grace)
