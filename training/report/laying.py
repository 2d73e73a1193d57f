"""Lay a spoken line on the notes of a score: the song that the teacher's renderer sings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.inventory import BY_SYMBOL, SILENCE
from training.rules.timing import coda_seconds, fitted_seconds, hurried_seconds, natural_seconds
from training.songs import Note, Song, SungPhoneme
from training.store import Recording
from training.voices import phoneme_lengths

HEAD_SECONDS = 0.5
"""Of silence before the first note: room for its consonants."""
_TAIL_SECONDS = 0.25


@dataclass(frozen=True)
class SungSyllable:
    """A syllable's notes, and how many of the recording's vowels it takes (ja きん has two)."""

    notes: tuple[Note, ...]
    nuclei: int = 1


class DoesNotFitError(ValueError):
    """The recording has not the vowels that the line has notes."""


def lay(recording: Recording, count: int, syllables: Sequence[SungSyllable], number: int = 0) -> Song:
    """Return the song of a recording's first ``count`` phonemes (pauses not counted) on notes that touch.

    ``number`` is the recording's in the voice.

    Vowels start on their notes; the consonants before them take their time from what was before, by the rules that
    the corpus is sung by. Raises DoesNotFitError.
    """
    spoken = [i for i, symbol in enumerate(recording.phonemes) if symbol != SILENCE][:count]
    vowels = [i for i in spoken if BY_SYMBOL[recording.phonemes[i]].is_vowel]
    if len(vowels) != sum(syllable.nuclei for syllable in syllables):
        raise DoesNotFitError(f"{len(vowels)} spoken vowels for {sum(s.nuclei for s in syllables)} sung ones")
    writer = _Writer(recording, number, syllables[0].notes[0].midi)
    place, taken = 0, 0
    for i, syllable in enumerate(syllables):
        first = vowels[taken]
        writer.onset(spoken[place : spoken.index(first)])
        taken += syllable.nuclei
        last = vowels[taken - 1] if i + 1 < len(syllables) else spoken[-1]
        place = spoken.index(last) + 1
        writer.nucleus(spoken[spoken.index(first) : place], syllable.notes)
    return writer.finish()


class _Writer:
    """Writes one song from left to right."""

    def __init__(self, recording: Recording, number: int, midi: float) -> None:
        self._recording = recording
        self._number = number
        self._lengths = phoneme_lengths(recording)
        self._phonemes = [SungPhoneme(SILENCE, 0.0, HEAD_SECONDS, HEAD_SECONDS, midi, None)]
        self._notes: list[Note] = []

    def onset(self, indices: Sequence[int]) -> None:
        """Put consonants before the note that comes, shortening what was there."""
        if not indices:
            return
        symbols = self._recording.phonemes
        clustered = len(indices) > 1
        natural = [natural_seconds(symbols[i], float(self._lengths[i]), clustered=clustered) for i in indices]
        before = self._phonemes[-1]
        room = before.end - before.start
        if before.source is not None:
            natural = [hurried_seconds(length, room) for length in natural]
        lengths = fitted_seconds(natural, room)
        start = before.end - sum(lengths)
        self._phonemes[-1] = SungPhoneme(
            before.symbol, before.start, start, start - before.start, before.midi, before.source
        )
        for i, length, own in zip(indices, lengths, natural, strict=True):
            self._phonemes.append(SungPhoneme(symbols[i], start, start + length, own, before.midi, (self._number, i)))
            start += length

    def nucleus(self, indices: Sequence[int], notes: Sequence[Note]) -> None:
        """Hold a vowel over notes; what follows it in its syllable shares their end."""
        shifted = [Note(note.start + HEAD_SECONDS, note.end + HEAD_SECONDS, note.midi) for note in notes]
        self._notes += shifted
        start, end = shifted[0].start, shifted[-1].end
        after = len(indices) - 1
        coda = coda_seconds(end - start) if after else 0.0
        edges = [start, *(end - coda + coda * k / after for k in range(after)), end]
        for i, left, right in zip(indices, edges, edges[1:], strict=False):
            symbol = self._recording.phonemes[i]
            self._phonemes.append(SungPhoneme(symbol, left, right, right - left, shifted[-1].midi, (self._number, i)))

    def finish(self) -> Song:
        """Return the song, silence at its end."""
        end = self._phonemes[-1].end
        midi = self._notes[-1].midi
        self._phonemes.append(SungPhoneme(SILENCE, end, end + _TAIL_SECONDS, _TAIL_SECONDS, midi, None))
        return Song(tuple(self._phonemes), tuple(self._notes))
