"""Edits of time: tempo, ritardandi, onsets and lengths of many notes at once."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from random import Random

from singsynth_mcp.contracts.edits import FillRests, Humanise, Quantise, Retime, Ritardando, SetTempo
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.score.edits.addresses import chosen, measure_index, span_of
from singsynth_mcp.score.edits.draft import Draft, DraftLine, quarters
from singsynth_mcp.score.model import Measure, Note, Tempo, TempoBend
from singsynth_mcp.score.tempo import TempoMap

_FINEST = 960
"""Parts of a quarter that humanise knows: finer than anybody hears, and still exact."""


def set_tempo(draft: Draft, operation: SetTempo) -> str:
    """Set a tempo, or scale those there are, from a measure to the end."""
    if (operation.quarters_per_minute is None) == (operation.scale is None):
        raise InvalidRequest("set_tempo takes quarters_per_minute or scale", hint="Give exactly one of the two")
    start = Fraction(0)
    if operation.measure is not None:
        start = draft.measures[measure_index(draft, operation.measure)].position
    before = [tempo for tempo in draft.tempos if tempo.position < start]
    if operation.quarters_per_minute is not None:
        after = [Tempo(start, operation.quarters_per_minute)]
    else:
        scale = operation.scale or 1
        current = [tempo for tempo in draft.tempos if tempo.position <= start][-1]
        rest = [replace(current, position=start), *(tempo for tempo in draft.tempos if tempo.position > start)]
        after = [replace(tempo, quarters_per_minute=tempo.quarters_per_minute * scale) for tempo in rest]
        outside = [tempo.quarters_per_minute for tempo in after if not 5 <= tempo.quarters_per_minute <= 1000]
        if outside:
            message = f"A scale of {scale:g} makes a tempo of {outside[0]:g} quarters a minute"
            raise InvalidRequest(message, hint="Tempi go from 5 to 1000")
    draft.tempos = before + after
    since = f"from measure {operation.measure} on" if operation.measure else "from the beginning to the end"
    listing = ", ".join(f"{tempo.quarters_per_minute:g}" for tempo in after[:8]) + (" …" if len(after) > 8 else "")
    return f"{listing} quarters a minute {since}; {_seconds(draft):.1f} s without repeats"


def ritardando(draft: Draft, operation: Ritardando) -> str:
    """Bend the tempo over a range; what bent it there before is gone."""
    span = span_of(draft, operation.where)
    kept = [bend for bend in draft.bends if bend.end <= span.start or bend.position >= span.end]
    gone = len(draft.bends) - len(kept)
    made = TempoBend(span.start, span.end, 1.0, operation.factor)
    draft.bends = sorted([*kept, made], key=lambda bend: bend.position)
    verb = "slower" if operation.factor < 1 else "faster"
    told = f"; {gone} before it there gave way" if gone else ""
    return f"{span.text}: steadily {verb}, to {operation.factor:g} of the tempo{told}; {_seconds(draft):.1f} s in all"


def _seconds(draft: Draft) -> float:
    return TempoMap(draft.tempos, bends=draft.bends).seconds_at(draft.end)


def retime(draft: Draft, operation: Retime) -> str:
    """Shift or stretch the notes of a range."""
    shift, scale = quarters(operation.shift), quarters(operation.scale)
    if not shift and scale == 1:
        raise InvalidRequest("retime changes nothing", hint="Give shift (quarters) or scale")
    start = span_of(draft, operation.where).start
    count = 0
    for line, indices in chosen(draft, operation.part, operation.where):
        moved = {
            index: replace(
                draft.placed(note, start + (note.position - start) * scale + shift), duration=note.duration * scale
            )
            for index in indices
            for note in (line.notes[index],)
        }
        draft.replace_notes(line, [moved.get(index, note) for index, note in enumerate(line.notes)])
        count += len(moved)
    return f"{operation.where}: {count} notes shifted by {float(shift):g} quarters, stretched by {float(scale):g}"


def quantise(draft: Draft, operation: Quantise) -> str:
    """Move onsets and ends to the nearest points of a grid that begins anew with each measure."""
    grid = quarters(operation.grid)
    changed = 0
    for line, indices in chosen(draft, operation.part, operation.where):
        wanted = set(indices)
        notes = [_on_grid(draft, note, grid) if index in wanted else note for index, note in enumerate(line.notes)]
        notes = _untangled(draft, notes, wanted, grid)
        changed += sum(new != old for new, old in zip(notes, line.notes, strict=True))
        draft.replace_notes(line, notes)
    return f"{operation.where or operation.part or 'every part'}: {changed} notes moved to a grid of {float(grid):g}"


def _on_grid(draft: Draft, note: Note, grid: Fraction) -> Note:
    start = _nearest(_measure_of(draft, note).position, note.position, grid)
    end = _nearest(_measure_of(draft, note).position, note.position + note.duration, grid)
    placed = draft.placed(note, start) if start != note.position else note
    return note if note.grace else replace(placed, duration=max(end - start, grid))


def _nearest(origin: Fraction, position: Fraction, grid: Fraction) -> Fraction:
    return origin + round((position - origin) / grid) * grid


def _untangled(draft: Draft, notes: list[Note], wanted: set[int], grid: Fraction) -> list[Note]:
    """Push apart notes that the grid put together, and cut what reaches into the next; grace notes stay with theirs."""
    main = [index for index, note in enumerate(notes) if not note.grace]
    for before, after in pairwise(main):
        if before not in wanted and after not in wanted:
            continue
        first, second = notes[before], notes[after]
        if after in wanted and second.position <= first.position:
            second = draft.placed(second, first.position + grid)
        if before in wanted and first.position + first.duration > second.position > first.position:
            first = replace(first, duration=second.position - first.position)
        elif after in wanted and first.position + first.duration > second.position:
            end = first.position + first.duration
            length = max(second.position + second.duration - end, grid)
            second = replace(draft.placed(second, end), duration=length)
        notes[before], notes[after] = first, second
    for index in range(len(notes) - 2, -1, -1):
        if notes[index].grace and index in wanted:
            notes[index] = replace(notes[index], position=notes[index + 1].position)
    return notes


def humanise(draft: Draft, operation: Humanise) -> str:
    """Move onsets and pitches a little, by a seed and each note's id: other edits leave the choice as it is."""
    count = 0
    for line, indices in chosen(draft, operation.part, operation.where):
        onsets = {index: _loosened(draft, line, index, operation) for index in indices if not line.notes[index].grace}
        notes = list(line.notes)
        for index, position in onsets.items():
            note = line.notes[index]
            end = note.position + note.duration
            draw = Random(f"{operation.seed}:pitch:{note.id}").uniform(-1, 1)
            midi = min(max(note.midi + round(draw * operation.cents) / 100, 0), 127)
            notes[index] = replace(draft.placed(note, position), duration=end - position, midi=midi)
        for index, note in enumerate(notes):
            _hold_up_to_next(notes, line.notes, index, note)
        draft.replace_notes(line, notes)
        count += len(onsets)
    return f"{operation.where or operation.part or 'every part'}: {count} notes loosened with seed {operation.seed}"


