"""Which notes of a performance an address means: notes, measures or phrases, in every pass or in one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from singsynth_mcp.errors import InvalidRequest, UnknownName

_NOTE = re.compile(r"(n\d+)(?:@(\d+))?")
_PHRASES = re.compile(r"phrases?\s*(\d+)(?:\s*-\s*(\d+))?", re.IGNORECASE)
_HINT = (
    'Write notes ("n12", "n12-n20", "n12@2" for its second pass), measures ("3", "3-8", "3:2-4:1") or phrases '
    '("phrase 2", "phrases 2-4")'
)


@dataclass(frozen=True)
class Place:
    """A note of a performance, where the score has it, and when it is played."""

    note_id: str
    pass_number: int
    phrase: int
    """Index."""
    index: int
    """Of the note within its phrase."""
    measure: int
    """Index of the written measure; -1 where the score is not known to have it."""
    beat: float
    quarter: float
    """Where it is played, in quarters of the song."""

    @property
    def key(self) -> str:
        """How pins name it: "n12@1"."""
        return f"{self.note_id}@{self.pass_number}"


class Places:
    """The notes of a performance in the order in which they are sung."""

    def __init__(self, notes: Sequence[Place], measures: Sequence[str]) -> None:
        """`measures` are the score's measures as printed, in written order."""
        self.notes = tuple(notes)
        self._measures = tuple(measures)
        self._by_key = {place.key: number for number, place in enumerate(self.notes)}

    def of(self, key: str) -> Place | None:
        """Return the note that a pin names, None where it is gone."""
        number = self._by_key.get(key)
        return None if number is None else self.notes[number]

    def runs(self, where: str | None) -> list[list[Place]]:
        """Return what an address means as runs of notes that follow each other.

        Raises InvalidRequest for what is no address, UnknownName for a note, measure or phrase that is not sung here.
        """
        if where is None:
            return [list(self.notes)]
        text = where.strip()
        chosen = self._of_phrases(text) or self._of_notes(text) or self._of_measures(text)
        runs: list[list[Place]] = []
        for number in sorted(chosen):
            if runs and self._by_key[runs[-1][-1].key] == number - 1:
                runs[-1].append(self.notes[number])
            else:
                runs.append([self.notes[number]])
        return runs

    def note(self, where: str) -> list[Place]:
        """Return a note in each pass that is meant. Raises InvalidRequest for anything but one note."""
        if not _NOTE.fullmatch(where.strip()):
            raise InvalidRequest(f'"{where}" is no note', hint='Write "n12", or "n12@2" for its second pass')
        return [self.notes[number] for number in sorted(self._of_notes(where.strip()))]

    def _of_phrases(self, text: str) -> set[int]:
        match = _PHRASES.fullmatch(text)
        if match is None:
            return set()
        first, last = int(match[1]), int(match[2] or match[1])
        there = 1 + max((place.phrase for place in self.notes), default=-1)
        if not 1 <= first <= last <= there:
            raise UnknownName(f"There is no {text}", hint=f"Phrases: 1-{there}; inspect_performance lists them")
        return {number for number, place in enumerate(self.notes) if first <= place.phrase + 1 <= last}

    def _of_notes(self, text: str) -> set[int]:
        ends = [_NOTE.fullmatch(end.strip()) for end in text.split("-")]
        if len(ends) > 2 or None in ends:
            return set()
        first, last = ends[0], ends[-1]
        assert first is not None
        assert last is not None
        for end in (first, last):
            self._known(end[0], end[1], end[2])
        passes = {place.pass_number for place in self.notes if place.note_id == first[1]}
        chosen: set[int] = set()
        for number in sorted(passes):
            if first[2] is not None and int(first[2]) != number:
                continue
            start = self._by_key[f"{first[1]}@{number}"]
            stop = self._by_key.get(f"{last[1]}@{last[2] or number}")
            if stop is not None and stop >= start:
                chosen.update(range(start, stop + 1))
        if not chosen:
            raise InvalidRequest(f'The range "{text}" ends before it begins', hint=f"Write {last[0]}-{first[0]}")
        return chosen

    def _known(self, text: str, note_id: str, pass_number: str | None) -> None:
        passes = [place.pass_number for place in self.notes if place.note_id == note_id]
        if not passes:
            hint = "inspect_performance with notes=true lists those of a performance"
            raise UnknownName(f"Note {note_id} is not sung in this performance", hint=hint, note=note_id)
        if pass_number is not None and int(pass_number) not in passes:
            hint = f"It is sung in pass {', '.join(map(str, passes))}"
            raise UnknownName(f"Note {text} is not sung", hint=hint, note=note_id)

    def _of_measures(self, text: str) -> set[int]:
        ends = (text, text) if text in self._measures else _two_ends(text)
        (first, first_beat), (last, last_beat) = (self._measure(end, text) for end in ends)
        low = (first, first_beat if first_beat is not None else 0.0)
        high = (last, last_beat if last_beat is not None else float("inf"))
        chosen = {
            number for number, place in enumerate(self.notes) if low <= (place.measure, place.beat + 1e-9) and
            (place.measure, place.beat - 1e-9) <= high
        }  # fmt: skip
        if not chosen:
            raise UnknownName(f'No note is sung in "{text}"', hint=_HINT)
        return chosen

    def _measure(self, end: str, text: str) -> tuple[int, float | None]:
        number, colon, beat = end.partition(":")
        if number not in self._measures:
            raise UnknownName(f'"{text}" is no range: there is no measure {number}', hint=_HINT)
        try:
            return self._measures.index(number), float(beat) if colon else None
        except ValueError as error:
            raise InvalidRequest(f'"{end}" is no place', hint=_HINT) from error


def _two_ends(text: str) -> tuple[str, str]:
    first, hyphen, last = text.partition("-")
    if not first.strip() or (hyphen and not last.strip()):
        raise InvalidRequest(f'"{text}" is no range', hint=_HINT)
    return first.strip(), (last or first).strip()
