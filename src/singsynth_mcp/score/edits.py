"""Edit operations on a score: applied in order, all or none; note ids are kept, and every change is told in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from singsynth_mcp.contracts.score import (
    ChangeNote,
    DeleteNote,
    InsertNote,
    Operation,
    SetLyrics,
    SetTempo,
    Transpose,
)
from singsynth_mcp.errors import InvalidLyrics, InvalidRequest, SingSynthError
from singsynth_mcp.score.draft import Draft, described, quarters, singing
from singsynth_mcp.score.lookup import find_measure
from singsynth_mcp.score.lyric_text import TypedSyllable, typed_syllables
from singsynth_mcp.score.model import Lyric, Note, Score, Tempo
from singsynth_mcp.score.pitch import midi_of, pitch_name
from singsynth_mcp.score.tempo import TempoMap


def apply_operations(score: Score, operations: Sequence[Operation]) -> tuple[Score, list[str]]:
    """Return the edited score and, for each operation, what it changed.

    Raises the SingSynthError of the first operation that cannot be done, with its number; nothing is applied then.
    """
    draft = Draft(score)
    changes: list[str] = []
    for number, operation in enumerate(operations, 1):
        try:
            changes.append(_apply(draft, operation))
        except SingSynthError as error:
            message = f"Operation {number} ({operation.operation}): {error.message}; nothing was changed"
            raise type(error)(message, hint=error.hint, **error.details | {"operation": number}) from error
    return draft.finished(), changes


def _apply(draft: Draft, operation: Operation) -> str:
    match operation:
        case SetLyrics():
            return _set_lyrics(draft, operation)
        case Transpose():
            return _transpose(draft, operation)
        case SetTempo():
            return _set_tempo(draft, operation)
        case ChangeNote():
            return _change_note(draft, operation)
        case InsertNote():
            return _insert_note(draft, operation)
        case DeleteNote():
            return _delete_note(draft, operation)


def _set_lyrics(draft: Draft, operation: SetLyrics) -> str:
    typed = typed_syllables(operation.text)
    if not typed:
        raise InvalidLyrics("The text has no syllable", hint="Give the words, or delete a lyric with change_note")
    if operation.start_note is None:
        line, first = draft.singing_line(operation.part), 0
    else:
        line, first, _ = draft.find(operation.start_note)
    places = [place for place in singing(draft.notes(line)) if place[0] >= first]
    if len(typed) > len(places):
        message = f"{len(typed)} syllables for {len(places)} notes of {line}"
        left_over = " ".join(syllable.text or "_" for syllable in typed[len(places) :][:8])
        raise InvalidLyrics(message, hint=f"Left over: {left_over}. Join syllables, or insert notes", part=line)
    language = _language(draft.notes(line))
    for syllable, (index, note) in zip(typed, places, strict=False):
        draft.set(line, index, _with_lyric(note, operation.verse, syllable, language))
    _, start = places[0]
    text = " ".join(syllable.text or "_" for syllable in typed[:12]) + (" …" if len(typed) > 12 else "")
    rest = len(places) - len(typed)
    kept = f"; the {rest} notes after them keep what they had" if rest else ""
    return f"verse {operation.verse} of {line}: {len(typed)} notes from {described(start)} on sing {text}{kept}"


def _language(notes: Sequence[Note]) -> str | None:
    """Return the language that most lyrics of the line have."""
    languages = Counter(lyric.language for note in notes for lyric in note.lyrics)
    return languages.most_common(1)[0][0] if languages else None


def _with_lyric(note: Note, verse: int, syllable: TypedSyllable, language: str | None) -> Note:
    """Return the note with a verse's lyric replaced; a text of "" removes it."""
    lyrics = {lyric.verse: lyric for lyric in note.lyrics}
    before = lyrics.pop(verse, None)
    if syllable.text:
        language = before.language if before else language
        lyrics[verse] = Lyric(verse, (syllable.text,), syllable.syllabic, language=language)
    return replace(note, lyrics=tuple(lyrics[verse] for verse in sorted(lyrics)))


def _transpose(draft: Draft, operation: Transpose) -> str:
    moved: list[float] = []
    for line in draft.lines_named(operation.part):
        for index, note in enumerate(draft.notes(line)):
            midi = note.midi + operation.semitones
            if not 0 <= midi <= 127:
                message = f"{described(note)} would leave MIDI's range (0 to 127)"
                raise InvalidRequest(message, hint="Transpose by less", note=note.id)
            draft.set(line, index, replace(note, midi=midi))
            moved.append(midi)
    where = operation.part or "every part"
    if not moved:
        return f"{where} has no notes to transpose"
    lowest, highest = pitch_name(min(moved)), pitch_name(max(moved))
    return f"{where}: {len(moved)} notes by {operation.semitones:+g} semitones, now {lowest} to {highest}"


