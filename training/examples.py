"""One sung example: what every net of the voicebank is trained on.

This is the interface between the corpus (songs, rules, renderer) and the training loops. All
arrays share one clock: frame ``i`` is centred on sample ``512 i + 256`` at 44 100 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE_RATE = 44100
HOP_SIZE = 512
FRAME_SECONDS = HOP_SIZE / SAMPLE_RATE
MEL_BINS = 128
ENVELOPE_BANDS = 128
STEPS, STEP_BANDS = 2, 256
"""A frame's steps and their bands: how finely the vocoder sings."""

WIDE = ("mel", "harmonic", "noise", "harmonic_steps", "noise_steps", "audio")
"""What is kept in float16."""


@dataclass(frozen=True)
class SungExample:
    """One rendered phrase with its score, labels, curves and exact targets.

    ``n`` phonemes, ``m`` notes, ``w`` words, ``T`` frames. ``sum(ph_dur) == sum(note_dur) ==
    sum(word_dur) == T`` and ``sum(word_div) == n``. The first and the last phoneme are SP.
    """

    speaker: str
    language: str
    phonemes: tuple[str, ...]
    """[n] symbols of the inventory."""
    ph_dur: np.ndarray
    """int64 [n], frames, each >= 1."""
    ph_vowel: np.ndarray
    """bool [n]: vowels, SP and AP."""
    note_midi: np.ndarray
    """float32 [m], MIDI note number; rests are filled from their neighbours by the format's rule."""
    note_rest: np.ndarray
    """bool [m]."""
    note_dur: np.ndarray
    """int64 [m], frames; a note starts where its vowel does (vowels fall on the beat)."""
    ph_midi: np.ndarray
    """int64 [n], MIDI note of the group a phoneme belongs to: a consonant before the vowel has the
    note of the group before it (format, section 3.3)."""
    word_div: np.ndarray
    """int64 [w], phonemes per word, words starting at vowels (format, section 3.4)."""
    word_dur: np.ndarray
    """int64 [w], frames per word."""
    natural_ph_dur: np.ndarray
    """float32 [n], frames: the duration net's target. Consonants have their natural length (before
    the cap that short notes force); vowels, SP and AP what their word leaves."""
    f0: np.ndarray
    """float32 [T], Hz, continuous everywhere; what was rendered, jitter included."""
    f0_rule: np.ndarray
    """float32 [T], MIDI note number: the pitch net's target, a function of the score alone."""
    mel: np.ndarray
    """float32 [T, 128], natural log of the slaney mel magnitude (format, section 4.1)."""
    harmonic: np.ndarray
    """float32 [T, 128], natural log amplitude of the harmonic envelope on bands whose centres are
    equally spaced in mel over 0-22 050 Hz (:func:`training.targets.band_centres`)."""
    noise: np.ndarray
    """float32 [T, 128], natural log amplitude of the noise envelope on the same bands."""
    harmonic_steps: np.ndarray
    """float32 [T, 2, 256], the harmonic envelope at the two steps of each frame, on twice as many bands."""
    noise_steps: np.ndarray
    """float32 [T, 2, 256], the noise envelope likewise."""
    voiced: np.ndarray
    """bool [T]."""
    gender: np.float32
    """Formant control in [-1, 1] as the acoustic graph takes it: formants x 2 ** (3 gender / 12)."""
    velocity: np.float32
    """How fast vowels are entered and left, in 0.5 .. 2, 1 as they were spoken."""
    breathiness: np.ndarray
    """float32 [T], dB: RMS of the noise part, smoothed (format, section 4.2), -96 .. 0."""
    voicing: np.ndarray
    """float32 [T], dB: RMS of the harmonic part, smoothed (format, section 4.2), -96 .. 0."""
    audio: np.ndarray
    """float32 [T * 512], the rendering."""

    @property
    def frames(self) -> int:
        """T, the number of frames."""
        return int(self.ph_dur.sum())


def save_examples(path: Path, examples: list[SungExample]) -> None:
    """Write examples to one npz file; audio, mel and envelopes are kept as float16 (see load)."""
    arrays: dict[str, np.ndarray] = {"count": np.array(len(examples))}
    for i, example in enumerate(examples):
        for field in fields(SungExample):
            value = np.asarray(getattr(example, field.name))
            if field.name in WIDE:
                value = value.astype(np.float16)
            arrays[f"{i}/{field.name}"] = value
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **arrays)
    temporary.replace(path)


def load_examples(path: Path) -> list[SungExample]:
    """Read the examples that :func:`save_examples` wrote; float16 arrays come back as float32."""
    with np.load(path) as archive:
        return [_example(archive, i) for i in range(int(archive["count"]))]


def _example(archive: np.lib.npyio.NpzFile, i: int) -> SungExample:
    values = {}
    for field in fields(SungExample):
        value = archive[f"{i}/{field.name}"]
        if value.dtype == np.float16:
            value = value.astype(np.float32)
        values[field.name] = value
    values["speaker"], values["language"] = str(values["speaker"]), str(values["language"])
    values["phonemes"] = tuple(str(symbol) for symbol in values["phonemes"])
    for name in ("gender", "velocity"):
        values[name] = np.float32(values[name])
    return SungExample(**values)
