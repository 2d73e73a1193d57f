"""Edits of single notes: change, insert, delete, move, split, merge."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from singsynth_mcp.contracts.edits import ChangeNote, DeleteNote, InsertNote, MergeNotes, MoveNote, SplitNote
from singsynth_mcp.errors import InvalidLyrics, InvalidRequest
from singsynth_mcp.score.edits.addresses import chosen, place
from singsynth_mcp.score.edits.draft import Draft, described, quarters
from singsynth_mcp.score.edits.lyrics import language_of, one_syllable, shown_text, verse_text, with_lyric
from singsynth_mcp.score.lyric_text import typed_syllables
from singsynth_mcp.score.model import Lyric, Note
from singsynth_mcp.score.pitch import midi_of, pitch_name
from singsynth_mcp.score.syllables import joined


def change_note(draft: Draft, operation: ChangeNote) -> str:
    """Change a note's pitch, duration or lyric."""
    line, index, note = draft.find(operation.note)
    changed = note
    told: list[str] = []
    if operation.pitch is not None:
        changed = replace(changed, midi=midi_of(operation.pitch))
        told.append(f"pitch {pitch_name(note.midi)} → {pitch_name(changed.midi)}")
    if operation.duration is not None:
        _check_no_grace(note)
        changed = replace(changed, duration=_length(operation.duration))
        draft.check_room(line.notes[index + 1 :], changed)
        told.append(f"duration {float(note.duration):g} → {float(changed.duration):g} quarters")
    if operation.lyric is not None:
        changed = with_lyric(changed, operation.verse, [one_syllable(operation.lyric)], language_of(line.notes))
        told.append(f'lyric "{operation.lyric}"' if operation.lyric else "no syllable")
    if not told:
        raise InvalidRequest("change_note changes nothing", hint="Give pitch, duration or lyric", note=note.id)
    draft.set(line, index, changed)
    return f"{described(note)} of {draft.label(line)}: {', '.join(told)}"


def insert_note(draft: Draft, operation: InsertNote) -> str:
    """Insert a note into a rest."""
    line = draft.line_named(operation.part)
    position = place(draft, operation.measure, operation.beat)
    note = Note(
        draft.new_id(), position, _length(operation.duration), midi_of(operation.pitch),
        operation.measure.strip(), quarters(operation.beat),
    )  # fmt: skip
    if operation.lyric:
        note = with_lyric(note, 1, [one_syllable(operation.lyric)], language_of(line.notes))
    draft.insert(line, note)
    singing = f' singing "{operation.lyric}"' if operation.lyric else ""
    return f"{draft.label(line)}: inserted {described(note)}{singing}"


def delete_note(draft: Draft, operation: DeleteNote) -> str:
    """Delete a note and tell the words that went with it."""
    line, index, note = draft.find(operation.note)
    draft.delete(line, index)
    words = " ".join("".join(lyric.syllables) for lyric in note.lyrics)
    return f"{draft.label(line)}: deleted {described(note)}" + (f' and its syllable "{words}"' if words else "")


def move_note(draft: Draft, operation: MoveNote) -> str:
    """Move a note to another beat of its line; it keeps its length."""
    line, index, note = draft.find(operation.note)
    position = place(draft, operation.measure, operation.beat)
    moved = replace(draft.placed(note, position), tied=False)
    draft.delete(line, index)
    draft.insert(line, moved)
    return f"{draft.label(line)}: {described(note)} → measure {moved.measure}, beat {float(moved.beat):g}"


def split_note(draft: Draft, operation: SplitNote) -> str:
    """Split a note into equal ones; the first keeps the syllable unless others are given."""
    line, index, note = draft.find(operation.note)
    _check_no_grace(note)
    length = note.duration / operation.pieces
    typed = typed_syllables(operation.text) if operation.text is not None else []
    if len(typed) > operation.pieces:
        message = f"{len(typed)} syllables for {operation.pieces} notes"
        raise InvalidLyrics(message, hint=f"Split into {len(typed)} pieces, or leave out {shown_text(typed[-1:])}")
    is_last = operation.pieces - 1
    draft.set(line, index, replace(note, duration=length, breath_mark=False, fermata=False))
    for number in range(1, operation.pieces):
        piece = replace(
            note, id=draft.new_id(), duration=length, lyrics=(), tied=False, slurred=not typed,
            breath_mark=note.breath_mark and number == is_last, fermata=note.fermata and number == is_last,
        )  # fmt: skip
        draft.insert(line, draft.placed(piece, note.position + number * length))
    language = language_of(line.notes)
    for number, syllable in enumerate(typed):
        draft.set(line, index + number, with_lyric(line.notes[index + number], 1, [syllable], language))
    told = f" singing {shown_text(typed)}" if typed else ""
    return f"{draft.label(line)}: {described(note)} split into {operation.pieces} of {float(length):g} quarters{told}"


def merge_notes(draft: Draft, operation: MergeNotes) -> str:
    """Merge a run of notes into its first: it lasts to the end of the last and sings all their syllables."""
    found = [(line, indices) for line, indices in chosen(draft, None, operation.where) if indices]
    if len(found) != 1 or len(found[0][1]) < 2:
        message = f'"{operation.where}" holds no two notes of one line'
        raise InvalidRequest(message, hint='Give the first and the last note: "n3-n5"')
    line, indices = found[0]
    notes = [line.notes[index] for index in indices]
    first, last = notes[0], notes[-1]
    _check_no_grace(first)
    merged = replace(
        first, duration=last.position + last.duration - first.position, lyrics=_joined_lyrics(notes),
        breath_mark=last.breath_mark, fermata=any(note.fermata for note in notes),
    )  # fmt: skip
    for index in reversed(indices[1:]):
        draft.delete(line, index)
    draft.set(line, indices[0], merged)
    text = verse_text(merged, merged.lyrics[0].verse) if merged.lyrics else "_"
    return f"{draft.label(line)}: {len(notes)} notes merged into {described(merged)}, singing {text}"


def _joined_lyrics(notes: list[Note]) -> tuple[Lyric, ...]:
    by_verse: dict[int, list[Lyric]] = {}
    for note in notes:
        for lyric in note.lyrics:
            by_verse.setdefault(lyric.verse, []).append(lyric)
    return tuple(
        replace(
            lyrics[0],
            syllables=tuple(text for lyric in lyrics for text in lyric.syllables),
            syllabic=joined(lyric.syllabic for lyric in lyrics),
            extend=lyrics[-1].extend,
        )
        for _, lyrics in sorted(by_verse.items())
    )


def _length(value: float) -> Fraction:
    length = quarters(value)
    if length <= 0:
        raise InvalidRequest(f"A duration of {value:g} quarters is too short to sing", hint="Give at least 1/96")
    return length


def _check_no_grace(note: Note) -> None:
    if note.grace:
        message = f"{described(note)} is a grace note without a duration"
        raise InvalidRequest(message, hint="Delete it, insert a note", note=note.id)
