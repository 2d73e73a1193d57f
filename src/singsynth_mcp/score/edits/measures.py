"""Edits of whole measures: copy, insert, delete, repeat, unfold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from singsynth_mcp.contracts.edits import (
    CopyMeasures,
    DeleteMeasures,
    InsertMeasures,
    RepeatMeasures,
    UnfoldRepeats,
)
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.score.edits.addresses import measure_index, measures_of
from singsynth_mcp.score.edits.draft import Draft, DraftLine
from singsynth_mcp.score.edits.runs import Run, arrange, own_notes, plain
from singsynth_mcp.score.edits.unfolding import unfold
from singsynth_mcp.score.model import Measure, Note


def copy_measures(draft: Draft, operation: CopyMeasures) -> str:
    """Paste measures over others, or insert them."""
    start, stop = measures_of(draft, operation.where)
    target = _target(draft, operation.to)
    if operation.insert:
        if operation.part is not None:
            raise InvalidRequest("Measures are inserted in every part", hint="Leave part out, or insert=false")
        runs = [Run(0, target), Run(start, stop, is_copy=True), Run(target, len(draft.measures))]
        arrange(draft, runs)
        return f"measures {operation.where} inserted before {operation.to}; the measures are numbered anew"
    count = stop - start
    if target + count > len(draft.measures):
        message = f"{count} measures from {operation.to} on would go beyond the last measure"
        raise InvalidRequest(message, hint="insert=true makes room; or use insert_measures first")
    pairs = [(draft.measures[start + index], draft.measures[target + index]) for index in range(count)]
    for source, place in pairs:
        if source.duration != place.duration:
            message = f"Measure {place.number} is not as long as measure {source.number}"
            raise InvalidRequest(message, hint="Paste over measures of the same length, or insert=true")
    made = sum(_paste(draft, line, start, target, count) for line in draft.lines_named(operation.part))
    draft.index_notes()
    where = operation.part or "every part"
    return f"{where}: measures {operation.where} pasted from measure {operation.to} on, {made} notes"


def _paste(draft: Draft, line: DraftLine, start: int, target: int, count: int) -> int:
    by_measure = own_notes(draft.measures, line.notes)
    first, last = draft.measures[target], draft.measures[target + count - 1]
    begin, end = first.position, last.position + last.duration
    source_end = draft.measures[start + count - 1].position + draft.measures[start + count - 1].duration
    copies: list[Note] = []
    for index in range(start, start + count):
        for note in by_measure[index]:
            shift = draft.measures[target + index - start].position - draft.measures[index].position
            length = min(note.duration, source_end - note.position)
            copy = replace(note, id=draft.new_id(), duration=length, position=note.position + shift)
            copies.append(replace(copy, measure=draft.measures[target + index - start].number))
    kept: list[Note] = []
    for index, notes in enumerate(by_measure):
        if target <= index < target + count:
            continue
        for note in notes:
            is_over = note.position < begin < note.position + note.duration
            kept.append(replace(note, duration=begin - note.position) if is_over else note)
    later = [note for note in kept if note.position >= end]
    earlier = [note for note in kept if note.position < end]
    draft.replace_notes(line, [*earlier, *copies, *later])
    return len(copies)


def insert_measures(draft: Draft, operation: InsertMeasures) -> str:
    """Insert empty measures with the meter of the one before."""
    target = _target(draft, operation.measure)
    model = draft.measures[max(target - 1, 0)]
    length = Fraction(4 * model.beats, model.beat_type)
    empty = replace(plain(model), duration=length)
    arrange(
        draft,
        [Run(0, target), Run(target, target, empty=(empty,) * operation.count), Run(target, len(draft.measures))],
    )
    return f"{operation.count} empty measures of {model.beats}/{model.beat_type} before {operation.measure}"


def delete_measures(draft: Draft, operation: DeleteMeasures) -> str:
    """Cut measures out of every part."""
    start, stop = measures_of(draft, operation.where)
    if stop - start == len(draft.measures):
        raise InvalidRequest("No measure would be left", hint="Delete fewer")
    before = sum(len(line.notes) for line in draft.lines())
    arrange(draft, [Run(0, start), Run(stop, len(draft.measures))])
    gone = before - sum(len(line.notes) for line in draft.lines())
    return f"measures {operation.where} deleted with {gone} notes; the measures are numbered anew"


def repeat_measures(draft: Draft, operation: RepeatMeasures) -> str:
    """Put repeat signs round measures."""
    start, stop = measures_of(draft, operation.where)
    _check_no_repeats(draft.measures, start, stop)
    draft.measures[start] = replace(draft.measures[start], repeat_start=True)
    draft.measures[stop - 1] = replace(draft.measures[stop - 1], repeat_times=operation.times)
    return f"measures {operation.where} are played {operation.times} times; pass n sings verse n"


def _check_no_repeats(measures: Sequence[Measure], start: int, stop: int) -> None:
    """Raise InvalidRequest where repeats would meet: roadmaps do not nest."""
    hint = "Use unfold_repeats first, or copy_measures with insert"
    for measure in measures[start:stop]:
        if measure.repeat_start or measure.repeat_times or measure.endings or measure.jump:
            raise InvalidRequest(f"Measure {measure.number} has repeat signs, endings or a jump", hint=hint)
    for measure in measures[stop:]:
        if measure.repeat_start:
            return
        if measure.repeat_times or measure.endings:
            raise InvalidRequest(f"A repeat that ends with measure {measure.number} lies round them", hint=hint)


def unfold_repeats(draft: Draft, operation: UnfoldRepeats) -> str:
    """Write the playing order out."""
    before = len(draft.measures)
    unsung = unfold(draft)
    if unsung:
        listing = ", ".join(map(str, unsung))
        draft.warn("verse_not_reached", f"The repeats never came to verse {listing}: its words are gone")
    return f"{before} measures written out as {len(draft.measures)}; pass n's verse is verse 1 now"


def _target(draft: Draft, number: str) -> int:
    return len(draft.measures) if number.strip().lower() == "end" else measure_index(draft, number)
