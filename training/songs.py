"""Random songs over what the teacher said: phrases of recorded runs, melodies, rests, breaths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.examples import FRAME_SECONDS
from training.inventory import BREATH, BY_SYMBOL, SILENCE
from training.rules.timing import coda_seconds, fitted_seconds, hurried_seconds, natural_seconds

PAD_SECONDS = 8 * FRAME_SECONDS
_BEYOND = 9
"""Semitones by which songs leave the comfortable range on either side: a major sixth."""
_COMFORTABLE = 0.7
"""The share of songs whose centre lies in the comfortable range; the others' lie anywhere."""
_TEMPI = (60.0, 160.0)
_BEATS = {0.25: 0.10, 0.5: 0.36, 0.75: 0.04, 1.0: 0.28, 1.5: 0.07, 2.0: 0.09, 3.0: 0.03, 4.0: 0.03}
_SHORTEST_NOTE_SECONDS = 0.110
_STEPS = {0: 0.14, 1: 0.11, 2: 0.17, -1: 0.11, -2: 0.17, 3: 0.05, -3: 0.05, 4: 0.04, -4: 0.04}
_LEAPS = {5: 0.03, -5: 0.03, 7: 0.02, -7: 0.02, 12: 0.01, -12: 0.01}
_MELISMA, _CODA, _BREATH_AT_START = 0.08, 0.6, 0.4
_RESTS_SECONDS = (0.10, 0.75)
_LEAST_BREATH_SECONDS = 0.15


@dataclass(frozen=True)
class Note:
    """A sung note: seconds within the phrase and a MIDI note number."""

    start: float
    end: float
    midi: float


@dataclass(frozen=True)
class Run:
    """A stretch of a recording that can be sung through: phonemes ``first`` to ``last``."""

    recording: int
    first: int
    phonemes: tuple[str, ...]
    spoken_seconds: tuple[float, ...]


@dataclass(frozen=True)
class SungPhoneme:
    """A phoneme in time; ``source`` is (recording, phoneme) it is read from, None for rests."""

    symbol: str
    start: float
    end: float
    natural: float
    midi: float
    source: tuple[int, int] | None


@dataclass(frozen=True)
class Song:
    """One phrase: phonemes without gaps from 0 to the end, SP at both ends, and its notes."""

    phonemes: tuple[SungPhoneme, ...]
    notes: tuple[Note, ...]

    @property
    def seconds(self) -> float:
        """The phrase's length, the silence at both ends included."""
        return self.phonemes[-1].end


@dataclass(frozen=True)
class _Syllable:
    onset: tuple[int, ...]
    nucleus: int
    coda: tuple[int, ...]
    """A moraic nasal that shares the note, or what closes the last syllable of a run."""


def runs_of(recording: int, phonemes: tuple[str, ...], lengths: np.ndarray, fault: tuple[str, ...]) -> list[Run]:
    """Split a recording at its pauses and faulty vowels into what can be sung through.

    ``lengths`` are the phonemes' in seconds. A faulty vowel takes the consonants before it with it, and
    leaves only the last of those behind it: what was a coda would open no syllable.
    """
    runs: list[Run] = []
    current: list[int] = []
    onset: list[int] = []
    for i, symbol in enumerate(phonemes):
        if symbol == SILENCE or fault[i]:
            closing = onset if current and symbol == SILENCE else []
            runs.extend(_run(recording, [*current, *closing], phonemes, lengths))
            current, onset = [], []
        elif not BY_SYMBOL[symbol].is_vowel:
            onset.append(i)
        else:
            current.extend([*onset, i] if current or phonemes[i - len(onset) - 1] == SILENCE else [*onset[-1:], i])
            onset = []
    runs.extend(_run(recording, current, phonemes, lengths))
    return runs


def _run(recording: int, indices: list[int], phonemes: tuple[str, ...], lengths: np.ndarray) -> list[Run]:
    while indices and BY_SYMBOL[phonemes[indices[0]]].name in {"cl", "N"}:
        indices = indices[1:]
    if sum(BY_SYMBOL[phonemes[i]].is_vowel for i in indices) < 2:
        return []
    first, last = indices[0], indices[-1]
    spoken = tuple(float(length) for length in lengths[first : last + 1])
    return [Run(recording, first, phonemes[first : last + 1], spoken)]


def compose(runs: list[Run], comfortable: tuple[int, int], generator: np.random.Generator) -> Song:
    """Write a melody for runs sung one after another, with rests or breaths between them.

    ``comfortable`` are the lowest and highest comfortable MIDI notes of who sings.
    """
    return _Writer(comfortable, generator).write(runs)


def sung_span(comfortable: tuple[int, int]) -> tuple[int, int]:
    """Return the lowest and the highest MIDI note of the songs for a comfortable range."""
    return comfortable[0] - _BEYOND, comfortable[1] + _BEYOND


