"""A song's labels in frames, exactly as the voicebank format derives them (sections 3.3-3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.examples import FRAME_SECONDS
from training.inventory import BY_SYMBOL
from training.rules.timing import to_frames

if TYPE_CHECKING:
    from training.songs import Song


@dataclass(frozen=True)
class SongLabels:
    """The label fields of :class:`training.examples.SungExample`, under the same names."""

    phonemes: tuple[str, ...]
    ph_dur: np.ndarray
    ph_vowel: np.ndarray
    note_midi: np.ndarray
    note_rest: np.ndarray
    note_dur: np.ndarray
    ph_midi: np.ndarray
    word_div: np.ndarray
    word_dur: np.ndarray
    natural_ph_dur: np.ndarray


def label_song(song: Song) -> SongLabels:
    """Return the labels of a song."""
    symbols = tuple(phoneme.symbol for phoneme in song.phonemes)
    ph_dur = to_frames([phoneme.end - phoneme.start for phoneme in song.phonemes])
    vowel = np.array([BY_SYMBOL[symbol].is_vowel for symbol in symbols])
    midi, rest, note_dur = _notes(song, int(ph_dur.sum()))
    word_div, word_dur = _words(vowel, ph_dur)
    return SongLabels(
        phonemes=symbols,
        ph_dur=ph_dur,
        ph_vowel=vowel,
        note_midi=midi,
        note_rest=rest,
        note_dur=note_dur,
        ph_midi=np.array([round(phoneme.midi) for phoneme in song.phonemes], np.int64),
        word_div=word_div,
        word_dur=word_dur,
        natural_ph_dur=np.array([phoneme.natural / FRAME_SECONDS for phoneme in song.phonemes], np.float32),
    )


def _notes(song: Song, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return note_midi, note_rest, note_dur: rests of their own, filled from their neighbours."""
    lengths: list[float] = [song.notes[0].start]
    midi: list[float] = [song.notes[0].midi]
    rest = [True]
    end = song.notes[0].start
    for note in song.notes:
        if note.start > end + 1e-6:
            lengths.append(note.start - end)
            midi.append(midi[-1])
            rest.append(True)
        lengths.append(note.end - note.start)
        midi.append(note.midi)
        rest.append(False)
        end = note.end
    lengths.append(song.seconds - end)
    midi.append(midi[-1])
    rest.append(True)
    note_dur = to_frames(lengths)
    note_dur[-1] += frames - note_dur.sum()
    return np.array(midi, np.float32), np.array(rest), note_dur


def _words(vowel: np.ndarray, ph_dur: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return word_div and word_dur: the head with its consonants, then vowels with what follows."""
    sung = np.flatnonzero(vowel[1:-1])
    edges = np.concatenate([[0], sung + 1, [len(vowel)]])
    word_div = np.diff(edges)
    ends = np.cumsum(word_div)
    total = np.concatenate([[0], np.cumsum(ph_dur)])
    return word_div.astype(np.int64), np.diff(total[np.concatenate([[0], ends])]).astype(np.int64)
