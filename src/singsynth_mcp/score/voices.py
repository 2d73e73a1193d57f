"""A part's written notes → lines that one singer can sing: ties merged, voices apart, chords spread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.model import Articulation, Line, Lyric, Measure, Note
from singsynth_mcp.score.syllables import with_whole_words

MAX_LINES = 32
"""Of one voice: more sound at once in no score."""


@dataclass(slots=True)
class WrittenNote:
    """A note that sounds, as a file states it."""

    measure: int
    """Index, from 0."""
    offset: Fraction
    """Quarters from the measure's start."""
    duration: Fraction
    """0 for a grace note."""
    midi: float
    voice: tuple[int, str]
    """Staff and voice."""
    lyrics: tuple[Lyric, ...] = ()
    grace: bool = False
    tie_start: bool = False
    tie_stop: bool = False
    slurred: bool = False
    breath_mark: bool = False
    fermata: bool = False
    tied: bool = False
    chord: bool = False
    """Sounds together with the note before it."""
    articulations: tuple[Articulation, ...] = ()
    position: Fraction = Fraction(0)
    """Quarters from the beginning; known once every part's measures are."""


def lines_of(
    part: str,
    written: Sequence[WrittenNote],
    measures: Sequence[Measure],
    findings: Findings,
    ids: Iterator[int],
) -> tuple[Line, ...]:
    """Return a part's lines: the top note of each voice, voices with lyrics first, then the lower notes of chords.

    A lyric under a chord belongs to all of its notes. `ids` gives the numbers of the notes' ids.
    """
    for note in written:
        note.position = measures[note.measure].position + note.offset
    sung = any(note.lyrics for note in written)
    merged = _merge_ties(part, written, measures, findings if sung else Findings())
    stacks: list[tuple[tuple[bool, bool, tuple[int, int, str]], list[WrittenNote]]] = []
    for voice, notes in _by_voice(merged).items():
        silent = not any(note.lyrics for note in notes)
        stacks += [
            ((rank > 0, silent, _voice_order(voice)), stack) for rank, stack in enumerate(_stacks(notes, findings))
        ]
    stacks.sort(key=lambda stack: stack[0])
    return tuple(
        Line(part if number == 1 else f"{part}/{number}", _notes(stack, measures, ids))
        for number, (_, stack) in enumerate(stacks, 1)
    )


def _merge_ties(
    part: str, written: Iterable[WrittenNote], measures: Sequence[Measure], findings: Findings
) -> list[WrittenNote]:
    """Merge each tied note into the one before it: same pitch, starting where that ends, in the same voice if any.

    A tied note with a syllable of its own stays: where verses differ, the tie is meant for one of them alone.
    """
    merged: list[WrittenNote] = []
    waiting: dict[tuple[float, Fraction], list[WrittenNote]] = defaultdict(list)
    """Tied notes whose next has not come, by pitch and where it must start."""

    def report(code: str, message: str, note: WrittenNote) -> None:
        measure = measures[note.measure]
        findings.add(code, message, part=part, measure=measure.number, beat=float(beat_of(measure, note.offset)))

    for note in sorted(written, key=lambda note: note.position):
        if note.tie_stop and not note.grace:
            here = waiting[note.midi, note.position]
            first = _tied_to(note, here)
            if first is None:
                report("tie_unmatched", "A tie ends here that starts nowhere; the note is sung anew", note)
            else:
                here.remove(first)
                if not note.lyrics or note.lyrics == first.lyrics:
                    _extend(first, note)
                    if note.tie_start:
                        waiting[first.midi, first.position + first.duration].append(first)
                    continue
                text = note.lyrics[0].syllables[0]
                report("lyric_on_tie", f'A tied note has the syllable "{text}": it is sung, the tie is not', note)
                note.tied = True
        merged.append(note)
        if note.tie_start and not note.grace:
            waiting[note.midi, note.position + note.duration].append(note)
    for note in (note for notes in waiting.values() for note in notes):
        report("tie_unmatched", "A tie starts here that ends nowhere; the note keeps its length", note)
    return merged


def _tied_to(note: WrittenNote, candidates: list[WrittenNote]) -> WrittenNote | None:
    """Return the note that `note` prolongs, of those that end where it starts."""
    same_voice = [first for first in candidates if first.voice == note.voice]
    return next(iter(same_voice or candidates), None)


def _extend(first: WrittenNote, note: WrittenNote) -> None:
    first.duration += note.duration
    first.breath_mark |= note.breath_mark
    first.fermata |= note.fermata


def _by_voice(notes: Iterable[WrittenNote]) -> dict[tuple[int, str], list[WrittenNote]]:
    voices: dict[tuple[int, str], list[WrittenNote]] = defaultdict(list)
    for note in notes:
        voices[note.voice].append(note)
    return voices


def _voice_order(voice: tuple[int, str]) -> tuple[int, int, str]:
    """Sort key: by staff, then by voice, numbers before names."""
    staff, name = voice
    return (staff, int(name), "") if name.isdecimal() else (staff, 10**6, name)


def _stacks(notes: list[WrittenNote], findings: Findings) -> list[list[WrittenNote]]:
    """Spread a voice over as many lines as sound at once, higher notes on earlier lines, so that none overlaps."""
    stacks: list[list[WrittenNote]] = []
    ends: list[Fraction] = []
    for chord in _chords(notes):
        _share_marks(chord)
        first_free = 0
        for note in sorted(chord, key=lambda note: -note.midi):
            while first_free < len(stacks) and ends[first_free] > note.position:
                first_free += 1
            if first_free == MAX_LINES:
                findings.add("too_many_lines", f"More than {MAX_LINES} notes sound at once: the lowest are left out")
                break
            if first_free == len(stacks):
                stacks.append([])
                ends.append(Fraction(0))
            stacks[first_free].append(note)
            ends[first_free] = note.position + note.duration
            first_free += 1
    return stacks


def _chords(notes: Iterable[WrittenNote]) -> Iterator[list[WrittenNote]]:
    """Yield the notes that start together; grace notes one after the other."""
    chord: list[WrittenNote] = []
    for note in notes:
        together = chord and note.position == chord[0].position and note.grace == chord[0].grace
        if chord and not (together and (note.chord or not note.grace)):
            yield chord
            chord = []
        chord.append(note)
    if chord:
        yield chord


def _share_marks(chord: list[WrittenNote]) -> None:
    """Give every note of a chord its lyrics, breath mark and fermata."""
    if len(chord) == 1:
        return
    lyrics = next((note.lyrics for note in chord if note.lyrics), ())
    for note in chord:
        note.lyrics = lyrics
        note.breath_mark = any(other.breath_mark for other in chord)
        note.fermata = any(other.fermata for other in chord)


def _notes(stack: list[WrittenNote], measures: Sequence[Measure], ids: Iterator[int]) -> tuple[Note, ...]:
    return with_whole_words(
        Note(
            f"n{next(ids)}", note.position, note.duration, note.midi, measures[note.measure].number,
            beat_of(measures[note.measure], note.offset), note.lyrics, note.grace, note.tied, note.slurred,
            note.breath_mark, note.fermata, note.articulations,
        )
        for note in stack
    )  # fmt: skip


def beat_of(measure: Measure, offset: Fraction) -> Fraction:
    """Return the beat, from 1, `offset` quarters into a measure."""
    return _beat(offset, measure.beat_type)


@lru_cache(maxsize=4096)
def _beat(offset: Fraction, beat_type: int) -> Fraction:
    return 1 + offset * beat_type / 4
