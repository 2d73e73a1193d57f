"""Edits of words: a verse from text, single syllables, verses exchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from singsynth_mcp.contracts.edits import ReplaceSyllables, SetLyrics, SwapVerses
from singsynth_mcp.errors import InvalidLyrics, UnknownName
from singsynth_mcp.score.edits.draft import Draft, DraftLine, described, singing
from singsynth_mcp.score.lyric_text import TypedSyllable, typed_syllables
from singsynth_mcp.score.model import Lyric, Note
from singsynth_mcp.score.syllables import joined

_SHOWN = 12


def set_lyrics(draft: Draft, operation: SetLyrics) -> str:
    """Put the syllables of a text on a line's notes. Its words have been parted: cpu_server/wording.py."""
    line, first = (
        (draft.line_named(operation.part), 0) if operation.start_note is None else draft.find(operation.start_note)[:2]
    )
    language = operation.language or language_of(line.notes)
    typed = typed_syllables(operation.text)
    if not typed:
        raise InvalidLyrics("The text has no syllable", hint="Give the words, or delete a lyric with change_note")
    places = _places(line, first, operation)
    label = draft.label(line)
    told = ""
    if len(typed) > len(places):
        places, typed, told = _with_too_many(draft, line, first, operation, typed)
    elif operation.too_few == "repeat" and len(typed) < len(places):
        typed = [typed[index % len(typed)] for index in range(len(places))]
    lyrics = _one_a_note(typed, len(places))
    for group, (index, note) in zip(lyrics, places, strict=False):
        draft.set(line, index, with_lyric(note, operation.verse, group, language, operation.language))
    left = places[len(lyrics) :]
    if left and operation.too_few == "hold":
        for index, note in left:
            draft.set(line, index, with_lyric(note, operation.verse, [TypedSyllable("")], None))
        told += f"; the {len(left)} notes after them hold the last vowel, up to the next rest"
    elif left:
        told += f"; the {len(left)} notes after them keep what they had"
    shown = shown_text(typed)
    return (
        f"verse {operation.verse} of {label}: {len(lyrics)} notes from {described(places[0][1])} on sing {shown}{told}"
    )


def _places(line: DraftLine, first: int, operation: SetLyrics) -> list[tuple[int, Note]]:
    places = [
        (index, note)
        for index, note in singing(line.notes)
        if index >= first
        and not (operation.notes == "sung" and not note.lyrics)
        and not (operation.notes == "unslurred" and note.slurred)
    ]
    if not places:
        kind = {"sung": " with a syllable", "unslurred": " outside slurs", "all": ""}[operation.notes]
        raise InvalidLyrics(f"There are no notes{kind} to take the syllables", hint="Set notes to all, or insert notes")
    return places


def _with_too_many(
    draft: Draft, line: DraftLine, first: int, operation: SetLyrics, typed: list[TypedSyllable]
) -> tuple[list[tuple[int, Note]], list[TypedSyllable], str]:
    """Make syllables and notes fit, as the operation says. Raises InvalidLyrics where it says nothing."""
    places = _places(line, first, operation)
    surplus = len(typed) - len(places)
    if operation.too_many == "join":
        return places, typed, f"; {surplus} notes or more sing several syllables"
    if operation.too_many == "drop":
        dropped = shown_text(typed[len(places) :])
        draft.warn("lyrics_dropped", f"{surplus} syllables had no note: {dropped}", draft.label(line))
        return places, typed[: len(places)], f"; dropped {dropped}"
    if operation.too_many == "split":
        for _ in range(surplus):
            index, longest = max(places, key=lambda place: (place[1].duration, -place[0]))
            half = replace(longest, duration=longest.duration / 2, breath_mark=False, fermata=False)
            draft.set(line, index, half)
            lyrics = longest.lyrics if operation.notes == "sung" else ()
            rest = replace(longest, id=draft.new_id(), duration=half.duration, lyrics=lyrics, tied=False, slurred=False)
            draft.insert(line, draft.placed(rest, longest.position + half.duration))
            places = _places(line, first, operation)
        return places, typed, f"; {surplus} long notes were split"
    label = draft.label(line)
    message = f"{len(typed)} syllables for {len(places)} notes of {label}"
    left_over = " ".join(syllable.text or "_" for syllable in typed[len(places) :][:8])
    hint = f"Left over: {left_over}. Set too_many (split, join, drop), or insert notes"
    raise InvalidLyrics(message, hint=hint, part=label)