class _Writer:
    """Writes one song from left to right."""

    def __init__(self, comfortable: tuple[int, int], generator: np.random.Generator) -> None:
        self._random = generator
        self._beat = 60.0 / generator.uniform(*_TEMPI)
        self._span = sung_span(comfortable)
        centres = comfortable if generator.random() < _COMFORTABLE else self._span
        self._centre = generator.uniform(*centres)
        self._midi = float(round(self._centre))
        self._phonemes: list[SungPhoneme] = []
        self._notes: list[Note] = []

    def write(self, runs: list[Run]) -> Song:
        self._rest(SILENCE, PAD_SECONDS)
        if self._random.random() < _BREATH_AT_START:
            self._rest(BREATH, self._random.uniform(0.2, 0.5))
        for number, run in enumerate(runs):
            if number:
                self._pause()
            self._sing(run, first=number == 0)
        self._rest(SILENCE, PAD_SECONDS)
        return Song(tuple(self._phonemes), tuple(self._notes))

    def _now(self) -> float:
        return self._phonemes[-1].end if self._phonemes else 0.0

    def _rest(self, symbol: str, seconds: float) -> None:
        start = self._now()
        midi = self._notes[-1].midi if self._notes else self._midi
        self._phonemes.append(SungPhoneme(symbol, start, start + seconds, seconds, midi, None))

    def _pause(self) -> None:
        """Leave a rest between two runs; the next consonants are taken from it."""
        rest = self._random.uniform(*_RESTS_SECONDS)
        breath = rest >= _LEAST_BREATH_SECONDS and self._random.random() < 0.5
        if breath and rest > 0.45:
            self._rest(SILENCE, rest - 0.3)
            self._rest(BREATH, 0.3)
        else:
            self._rest(BREATH if breath else SILENCE, rest)

    def _sing(self, run: Run, *, first: bool) -> None:
        syllables = _syllables(run, self._random)
        for number, syllable in enumerate(syllables):
            self._onset(run, syllable, opens=number == 0, first=first)
            start = self._now()
            end = self._write_notes(start)
            self._nucleus(run, syllable, start, end)

    def _onset(self, run: Run, syllable: _Syllable, *, opens: bool, first: bool) -> None:
        """Put the consonants before the note, shortening what was there to make room."""
        if not syllable.onset:
            return
        natural = _natural(run, syllable.onset)
        before = self._phonemes[-1]
        if opens and first:
            lengths = natural
            start = before.end
        else:
            room = before.end - before.start
            if before.source is not None:
                natural = [hurried_seconds(length, room) for length in natural]
            lengths = fitted_seconds(natural, room)
            start = before.end - sum(lengths)
            self._phonemes[-1] = SungPhoneme(
                before.symbol, before.start, start, start - before.start, before.midi, before.source
            )
        midi = self._notes[-1].midi if self._notes else self._midi
        for i, length, own in zip(syllable.onset, lengths, natural, strict=True):
            source = (run.recording, run.first + i)
            self._phonemes.append(SungPhoneme(run.phonemes[i], start, start + length, own, midi, source))
            start += length

    def _write_notes(self, start: float) -> float:
        """Write the note of a syllable (several, when its vowel is held on), return its end."""
        count = 1 + (self._random.random() < _MELISMA) * int(self._random.integers(1, 3))
        for _ in range(count):
            beats = self._choose(_BEATS)
            seconds = max(beats * self._beat, _SHORTEST_NOTE_SECONDS)
            self._notes.append(Note(start, start + seconds, self._midi))
            start += seconds
            self._step()
        return start

    def _step(self) -> None:
        pull = 0.15 * (self._centre - self._midi)
        target = self._midi + self._choose(_STEPS | _LEAPS) + np.round(pull * self._random.random())
        self._midi = float(np.clip(target, *self._span))

    def _choose(self, weights: dict[float, float]) -> float:
        shares = np.array(list(weights.values()))
        return float(self._random.choice(list(weights), p=shares / shares.sum()))

    def _nucleus(self, run: Run, syllable: _Syllable, start: float, end: float) -> None:
        midi = self._notes[-1].midi
        if syllable.coda and BY_SYMBOL[run.phonemes[syllable.coda[0]]].is_vowel:
            natural = lengths = [coda_seconds(end - start)]
        else:
            natural = _natural(run, syllable.coda)
            lengths = fitted_seconds(natural, end - start)
        vowel = end - start - sum(lengths)
        for i, length, own in zip(
            (syllable.nucleus, *syllable.coda), (vowel, *lengths), (vowel, *natural), strict=True
        ):
            source = (run.recording, run.first + i)
            self._phonemes.append(SungPhoneme(run.phonemes[i], start, start + length, own, midi, source))
            start += length


def _syllables(run: Run, generator: np.random.Generator) -> list[_Syllable]:
    """Group a run's phonemes: consonants open the next syllable, at the end they close the last.

    A moraic nasal has its own note or shares that of its vowel.
    """
    syllables: list[_Syllable] = []
    onset: list[int] = []
    for i, symbol in enumerate(run.phonemes):
        if not BY_SYMBOL[symbol].is_vowel:
            onset.append(i)
            continue
        shares = BY_SYMBOL[symbol].name == "N" and syllables and not onset and not syllables[-1].coda
        if shares and generator.random() < _CODA:
            last = syllables[-1]
            syllables[-1] = _Syllable(last.onset, last.nucleus, (i,))
        else:
            syllables.append(_Syllable(tuple(onset), i, ()))
            onset = []
    if onset:
        last = syllables[-1]
        syllables[-1] = _Syllable(last.onset, last.nucleus, (*last.coda, *onset))
    return syllables


def _natural(run: Run, consonants: tuple[int, ...]) -> list[float]:
    clustered = len(consonants) > 1
    return [natural_seconds(run.phonemes[i], run.spoken_seconds[i], clustered=clustered) for i in consonants]