def _set_tempo(draft: Draft, operation: SetTempo) -> str:
    if (operation.quarters_per_minute is None) == (operation.scale is None):
        raise InvalidRequest("set_tempo takes quarters_per_minute or scale", hint="Give exactly one of the two")
    start = Fraction(0) if operation.measure is None else find_measure(draft.score, operation.measure).position
    before = tuple(tempo for tempo in draft.tempos if tempo.position < start)
    if operation.quarters_per_minute is not None:
        after: tuple[Tempo, ...] = (Tempo(start, operation.quarters_per_minute),)
    else:
        current = [tempo for tempo in draft.tempos if tempo.position <= start][-1]
        rest = (replace(current, position=start), *(tempo for tempo in draft.tempos if tempo.position > start))
        after = tuple(
            replace(tempo, quarters_per_minute=tempo.quarters_per_minute * (operation.scale or 1)) for tempo in rest
        )
    draft.tempos = before + after
    end = draft.score.measures[-1].position + draft.score.measures[-1].duration
    seconds = TempoMap(draft.tempos).seconds_at(end)
    since = f"from measure {operation.measure} on" if operation.measure else "from the beginning to the end"
    listing = ", ".join(f"{tempo.quarters_per_minute:g}" for tempo in after[:8]) + (" …" if len(after) > 8 else "")
    return f"{listing} quarters a minute {since}; {seconds:.1f} s without repeats"


def _change_note(draft: Draft, operation: ChangeNote) -> str:
    line, index, note = draft.find(operation.note)
    changed = note
    told: list[str] = []
    if operation.pitch is not None:
        changed = replace(changed, midi=midi_of(operation.pitch))
        told.append(f"pitch {pitch_name(note.midi)} → {pitch_name(changed.midi)}")
    if operation.duration is not None:
        if note.grace:
            raise InvalidRequest(
                f"{described(note)} is a grace note without a duration", hint="Delete it, insert a note"
            )
        changed = replace(changed, duration=quarters(operation.duration))
        draft.check_room(draft.notes(line)[index + 1 :], changed)
        told.append(f"duration {float(note.duration):g} → {float(changed.duration):g} quarters")
    if operation.lyric is not None:
        changed = _with_lyric(changed, 1, _one_syllable(operation.lyric), _language(draft.notes(line)))
        told.append(f'lyric "{operation.lyric}"' if operation.lyric else "no syllable")
    if not told:
        raise InvalidRequest("change_note changes nothing", hint="Give pitch, duration or lyric", note=note.id)
    draft.set(line, index, changed)
    return f"{described(note)} of {line}: {', '.join(told)}"


def _one_syllable(text: str) -> TypedSyllable:
    """Read the text of one note; kana are not parted: they are all sung on it."""
    typed = typed_syllables(text)
    if len(typed) == 1:
        return typed[0]
    return TypedSyllable(" ".join(text.split()))


def _insert_note(draft: Draft, operation: InsertNote) -> str:
    line = draft.singing_line(operation.part)
    measure = find_measure(draft.score, operation.measure)
    beat = quarters(operation.beat)
    offset = (beat - 1) * 4 / measure.beat_type
    if offset >= measure.duration:
        last = 1 + measure.duration * measure.beat_type / 4
        message = f"Measure {measure.number} has no beat {operation.beat:g}"
        raise InvalidRequest(message, hint=f"Its beats run from 1 to below {float(last):g}", measure=measure.number)
    note = Note(
        draft.new_id(), measure.position + offset, quarters(operation.duration), midi_of(operation.pitch),
        measure.number, beat,
    )  # fmt: skip
    end = draft.score.measures[-1].position + draft.score.measures[-1].duration
    if note.position + note.duration > end:
        raise InvalidRequest(f"{described(note)} would sound beyond the last measure", hint="Make it shorter")
    if operation.lyric:
        note = _with_lyric(note, 1, _one_syllable(operation.lyric), _language(draft.notes(line)))
    draft.insert(line, note)
    return f"{line}: inserted {described(note)}" + (f' singing "{operation.lyric}"' if operation.lyric else "")


def _delete_note(draft: Draft, operation: DeleteNote) -> str:
    line, index, note = draft.find(operation.note)
    draft.delete(line, index)
    words = " ".join("".join(lyric.syllables) for lyric in note.lyrics)
    return f"{line}: deleted {described(note)}" + (f' and its syllable "{words}"' if words else "")
