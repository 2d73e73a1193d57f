"""Which lyric a played note sings: the verse of its pass, with a way out where that verse has no words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from singsynth_mcp.score.model import Lyric, Note

_MELISMA_NOTES = 3
"""So many notes that other verses give syllables may still be one held vowel of this verse."""


@dataclass(frozen=True)
class Sounding:
    """A note of the line at its place in the playing order, in played quarters."""

    note: Note
    pass_number: int
    start: Fraction
    duration: Fraction
    lyrics: tuple[Lyric, ...]

    @cached_property
    def end(self) -> Fraction:
        """Where it ends."""
        return self.start + self.duration

    def lyric(self, verse: int) -> Lyric | None:
        """Return the note's lyric of a verse."""
        return next((lyric for lyric in self.lyrics if lyric.verse == verse), None)


def choose_lyrics(notes: Sequence[Sounding], verse: int | None) -> tuple[list[Lyric | None], list[int]]:
    """Return each note's lyric of `verse` (None: the verse that its pass asks for), and where another stands in.

    Other verses may set more syllables than this one: up to three such notes after a syllable, without a rest, hold its
    vowel. Where a verse has no words at all for longer, the nearest earlier verse (else the next one) is sung; the
    second list has the indices of those notes.
    """
    asked = [verse or note.pass_number for note in notes]
    there = sorted({lyric.verse for note in notes for lyric in note.lyrics})
    wanted = [max((number for number in there if number <= ask), default=min(there, default=1)) for ask in asked]
    chosen = [note.lyric(number) for note, number in zip(notes, wanted, strict=True)]
    borrowed = [index for index, lyric in enumerate(chosen) if lyric and lyric.verse != asked[index]]
    for start, stop, is_held in _stretches_without(notes, wanted, chosen):
        syllables = [index for index in range(start, stop) if notes[index].lyrics]
        if is_held and len(syllables) <= _MELISMA_NOTES:
            continue
        for index in syllables:
            chosen[index] = _nearest(notes[index].lyrics, wanted[index])
        borrowed += syllables
    return chosen, sorted(borrowed)


def _stretches_without(
    notes: Sequence[Sounding], wanted: Sequence[int], chosen: Sequence[Lyric | None]
) -> list[tuple[int, int, bool]]:
    """Return the stretches without a lyric, with no rest or change of verse inside; True where a vowel reaches them."""
    stretches: list[tuple[int, int, bool]] = []
    is_held = False
    start: int | None = None
    for index, note in enumerate(notes):
        is_new = index == 0 or note.start > notes[index - 1].end or wanted[index] != wanted[index - 1]
        if start is not None and (is_new or chosen[index] is not None):
            stretches.append((start, index, is_held))
            start = None
        if is_new:
            is_held = False
        if chosen[index] is not None:
            is_held = True
        elif start is None:
            start = index
    if start is not None:
        stretches.append((start, len(notes), is_held))
    return stretches


def _nearest(lyrics: Sequence[Lyric], verse: int) -> Lyric:
    earlier = [lyric for lyric in lyrics if lyric.verse <= verse]
    return earlier[-1] if earlier else lyrics[0]
