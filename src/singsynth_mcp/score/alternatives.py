"""Notes that one verse sings instead of those of another: small or second-voice notes under words of their own.

Engravers write a verse that needs another rhythm into a second voice of the staff, often as cue notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from singsynth_mcp.score.model import Note


def notes_of_verse(main: Sequence[Note], others: Iterable[Sequence[Note]], verse: int) -> list[Note]:
    """Return the notes of one measure that `verse` sings.

    A note of another line stands in where it has a syllable of the verse and the main line's notes at that time have
    words of other verses alone; what follows it without words holds its vowel. The main line's note before is cut
    where the other begins.
    """
    chosen = list(main)
    for other in others:
        if not any(_has(note, verse) for note in other):
            continue
        is_held = False
        for note in other:
            if note.grace or not note.duration:
                continue
            is_word = _has(note, verse)
            if (is_word or (is_held and not note.lyrics)) and _gives_way(main, note, verse, needs_words=is_word):
                chosen = _put_in(chosen, note)
                is_held = True
            else:
                is_held = False
    return chosen


def _has(note: Note, verse: int) -> bool:
    return any(lyric.verse == verse for lyric in note.lyrics)


def _gives_way(main: Sequence[Note], note: Note, verse: int, *, needs_words: bool) -> bool:
    """Return whether the main line has nothing of the verse from the note's beginning on, but words of another verse.

    Where the note has that verse's words too it belongs to a second singer.
    """
    sounding = [other for other in main if _overlap(other, note)]
    if any(_has(other, verse) and other.position >= note.position for other in sounding):
        return False
    others_verses = {lyric.verse for other in sounding for lyric in other.lyrics} - {verse}
    return not needs_words or any(not _has(note, other) for other in others_verses)


def _overlap(other: Note, note: Note) -> bool:
    return other.position < note.position + note.duration and other.position + other.duration > note.position


def _put_in(chosen: Sequence[Note], note: Note) -> list[Note]:
    kept: list[Note] = []
    for other in chosen:
        if not _overlap(other, note):
            kept.append(other)
        elif other.position < note.position:
            kept.append(replace(other, duration=note.position - other.position))
    return sorted([*kept, note], key=lambda one: one.position)
