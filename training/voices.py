"""One singer's recordings, ready to be sung from."""

from __future__ import annotations

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

    ``vowel_db`` is the median loudness of the vowels (:func:`loudness_db`), ``breath`` float32
    [256] the log envelope of the singer's own h.
    """

    speaker: str
    recordings: dict[int, Recording]
    runs: tuple[Run, ...]
    vowel_db: float
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
    return Voice(speaker, numbered, tuple(runs), _vowel_db(numbered), _breath(numbered))


def loudness_db(envelope: np.ndarray) -> np.ndarray:
    """Return dB [...] of log envelopes [..., 256]: their mean power over 200-3000 Hz."""
    centres = warped_centres(BANDS)
    band = (centres >= _LOUDNESS_HZ[0]) & (centres <= _LOUDNESS_HZ[1])
    power = np.exp(2.0 * envelope[..., band].astype(np.float32))
    return 10.0 * np.log10(power.mean(axis=-1) + 1e-12)


def _phoneme_frames(recording: Recording, i: int, low: float, high: float) -> slice:
    start, end = recording.starts[i : i + 2] / FRAME_SECONDS
    first = int(start + low * (end - start))
    return slice(first, max(int(start + high * (end - start)), first + 1))


def phoneme_lengths(recording: Recording) -> np.ndarray:
    """Return float64 [n] seconds: the phonemes' lengths, stops without their surplus aspiration."""
    kept = np.array([aspiration_seconds(s) if BY_SYMBOL[s].language else np.inf for s in recording.phonemes])
    aspiration = recording.starts[1:] - recording.bursts
    return np.diff(recording.starts) - np.maximum(aspiration - kept, 0.0)


def _vowel_db(numbered: dict[int, Recording]) -> float:
    levels = []
    for recording in numbered.values():
        for i, (symbol, fault) in enumerate(zip(recording.phonemes, recording.fault, strict=True)):
            if symbol != SILENCE and BY_SYMBOL[symbol].is_vowel and not fault:
                part = recording.envelope[1, _phoneme_frames(recording, i, 0.3, 0.6)]
                levels.append(float(loudness_db(part).mean()))
    return float(np.median(levels))


def _breath(numbered: dict[int, Recording]) -> np.ndarray:
    frames = [
        recording.envelope[1, _phoneme_frames(recording, i, 0.3, 0.7)].astype(np.float32)
        for recording in numbered.values()
        for i, symbol in enumerate(recording.phonemes)
        if BY_SYMBOL[symbol].name in {"h", "hh"}
    ]
    return np.median(np.concatenate(frames), axis=0)