def _loosened(draft: Draft, line: DraftLine, index: int, operation: Humanise) -> Fraction:
    """Return a new onset: within the measure, never more than a quarter of this note's or the neighbour's length."""
    note = line.notes[index]
    before = next((one for one in reversed(line.notes[:index]) if not one.grace), None)
    measure = _measure_of(draft, note)
    most = min([Fraction(operation.timing), note.duration / 4, *([before.duration / 4] if before else [])])
    shift = Fraction(round(Random(f"{operation.seed}:{note.id}").uniform(-1, 1) * float(most) * _FINEST), _FINEST)
    last = measure.position + measure.duration
    return min(max(note.position + shift, measure.position), max(note.position, last - Fraction(1, _FINEST)))


def _hold_up_to_next(notes: list[Note], old: list[Note], index: int, note: Note) -> None:
    """Let a note end where the next one begins if it did before, or if it would reach into it; grace notes follow."""
    following = next((place for place in range(index + 1, len(old)) if not old[place].grace), None)
    if following is None:
        return
    start = notes[following].position
    if note.grace:
        if old[index].position == old[following].position:
            notes[index] = replace(note, position=start)
        return
    touched = old[index].position + old[index].duration == old[following].position
    if touched or note.position + note.duration > start:
        notes[index] = replace(note, duration=start - note.position)


def _measure_of(draft: Draft, note: Note) -> Measure:
    """Return the measure in which a note begins."""
    index = bisect_right(draft.measures, note.position, key=lambda measure: measure.position) - 1
    return draft.measures[max(index, 0)]


def fill_rests(draft: Draft, operation: FillRests) -> str:
    """Hold notes through the short rests after them, except where a breath is marked."""
    longest = quarters(operation.longest)
    count = 0
    for line, indices in chosen(draft, operation.part, operation.where):
        for index in indices:
            note = line.notes[index]
            if index + 1 == len(line.notes) or note.grace or note.breath_mark:
                continue
            gap = line.notes[index + 1].position - note.position - note.duration
            if 0 < gap <= longest:
                draft.set(line, index, replace(note, duration=note.duration + gap))
                count += 1
    where = operation.where or operation.part or "every part"
    return f"{where}: {count} notes held through the rests after them"
