"""A score written out as it is played: no repeats, each pass with its own verse."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from singsynth_mcp.score.alternatives import notes_of_verse
from singsynth_mcp.score.edits.draft import Draft
from singsynth_mcp.score.edits.runs import Run, arrange, own_notes
from singsynth_mcp.score.lookup import verses_of
from singsynth_mcp.score.model import Line, Note
from singsynth_mcp.score.roadmap import PlayedMeasure, playing_order
from singsynth_mcp.score.verses import Sounding, choose_lyrics


def unfold(draft: Draft) -> list[int]:
    """Write repeats and jumps out. Returns the verses that no pass comes to."""
    order = playing_order(draft.measures)
    chosen, unsung = _sung_notes(draft, order)
    # Each line first gets, measure by measure of the playing order, the notes that the pass sings.
    runs = _runs(order)
    lines = list(draft.lines())
    played_measures = [draft.measures[played.index] for played in order]
    arrange(draft, runs, is_played=True)
    seen: set[str] = set()
    for line, by_place in zip(lines, chosen, strict=True):
        notes: list[Note] = []
        for place, own in enumerate(by_place):
            shift = draft.measures[place].position - played_measures[place].position
            for note in own:
                note_id = note.id if note.id not in seen else draft.new_id()
                seen.add(note.id)
                moved = replace(note, id=note_id, position=note.position + shift)
                notes.append(replace(moved, measure=draft.measures[place].number))
        for index in range(len(notes) - 1):
            reach = notes[index + 1].position - notes[index].position
            if notes[index].duration > reach:
                notes[index] = replace(notes[index], duration=max(reach, Fraction(0)))
        line.notes[:] = _within(draft, notes)
    draft.index_notes()
    return unsung


def _within(draft: Draft, notes: list[Note]) -> list[Note]:
    """Cut what is held beyond the last measure."""
    return [
        replace(note, duration=draft.end - note.position) if note.position + note.duration > draft.end else note
        for note in notes
    ]


def _runs(order: tuple[PlayedMeasure, ...]) -> list[Run]:
    runs: list[Run] = []
    seen: set[int] = set()
    for played in order:
        is_new = played.index not in seen
        seen.add(played.index)
        if runs and runs[-1].last == played.index and runs[-1].is_copy != is_new:
            runs[-1] = replace(runs[-1], last=played.index + 1)
        else:
            runs.append(Run(played.index, played.index + 1, is_copy=not is_new))
    return runs


def _sung_notes(draft: Draft, order: tuple[PlayedMeasure, ...]) -> tuple[list[list[list[Note]]], list[int]]:
    """Return, for each line and measure of the playing order, its notes with the pass's words as verse 1."""
    chosen: list[list[list[Note]]] = []
    lost: set[int] = set()
    for part in draft.parts:
        own = [own_notes(draft.measures, line.notes) for line in part.lines]
        worded = [bool(verses_of(Line("", tuple(line.notes)))) for line in part.lines]
        for number in range(len(part.lines)):
            others = [other for place, other in enumerate(own) if place != number and worded[place]]
            soundings: list[list[Sounding]] = []
            start = Fraction(0)
            for played in order:
                measure = draft.measures[played.index]
                notes = own[number][played.index]
                beside = [other[played.index] for other in others if other[played.index]]
                if number == 0 and beside:
                    notes = notes_of_verse(notes, beside, played.pass_number)
                soundings.append(
                    [
                        Sounding(
                            note, played.pass_number, start + note.position - measure.position, note.duration,
                            note.lyrics,
                        )
                        for note in notes
                    ]
                )  # fmt: skip
                start += measure.duration
            chosen.append(_with_words(soundings, lost, order))
    return chosen, sorted(lost)


def _with_words(soundings: list[list[Sounding]], lost: set[int], order: tuple[PlayedMeasure, ...]) -> list[list[Note]]:
    flat = [sounding for measure in soundings for sounding in measure]
    lyrics, _ = choose_lyrics(flat, None)
    there = {lyric.verse for sounding in flat for lyric in sounding.lyrics}
    lost |= there - {lyric.verse for lyric in lyrics if lyric is not None}
    words = iter(lyrics)
    made: list[list[Note]] = []
    for measure in soundings:
        notes: list[Note] = []
        for sounding in measure:
            lyric = next(words)
            notes.append(replace(sounding.note, lyrics=() if lyric is None else (replace(lyric, verse=1),)))
        made.append(notes)
    return made
