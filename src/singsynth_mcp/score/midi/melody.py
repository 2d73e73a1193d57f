"""Which notes a file's lyrics belong to, and which of them each syllable."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from singsynth_mcp.score.assembly import WrittenPart
from singsynth_mcp.score.layout import TimedNote
from singsynth_mcp.score.midi.events import MidiNote
from singsynth_mcp.score.midi.karaoke import Syllable
from singsynth_mcp.score.model import Lyric
from singsynth_mcp.score.syllables import syllabic
from singsynth_mcp.score.typed_lyrics import typed_lyric

_TOLERANCE = Fraction(1, 8)
"""Quarters that a syllable may stand from its note."""
_CHORD = Fraction(1, 32)
"""Quarters within which played notes start together."""
_OVERLAP = Fraction(1, 4)
"""Quarters that a note of a melody may reach into the next one, as legato is played."""
_GAP = Fraction(1, 8)
"""Quarters of silence that programs leave at a note's end; longer ones are rests."""
_SAMPLED = 400
"""Syllables that are tried on every melody."""


def timed_notes(notes: Sequence[MidiNote], ticks_per_quarter: int) -> list[TimedNote]:
    """Return notes in quarters: chords start together, legato neither overlaps nor leaves gaps."""
    timed: list[TimedNote] = []
    for note in notes:
        position = Fraction(note.start, ticks_per_quarter)
        if timed and 0 < position - timed[-1].position <= _CHORD and _overlaps_long(timed[-1], position):
            position = timed[-1].position
        length = Fraction(note.end, ticks_per_quarter) - position
        if length > 0:
            timed.append(TimedNote(position, length, float(note.key)))
    starts = sorted({note.position for note in timed})
    for one in timed:
        place = bisect_left(starts, one.end - _overlap(one))
        if place < len(starts) and starts[place] > one.position and starts[place] - one.end <= _gap(one):
            one.duration = starts[place] - one.position
    return timed


def _overlaps_long(note: TimedNote, position: Fraction) -> bool:
    return note.end - position > note.duration / 2


def _overlap(note: TimedNote) -> Fraction:
    return min(_OVERLAP, note.duration / 2)


def _gap(note: TimedNote) -> Fraction:
    return max(_GAP, note.duration / 10)


class Melody:
    """The notes of one channel of a track, which may take the syllables of a text."""

    def __init__(self, part: WrittenPart, track: int, notes: list[TimedNote], ticks_per_quarter: int) -> None:
        self.part = part
        self.track = track
        self.notes = notes
        self.is_taken = False
        self._ticks_per_quarter = ticks_per_quarter
        self._onsets = sorted({note.position for note in notes})

    def fit(self, syllables: Sequence[Syllable]) -> float:
        """Return how well syllables fit, from 0 to 1: the share of both, notes and syllables, that begin together."""
        step = len(syllables) // _SAMPLED + 1
        sample = syllables[::step]
        hits = sum(self._onset(syllable) is not None for syllable in sample) / len(sample)
        covered = min(hits * len(syllables) / len(self._onsets), 1.0)
        return 2 * hits * covered / (hits + covered) if hits else 0.0

    def take(self, syllables: Sequence[Syllable], language: str | None) -> list[Syllable]:
        """Put syllables on the notes. Returns those that no note takes."""
        self.is_taken = True
        lyrics: dict[Fraction, Lyric] = {}
        lost: list[Syllable] = []
        for syllable, following in zip(syllables, [*syllables[1:], None], strict=True):
            lyric = _lyric(syllable, following, language)
            onset = self._onset(syllable)
            if lyric is None:
                continue
            if onset is None:
                lost.append(syllable)
            elif onset in lyrics:
                lyrics[onset] = replace(lyrics[onset], syllables=(*lyrics[onset].syllables, *lyric.syllables))
            else:
                lyrics[onset] = lyric
        for note in self.notes:
            if note.position in lyrics:
                note.lyrics = (lyrics[note.position],)
        return lost

    def _onset(self, syllable: Syllable) -> Fraction | None:
        """Return the onset nearest to a syllable, if it is near enough."""
        tick = Fraction(syllable.tick, self._ticks_per_quarter)
        place = bisect_left(self._onsets, tick)
        near = [onset for onset in self._onsets[max(place - 1, 0) : place + 1] if abs(onset - tick) <= _TOLERANCE]
        return min(near, key=lambda onset: abs(onset - tick), default=None)


def _lyric(syllable: Syllable, following: Syllable | None, language: str | None) -> Lyric | None:
    lyric = typed_lyric(syllable.text, goes_on=not syllable.starts_word, language=language)
    if lyric is None:
        return None
    continues = lyric.syllabic in ("begin", "middle") or (following is not None and not following.starts_word)
    return replace(lyric, syllabic=syllabic(goes_on=not syllable.starts_word, continues=continues))