def _one_a_note(typed: Sequence[TypedSyllable], notes: int) -> list[list[TypedSyllable]]:
    """Return the syllables of each note: one each while there are notes enough, else spread evenly."""
    if len(typed) <= notes:
        return [[syllable] for syllable in typed]
    edges = [index * len(typed) // notes for index in range(notes + 1)]
    return [list(typed[start:stop]) for start, stop in pairwise(edges)]


def replace_syllables(draft: Draft, operation: ReplaceSyllables) -> str:
    """Replace a verse's syllables by their number."""
    line = draft.line_named(operation.part)
    sung = [
        (index, note)
        for index, note in enumerate(line.notes)
        if any(lyric.verse == operation.verse for lyric in note.lyrics)
    ]
    label = draft.label(line)
    typed = typed_syllables(operation.text)
    if not typed:
        raise InvalidLyrics("The text has no syllable", hint='Give syllables; "_" holds the vowel before')
    last = operation.position + len(typed) - 1
    if last > len(sung):
        message = f"Verse {operation.verse} of {label} has {len(sung)} syllables, not {last}"
        raise InvalidLyrics(message, hint="Count from 1, a hyphen or space apart; set_lyrics sets a whole verse")
    places = sung[operation.position - 1 : last]
    before = " ".join(verse_text(note, operation.verse) for _, note in places)
    language = language_of(line.notes)
    for (index, note), syllable in zip(places, typed, strict=True):
        draft.set(line, index, with_lyric(note, operation.verse, [syllable], language))
    return f"verse {operation.verse} of {label}, syllable {operation.position} on: {before} → {shown_text(typed)}"


def swap_verses(draft: Draft, operation: SwapVerses) -> str:
    """Exchange two verses of a part."""
    swap = {operation.first: operation.second, operation.second: operation.first}
    count = 0
    lines = draft.lines_named(operation.part)
    verses = {lyric.verse for line in lines for note in line.notes for lyric in note.lyrics}
    if not verses & swap.keys():
        listing = ", ".join(map(str, sorted(verses))) or "none"
        message = f"There is neither verse {operation.first} nor {operation.second}"
        raise UnknownName(message, hint=f"Verses: {listing}")
    for line in lines:
        for index, note in enumerate(line.notes):
            if any(lyric.verse in swap for lyric in note.lyrics):
                swapped = [replace(lyric, verse=swap.get(lyric.verse, lyric.verse)) for lyric in note.lyrics]
                draft.set(line, index, replace(note, lyrics=tuple(sorted(swapped, key=lambda one: one.verse))))
                count += 1
    where = operation.part or "every part"
    return f"{where}: verses {operation.first} and {operation.second} exchanged on {count} notes"


def language_of(notes: Sequence[Note]) -> str | None:
    """Return the language that most lyrics of the line have."""
    languages = Counter(lyric.language for note in notes for lyric in note.lyrics)
    return languages.most_common(1)[0][0] if languages else None


def with_lyric(
    note: Note, verse: int, group: Sequence[TypedSyllable], language: str | None, given: str | None = None
) -> Note:
    """Return the note with a verse's lyric replaced; a text of "" removes it. A language that is `given` wins."""
    lyrics = {lyric.verse: lyric for lyric in note.lyrics}
    before = lyrics.pop(verse, None)
    sung = [syllable for syllable in group if syllable.text]
    if sung:
        language = given or (before.language if before else language)
        texts = tuple(syllable.text for syllable in sung)
        lyrics[verse] = Lyric(verse, texts, joined(syllable.syllabic for syllable in sung), language=language)
    return replace(note, lyrics=tuple(lyrics[verse] for verse in sorted(lyrics)))


def one_syllable(text: str) -> TypedSyllable:
    """Read the text of one note; kana are not parted: they are all sung on it."""
    typed = typed_syllables(text)
    return typed[0] if len(typed) == 1 else TypedSyllable(" ".join(text.split()))


def verse_text(note: Note, verse: int) -> str:
    """Return a note's text of a verse, "_" where it has none."""
    return next(("‿".join(lyric.syllables) for lyric in note.lyrics if lyric.verse == verse), "_")


def shown_text(typed: Sequence[TypedSyllable]) -> str:
    """Return syllables for a person, the first dozen."""
    return " ".join(syllable.text or "_" for syllable in typed[:_SHOWN]) + (" …" if len(typed) > _SHOWN else "")
