"""Edits of pitch: transpose, keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from singsynth_mcp.contracts.edits import SetKey, Transpose
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.score.edits.addresses import chosen, measure_index
from singsynth_mcp.score.edits.draft import Draft, described
from singsynth_mcp.score.keys import key_at, key_name, key_named, keys_of, moved_in_scale
from singsynth_mcp.score.model import Key, Note
from singsynth_mcp.score.pitch import midi_of, pitch_name

RANGES = {
    "soprano": "C4-A5", "mezzo": "A3-F5", "mezzo-soprano": "A3-F5", "alto": "F3-D5", "contralto": "F3-D5",
    "tenor": "C3-A4", "baritone": "A2-F4", "bass": "E2-E4", "child": "A3-E5",
}  # fmt: skip
"""What choirs write for."""
Notes = list[tuple[Note, Callable[[Note], None]]]


def transpose(draft: Draft, operation: Transpose) -> str:
    """Move pitches by semitones, by steps of the key, or into a range."""
    given = [name for name in ("semitones", "steps", "into") if getattr(operation, name) is not None]
    if len(given) != 1:
        message = f"transpose takes one of semitones, steps and into; here it has {' and '.join(given) or 'none'}"
        raise InvalidRequest(message, hint="semitones=-3, steps=2, or into=alto")
    places = [(line, index) for line, indices in chosen(draft, operation.part, operation.where) for index in indices]
    where = _told_where(operation)
    if not places:
        return f"{where} has no notes to transpose"
    notes = [line.notes[index] for line, index in places]
    if operation.steps is not None:
        keys = keys_of(draft.snapshot())
        moved = [moved_in_scale(note.midi, operation.steps, key_at(keys, note.position)) for note in notes]
        told = f"{operation.steps:+d} steps in {key_name(key_at(keys, notes[0].position))}"
    else:
        semitones = operation.semitones
        if operation.into is not None:
            semitones = _into(draft, operation, notes)
        assert semitones is not None
        moved = [note.midi + semitones for note in notes]
        told = f"{semitones:+g} semitones"
        if operation.part is None and operation.where is None and semitones == int(semitones):
            draft.keys = [replace(key, fifths=key.fifths + 7 * int(semitones)) for key in draft.keys]
    for (line, index), note, midi in zip(places, notes, moved, strict=True):
        if not 0 <= midi <= 127:
            message = f"{described(note)} would leave MIDI's range (0 to 127)"
            raise InvalidRequest(message, hint="Transpose by less", note=note.id)
        draft.set(line, index, replace(note, midi=midi))
    return f"{where}: {len(moved)} notes by {told}, now {pitch_name(min(moved))} to {pitch_name(max(moved))}"


def _told_where(operation: Transpose) -> str:
    where = operation.part or "every part"
    return f"{where}, {operation.where}" if operation.where else where


def _into(draft: Draft, operation: Transpose, notes: Sequence[Note]) -> float:
    """Return the semitones that bring notes into a range: none, else octaves, else the smallest move."""
    low, high = _range(operation.into or "")
    lowest, highest = min(note.midi for note in notes), max(note.midi for note in notes)
    moves = sorted(range(-60, 61), key=lambda move: (move % 12 != 0, abs(move), move < 0))
    for move in moves:
        if low <= lowest + move and highest + move <= high:
            return move
    middle = round((low + high) / 2 - (lowest + highest) / 2)
    outside = sum(not low <= note.midi + middle <= high for note in notes)
    message = f"{outside} of {len(notes)} notes stay outside {operation.into}: they span {highest - lowest:g} semitones"
    draft.warn("out_of_range", message, operation.part)
    return middle


def _range(text: str) -> tuple[float, float]:
    """Return the lowest and highest pitch of "alto" or "A3-E5". Raises InvalidRequest."""
    name = " ".join(text.lower().split())
    low, _, high = RANGES.get(name, text).partition("-")
    if not high:
        raise InvalidRequest(f'"{text[:40]}" is no range', hint=f"Write A3-E5, or one of {', '.join(RANGES)}")
    lowest, highest = midi_of(low), midi_of(high)
    if lowest >= highest:
        raise InvalidRequest(f'The range "{text[:40]}" ends before it begins', hint=f"Write {high}-{low}")
    return lowest, highest


def set_key(draft: Draft, operation: SetKey) -> str:
    """Set the key from a measure on."""
    start = Fraction(0)
    if operation.measure is not None:
        start = draft.measures[measure_index(draft, operation.measure)].position
    keys = keys_of(draft.snapshot())
    old, new = key_at(keys, start), key_named(operation.key, start)
    since = f"from measure {operation.measure} on" if operation.measure else "from the beginning to the end"
    told = f"{key_name(new)} {since}"
    if operation.move:
        told += _move(draft, old, new, start)
    before = [key for key in draft.keys if key.position < start]
    draft.keys = [*before, new]
    return told


def _move(draft: Draft, old: Key, new: Key, start: Fraction) -> str:
    """Transpose what follows from one key's tonic to the other's, by at most six semitones."""
    tonics = [7 * key.fifths + (9 if key.minor else 0) for key in (old, new)]
    semitones = (tonics[1] - tonics[0] + 6) % 12 - 6 or 0
    count = 0
    for line in draft.lines():
        for index, note in enumerate(line.notes):
            if note.position >= start:
                midi = note.midi + semitones
                if not 0 <= midi <= 127:
                    message = f"{described(note)} would leave MIDI's range (0 to 127)"
                    raise InvalidRequest(message, hint="Set the key without move", note=note.id)
                draft.set(line, index, replace(note, midi=midi))
                count += 1
    return f"; {count} notes moved from {key_name(old)} by {semitones:+d} semitones"
