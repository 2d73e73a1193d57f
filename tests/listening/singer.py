"""A synthetic singer whose pitch and onsets are known exactly: harmonics for vowels, noise for consonants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from singsynth_mcp.performance.model import PhraseNote

RATE = 44_100
CONSONANT_S = 0.07
_VOWEL_FORMANTS = {"あ": (800, 1200), "い": (300, 2300), "う": (350, 1300), "え": (500, 1900), "お": (500, 900)}
_ROWS = {"か": "k", "さ": "s", "た": "t", "は": "h", "ま": "m"}
_NOISE_HZ = {"k": (1500, 4000), "s": (6000, 12_000), "t": (3000, 9000), "h": (500, 5000)}


def song(count: int = 24, seed: int = 3) -> list[PhraseNote]:
    """Return notes of 0.25 to 1 s from C4 to E5, a rest after every eighth."""
    generator = np.random.default_rng(seed)
    syllables = list(_ROWS)
    notes, time = [], 0.5
    for index in range(count):
        duration = float(generator.choice([0.25, 0.5, 1.0]))
        midi = float(generator.integers(60, 77))
        notes.append(PhraseNote(f"n{index}", 1, time, duration, midi, syllables[index % len(syllables)]))
        time += duration + (1.0 if index % 8 == 7 else 0.0)
    return notes


def sing(notes: Sequence[PhraseNote], *, late_s: float = 0.0, cents: float = 0.0, seed: int = 0) -> np.ndarray:
    """Sing `notes`, each vowel exactly at its onset plus `late_s`, `cents` above its pitch, with some vibrato."""
    generator = np.random.default_rng(seed)
    audio = np.zeros(int((notes[-1].start_s + notes[-1].duration_s + 1) * RATE))
    for note, following in zip(notes, [*notes[1:], None], strict=True):
        end = note.start_s + note.duration_s
        if following is not None and following.start_s == end and _ROWS[following.lyric] != "m":
            end -= CONSONANT_S
        _add(audio, _vowel(note, end - note.start_s, cents), note.start_s + late_s)
        consonant = _ROWS[note.lyric]
        if consonant in _NOISE_HZ:
            _add(audio, _noise(consonant, generator), note.start_s - CONSONANT_S + late_s)
    return audio + 1e-4 * generator.standard_normal(len(audio))


def _vowel(note: PhraseNote, seconds: float, cents: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    vibrato = 30 * np.sin(2 * np.pi * 5.5 * time) * np.clip((time - 0.35) / 0.35, 0, 1)
    hertz = 440 * 2 ** ((note.midi - 69 + (cents + vibrato) / 100) / 12)
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    wave = np.zeros(len(time))
    for number in range(1, int(10_000 / hertz.max())):
        wave += _envelope(number * float(hertz.mean())) * np.sin(number * phase + number**2)
    ramp = np.minimum(1, np.minimum(time / 0.012, (seconds - time) / 0.02))
    return 0.25 * wave * np.sin(np.pi / 2 * np.clip(ramp, 0, 1)) ** 2


def _envelope(hertz: float) -> float:
    first, second = _VOWEL_FORMANTS["あ"]
    peaks = sum(1 / (1 + ((hertz - centre) / 150) ** 2) for centre in (first, second, 2900))
    return float(peaks * (500 / (500 + hertz)) + 0.02 * 500 / (500 + hertz))


def _noise(consonant: str, generator: np.random.Generator) -> np.ndarray:
    size = int(CONSONANT_S * RATE)
    spectrum = np.fft.rfft(generator.standard_normal(size))
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    low, high = _NOISE_HZ[consonant]
    noise = np.fft.irfft(spectrum * ((hertz > low) & (hertz < high)), size)
    shape = np.hanning(size)
    if consonant in "kt":  # closed, then a burst that rises in 2 ms and dies away
        time = np.arange(size) / RATE - 0.6 * CONSONANT_S
        shape = 2 * np.clip(time / 0.002, 0, 1) * np.exp(-np.maximum(time, 0) / 0.03)
        shape *= np.clip((time[-1] - time) / 0.008, 0, 1)
    return 0.03 * shape * noise / max(noise.std(), 1e-9)


def _add(audio: np.ndarray, piece: np.ndarray, start_s: float) -> None:
    start = round(start_s * RATE)
    audio[start : start + len(piece)] += piece
