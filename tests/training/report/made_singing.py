"""Singing of the synthetic singer of tests/listening with the labels that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from singsynth_mcp.performance.model import PhraseNote
from tests.listening.singer import CONSONANT_S, RATE, sing, song
from training.report.singing import Singing, SungPhrase, TimedPhoneme, label_voicing

HOP = 512
FRAME_S = HOP / RATE
_PAD_S = 0.3
_NAMES = {"か": "k", "さ": "s", "た": "t", "は": "h"}


def made_singing(count: int = 16, *, late_s: float = 0.0, cents: float = 0.0) -> Singing:
    """Sing ``count`` notes, a phrase of every eight, exactly or ``late_s`` late and ``cents`` off."""
    notes = song(count)
    audio = sing(notes, late_s=late_s, cents=cents)
    runs = [notes[first : first + 8] for first in range(0, count, 8)]
    phrases = tuple(_phrase(audio, run) for run in runs)
    lines = tuple((run[0].start_s, run[-1].start_s + run[-1].duration_s) for run in runs)
    return Singing(phrases, tuple(notes), lines)


def spoilt(sung: Singing, spoil: Callable[[np.ndarray, SungPhrase], np.ndarray]) -> Singing:
    """Return the singing with the samples of its first phrase spoilt."""
    first = sung.phrases[0]
    return replace(sung, phrases=(replace(first, audio=spoil(first.audio.copy(), first)), *sung.phrases[1:]))


def _phrase(audio: np.ndarray, notes: Sequence[PhraseNote]) -> SungPhrase:
    start = int((notes[0].start_s - _PAD_S) * RATE)
    end_s = notes[-1].start_s + notes[-1].duration_s
    frames = int((end_s + _PAD_S) * RATE - start) // HOP
    piece = audio[start : start + frames * HOP].astype(np.float32)
    fade = np.minimum(1.0, np.arange(len(piece)) / 2000) * np.minimum(1.0, np.arange(len(piece))[::-1] / 2000)
    start_s = start / RATE
    phonemes = _phonemes(notes, start_s, frames)
    f0 = _f0(notes, start_s + (np.arange(frames) + 0.5) * FRAME_S)
    return SungPhrase(
        (piece * fade).astype(np.float32), RATE, HOP, start_s, f0, phonemes, label_voicing(phonemes, frames)
    )


def _phonemes(notes: Sequence[PhraseNote], start_s: float, frames: int) -> tuple[TimedPhoneme, ...]:
    timed = []
    place = 0
    for note in notes:
        at = round((note.start_s - start_s) / FRAME_S)
        name = _NAMES.get(note.lyric)
        if name is not None:
            onset = round((note.start_s - CONSONANT_S - start_s) / FRAME_S)
            timed += [("vowel" if timed else "rest", place, onset), (name, onset, at)]
        else:
            timed.append(("vowel" if timed else "rest", place, at))
        place = at
    end = round((notes[-1].start_s + notes[-1].duration_s - start_s) / FRAME_S)
    timed += [("vowel", place, end), ("rest", end, frames)]
    symbols = {"vowel": "ja/a", "rest": "SP"}
    return tuple(
        TimedPhoneme(symbols.get(kind, f"ja/{kind}"), kind if kind in symbols else "consonant", first, stop)
        for kind, first, stop in timed
    )


def _f0(notes: Sequence[PhraseNote], seconds: np.ndarray) -> np.ndarray:
    starts = np.array([note.start_s for note in notes])
    at = np.clip(np.searchsorted(starts, seconds, side="right") - 1, 0, len(notes) - 1)
    midi = np.array([note.midi for note in notes])[at]
    age = np.maximum(seconds - starts[at], 0.0)
    vibrato = 0.30 * np.sin(2 * np.pi * 5.5 * age) * np.clip((age - 0.35) / 0.35, 0, 1)
    return (440.0 * 2.0 ** ((midi + vibrato - 69.0) / 12.0)).astype(np.float32)
