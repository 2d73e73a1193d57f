"""Sung examples as tensors: the corpus in memory, phrases padded to batches, crops of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from training.examples import WIDE, SungExample, load_examples
from training.inventory import PHONEME_IDS, language_id
from training.singers import SPEAKERS

if TYPE_CHECKING:
    from pathlib import Path

HELD_OUT_EVERY = 37
"""One phrase of this many is kept from training, to measure on; 40, two shards, met two singers of the four."""

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Phrase:
    """One example as the loops use it: ids instead of symbols, no audio, big arrays in float16."""

    speaker: int
    tokens: np.ndarray
    languages: np.ndarray
    example: SungExample

    @property
    def frames(self) -> int:
        """The phrase's number of frames."""
        return len(self.example.f0)


def load_corpus(shards: list[Path]) -> tuple[list[Phrase], list[Phrase]]:
    """Return the phrases to train on and those held out."""
    phrases = [_phrase(example) for shard in shards for example in load_examples(shard)]
    held_out = phrases[::HELD_OUT_EVERY]
    return [p for i, p in enumerate(phrases) if i % HELD_OUT_EVERY], held_out


def _phrase(example: SungExample) -> Phrase:
    slim = {name: getattr(example, name).astype(np.float16) for name in WIDE}
    small = {**example.__dict__, **slim, "audio": np.zeros(0, np.float16)}
    return Phrase(
        SPEAKERS.index(example.speaker),
        np.array([PHONEME_IDS[symbol] for symbol in example.phonemes], np.int64),
        np.array([language_id(symbol) for symbol in example.phonemes], np.int64),
        SungExample(**small),
    )


def choose(phrases: list[Phrase], count: int, rng: np.random.Generator) -> list[Phrase]:
    """Draw phrases with a probability proportional to their length."""
    lengths = np.array([phrase.frames for phrase in phrases], np.float64)
    chosen = rng.choice(len(phrases), size=count, p=lengths / lengths.sum())
    return [phrases[int(i)] for i in chosen]


def placed(batch: Batch, device: torch.device) -> Batch:
    """Return a batch on a device."""
    return {name: value.to(device, non_blocking=True) for name, value in batch.items()}


def score_batch(phrases: list[Phrase]) -> Batch:
    """Pad what one value a phoneme, word or note is: durations padded by 0, the rest by its end."""
    of = [phrase.example for phrase in phrases]
    return {
        "tokens": _pad([p.tokens for p in phrases], 0),
        "languages": _pad([p.languages for p in phrases], 0),
        "ph_dur": _pad([e.ph_dur for e in of], 0),
        "ph_midi": _pad([e.ph_midi for e in of], 0),
        "ph_vowel": _pad([e.ph_vowel for e in of], True),
        "natural_ph_dur": _pad([e.natural_ph_dur for e in of], 0.0),
        "word_div": _pad([e.word_div for e in of], 0),
        "word_dur": _pad([e.word_dur for e in of], 0),
        "note_midi": _pad([e.note_midi for e in of], None),
        "note_rest": _pad([e.note_rest for e in of], None),
        "note_dur": _pad([e.note_dur for e in of], 0),
        "speaker": torch.tensor([p.speaker for p in phrases]),
        "gender": torch.tensor([float(e.gender) for e in of]),
        "velocity": torch.tensor([float(e.velocity) for e in of]),
    }


def curve_batch(phrases: list[Phrase], names: tuple[str, ...]) -> Batch:
    """Pad curves of whole phrases by their last value; adds ``inside``, bool [B, T]."""
    curves = {name: _pad([getattr(p.example, name) for p in phrases], None) for name in names}
    curves["inside"] = _pad([np.ones(p.frames, bool) for p in phrases], False)
    return curves


def crop_batch(phrases: list[Phrase], names: tuple[str, ...], length: int, rng: np.random.Generator) -> Batch:
    """Cut one stretch of ``length`` frames from each phrase (short ones held at their end).

    Adds ``frames``, int64 [B, length]: the frame numbers of the stretch.
    """
    starts = [int(rng.integers(0, max(1, p.frames - length + 1))) for p in phrases]
    numbers = [
        np.minimum(np.arange(start, start + length), p.frames - 1) for start, p in zip(starts, phrases, strict=True)
    ]
    crops = {
        name: torch.from_numpy(
            np.stack([getattr(p.example, name)[n].astype(np.float32) for p, n in zip(phrases, numbers, strict=True)])
        )
        for name in names
    }
    crops["frames"] = torch.from_numpy(np.stack(numbers))
    return crops


def _pad(arrays: list[np.ndarray], fill: float | bool | None) -> Tensor:
    """Stack arrays of unequal length; ``fill`` None repeats each one's last value."""
    longest = max(len(array) for array in arrays)
    rows = []
    for array in arrays:
        value = array[-1] if fill is None else np.asarray(fill, array.dtype)
        tail = np.broadcast_to(value, (longest - len(array), *array.shape[1:])).astype(array.dtype)
        rows.append(np.concatenate([array, tail]))
    return torch.from_numpy(np.stack(rows))
