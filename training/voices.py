"""One singer's recordings, ready to be sung from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from training.analysis.parameters import BANDS
from training.analysis.voicing import FRAME_SECONDS
from training.inventory import BY_SYMBOL, SILENCE
from training.rendering.reading import aspiration_seconds
from training.singers import SINGERS
from training.songs import Run, runs_of
from training.store import Recording, recordings
from training.targets import warped_centres

_LOUDNESS_HZ = (200.0, 3000.0)


@dataclass(frozen=True)
class Voice:
    """A singer: recordings by number, the runs to sing, and what is common to all of them.

    ``vowel_db`` is the median loudness of the vowels (:func:`loudness_db`), ``sung_vowel_db`` that of their harmonics
    (:func:`sung_loudness_db`) as they were spoken, ``breath`` float32 [256] the log envelope of the singer's own h.
    """

    speaker: str
    recordings: dict[int, Recording]
    runs: tuple[Run, ...]
    vowel_db: float
    sung_vowel_db: float
    breath: np.ndarray

    @property
    def comfortable(self) -> tuple[int, int]:
        """The lowest and the highest comfortable MIDI note."""
        return SINGERS[self.speaker].range


def load_voice(speaker: str) -> Voice:
    """Load every recording there is of a singer.

    Raises:
        RuntimeError: the store holds nothing of the singer.
    """
    numbered = dict(enumerate(recordings(speaker)))
    if not numbered:
        raise RuntimeError(f"no recordings of {speaker}; run python -m training.store first")
    runs = [
        run
        for number, recording in numbered.items()
        for run in runs_of(number, recording.phonemes, phoneme_lengths(recording), recording.fault)
    ]
    vowels = list(_vowels(numbered))
    loudness = [loudness_db(envelope).mean() for envelope, _ in vowels]
    sung = [sung_loudness_db(envelope, np.full(len(envelope), f0)).mean() for envelope, f0 in vowels]
    return Voice(speaker, numbered, tuple(runs), float(np.median(loudness)), float(np.median(sung)), _breath(numbered))


def loudness_db(envelope: np.ndarray) -> np.ndarray:
    """Return dB [...] of log envelopes [..., 256]: their mean power over 200-3000 Hz, each band counting as much."""
    centres = warped_centres(BANDS)
    band = (centres >= _LOUDNESS_HZ[0]) & (centres <= _LOUDNESS_HZ[1])
    power = np.exp(2.0 * envelope[..., band].astype(np.float32))
    return 10.0 * np.log10(power.mean(axis=-1) + 1e-12)


def sung_loudness_db(envelope: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Return dB [S] of log envelopes [S, 256] sung at ``f0`` [S] Hz: the same mean, of what lies at the harmonics.

    High notes have few of them: the i of a soprano whose pitch lies above its first formant is 11 dB softer than its
    envelope says.
    """
    centres = warped_centres(BANDS)
    hertz = f0[:, None] * np.arange(1, int(_LOUDNESS_HZ[1] / f0.min()) + 1)
    place = np.interp(hertz, centres, np.arange(BANDS))
    below = np.minimum(place.astype(int), BANDS - 2)
    low, high = (np.take_along_axis(envelope, below + step, axis=1).astype(np.float64) for step in (0, 1))
    power = np.exp(2.0 * (low + (high - low) * (place - below)))
    bands = f0[:, None] / np.interp(hertz, centres, np.gradient(centres)) * (hertz <= _LOUDNESS_HZ[1])
    whole = np.count_nonzero((centres >= _LOUDNESS_HZ[0]) & (centres <= _LOUDNESS_HZ[1]))
    return np.asarray(10.0 * np.log10((power * bands).sum(axis=1) / whole + 1e-12))


def _phoneme_frames(recording: Recording, i: int, low: float, high: float) -> slice:
    start, end = recording.starts[i : i + 2] / FRAME_SECONDS
    first = int(start + low * (end - start))
    return slice(first, max(int(start + high * (end - start)), first + 1))


def phoneme_lengths(recording: Recording) -> np.ndarray:
    """Return float64 [n] seconds: the phonemes' lengths, stops without their surplus aspiration."""
    kept = np.array([aspiration_seconds(s) if BY_SYMBOL[s].language else np.inf for s in recording.phonemes])
    aspiration = recording.starts[1:] - recording.bursts
    return np.diff(recording.starts) - np.maximum(aspiration - kept, 0.0)


def _vowels(numbered: dict[int, Recording]) -> Iterator[tuple[np.ndarray, float]]:
    """Yield the middle of every sound vowel, log envelopes float32 [F, 256], and the pitch in Hz it was spoken at."""
    for recording in numbered.values():
        for i, (symbol, fault) in enumerate(zip(recording.phonemes, recording.fault, strict=True)):
            if symbol != SILENCE and BY_SYMBOL[symbol].is_vowel and not fault:
                middle = recording.envelope[1, _phoneme_frames(recording, i, 0.3, 0.6)]
                yield middle.astype(np.float32), recording.levels_hz[1]


def _breath(numbered: dict[int, Recording]) -> np.ndarray:
    frames = [
        recording.envelope[1, _phoneme_frames(recording, i, 0.3, 0.7)].astype(np.float32)
        for recording in numbered.values()
        for i, symbol in enumerate(recording.phonemes)
        if BY_SYMBOL[symbol].name in {"h", "hh"}
    ]
    return np.median(np.concatenate(frames), axis=0)
