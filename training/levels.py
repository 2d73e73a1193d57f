"""Levels of tone and noise: how examples are varied, and which differences are heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from singsynth_mcp.synthesis.engines.torch.harmonics import HarmonicMel
    from training.batches import Batch

PER_DB = float(np.log(10.0) / 20.0)
"""Natural log amplitude of one decibel."""
AUDIBLE = -9.0
"""Natural log amplitude below which an envelope's exact value hardly matters."""


def recomposed(mel: HarmonicMel, crop: Batch, to_mel: Tensor, tone_db: Tensor, noise_db: Tensor) -> Tensor:
    """Return the crop's mel with its tone and noise made louder by dB, [B] or [B, T] each.

    The stored mel is exact; the *change* comes from the composition formula, so that no shift
    returns the stored mel itself.
    """
    tone, noise = crop["harmonic"] @ to_mel, crop["noise"] @ to_mel
    louder_tone = tone + PER_DB * tone_db.reshape(len(tone_db), -1, 1)
    louder_noise = noise + PER_DB * noise_db.reshape(len(noise_db), -1, 1)
    f0 = crop["f0"]
    return crop["mel"] + mel(louder_tone, louder_noise, f0) - mel(tone, noise, f0)


def level_shifts(count: int, rng: np.random.Generator) -> Tensor:
    """Draw level changes in dB, half of them none."""
    shifts = rng.uniform(-12.0, 9.0, count) * (rng.random(count) < 0.5)
    return torch.from_numpy(shifts.astype(np.float32))


def audible_gap(predicted: Tensor, target: Tensor) -> Tensor:
    """Return |predicted - target| of log amplitudes, both floored where nothing is heard."""
    return (predicted.clamp(min=AUDIBLE) - target.clamp(min=AUDIBLE)).abs()


def masking(level: Tensor, loudest: Tensor) -> Tensor:
    """Return how much each band of a part matters: little where the other part drowns it."""
    return torch.sigmoid((level - loudest + 2.5) * 1.5) + 0.1
