"""A score put together anew from runs of its measures: notes, tempos, keys, loudness and bends move along."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.score.edits.draft import Draft
from singsynth_mcp.score.edits.marks import loudness_at
from singsynth_mcp.score.model import Key, Loudness, Measure, Note, Tempo, TempoBend

MOST_MEASURES = 20_000
State = TypeVar("State", bound=Tempo | Key)


@dataclass(frozen=True)
class Run:
    """Measures from `first` to before `last`, in the order in which they stand; or new, empty ones."""

    first: int
    last: int
    is_copy: bool = False
    """Its notes get ids of their own."""
    empty: tuple[Measure, ...] = ()


@dataclass(frozen=True)
class Placed:
    """A run at its new place."""

    run: Run
    start: Fraction
    """In the old score."""
    end: Fraction
    shift: Fraction


def plain(measure: Measure) -> Measure:
    """Return a measure without repeats, endings and jumps."""
    return Measure(
        measure.number, measure.position, measure.duration, measure.beats, measure.beat_type, swing=measure.swing
    )


def own_notes(measures: Sequence[Measure], notes: Sequence[Note]) -> list[list[Note]]:
    """Return a line's notes by measure; grace notes at a measure's very end stay in it."""
    starts = [measure.position for measure in measures]
    by_measure: list[list[Note]] = [[] for _ in starts]
    for note in notes:
        index = bisect_right(starts, note.position) - 1
        if note.grace and index and note.position == starts[index] and note.measure != measures[index].number:
            index -= 1
        by_measure[index].append(note)
    return by_measure


def arrange(draft: Draft, runs: Sequence[Run], *, is_played: bool = False) -> list[Placed]:
    """Put the draft together from runs. Returns where they are now.

    A note that is held over a run's end is cut there, unless `is_played`: in playing order it is held up to the next
    note. Raises InvalidRequest where the score becomes too long.
    """
    runs = [run for run in runs if run.last > run.first or run.empty]
    count = sum(run.last - run.first + len(run.empty) for run in runs)
    if not 1 <= count <= MOST_MEASURES:
        raise InvalidRequest(f"The score would have {count} measures", hint=f"At most {MOST_MEASURES} are taken")
    placed, measures = _placed(draft, runs, is_plain=is_played)
    numbers = [measure.number for measure in measures]
    for line in draft.lines():
        by_measure = own_notes(draft.measures, line.notes)
        notes: list[Note] = []
        target = 0
        for one in placed:
            for index in range(one.run.first, one.run.last):
                notes += [_moved(draft, note, one, numbers[target], is_played) for note in by_measure[index]]
                target += 1
            target += len(one.run.empty)
        line.notes[:] = _cut_to_next(notes) if is_played else notes
        line.is_touched = True
    for part in draft.parts:
        if part.loudness:
            part.loudness = _moved_loudness(part.loudness, placed)
    draft.tempos = _moved_states(draft.tempos, placed)
    draft.keys = _moved_states(draft.keys, placed) if draft.keys else []
    draft.bends = _moved_bends(draft.bends, placed)
    draft.measures = measures
    draft.index_notes()
    return placed


def _placed(draft: Draft, runs: Sequence[Run], *, is_plain: bool) -> tuple[list[Placed], list[Measure]]:
    placed: list[Placed] = []
    measures: list[Measure] = []
    position = Fraction(0)
    first = draft.measures[0].number
    number = 0 if first in ("0", "X1") and runs[0].first == 0 and not runs[0].empty else 1
    for run in runs:
        own = draft.measures[run.first : run.last]
        start = own[0].position if own else Fraction(0)
        end = own[-1].position + own[-1].duration if own else start
        placed.append(Placed(run, start, end, position - start))
        for measure in (*own, *run.empty):
            kept = plain(measure) if is_plain or run.is_copy else measure
            label = first if not measures and number == 0 else str(number)
            measures.append(replace(kept, number=label, position=position))
            position += measure.duration
            number += 1
    return placed, measures


def _moved(draft: Draft, note: Note, place: Placed, measure: str, is_played: bool) -> Note:
    length = note.duration
    if not is_played:
        length = min(length, place.end - note.position)
    note_id = draft.new_id() if place.run.is_copy else note.id
    return replace(note, id=note_id, position=note.position + place.shift, duration=length, measure=measure)


def _cut_to_next(notes: list[Note]) -> list[Note]:
    for index, following in enumerate(notes[1:]):
        if notes[index].position + notes[index].duration > following.position:
            notes[index] = replace(notes[index], duration=max(following.position - notes[index].position, Fraction(0)))
    return notes


def _moved_states(states: Sequence[State], placed: Sequence[Placed]) -> list[State]:
    """Return what holds from a position on: at each run's beginning what held there before."""
    moved: list[State] = []
    for one in placed:
        if one.run.last == one.run.first:
            continue
        for state in states:
            following = next((other for other in states if other.position > state.position), None)
            is_over = state.position >= one.end or (following is not None and following.position <= one.start)
            if is_over:
                continue
            new = replace(state, position=max(state.position, one.start) + one.shift)
            if not moved or replace(moved[-1], position=new.position) != new:
                moved.append(new)
    if moved and moved[0].position > 0 and isinstance(moved[0], Tempo):
        moved[0] = replace(moved[0], position=Fraction(0))
    return moved


def _moved_bends(bends: Sequence[TempoBend], placed: Sequence[Placed]) -> list[TempoBend]:
    moved: list[TempoBend] = []
    for one in placed:
        for bend in bends:
            start, end = max(bend.position, one.start), min(bend.end, one.end)
            if start < end:
                slope = (bend.last - bend.first) / float(bend.end - bend.position)
                first = bend.first + slope * float(start - bend.position)
                last = bend.last if end == bend.end else bend.first + slope * float(end - bend.position)
                moved.append(TempoBend(start + one.shift, end + one.shift, first, last))
    return sorted(moved, key=lambda bend: bend.position)


def _moved_loudness(points: Sequence[Loudness], placed: Sequence[Placed]) -> list[Loudness]:
    moved: list[Loudness] = []
    for one in placed:
        inside = [point for point in points if one.start <= point.position < one.end]
        edges = [*inside]
        reaches = [point for point in points if point.position < one.start]
        if reaches and (not inside or inside[0].position > one.start):
            edges.insert(0, Loudness(one.start, loudness_at(list(points), one.start)))
        elif not reaches and moved and (not inside or inside[0].position > one.start):
            # Nothing is said here yet: mf, up to the first mark.
            edges[:0] = [Loudness(one.start, 0.0), *(Loudness(inside[0].position, 0.0) for _ in inside[:1])]
        if (reaches or inside) and any(point.position >= one.end for point in points):
            edges.append(Loudness(one.end, loudness_at(list(points), one.end)))
        for point in edges:
            new = Loudness(point.position + one.shift, point.decibels)
            if not moved or moved[-1] != new:
                moved.append(new)
    return moved
