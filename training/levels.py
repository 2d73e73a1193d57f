"""Levels of tone and noise: how examples are varied, and which differences are heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from training.targets import NEPERS_PER_DB

if TYPE_CHECKING:
    from singsynth_mcp.synthesis.engines.torch.harmonics import HarmonicMel
    from training.batches import Batch

PER_DB = float(NEPERS_PER_DB)
AUDIBLE = -9.0
"""Natural log amplitude below which an envelope's exact value hardly matters."""


SAMPLE_RATE = 44100
_MOST_TILT_OCTAVES = 4.0


@dataclass(frozen=True)
class Effort:
    """How examples of a batch are sung differently from how they were rendered, float32 [B] each."""

    tone_db: Tensor
    noise_db: Tensor
    tilt_db: Tensor
    """dB an octave by which the tone's spectrum is flatter: a tense voice has more overtones."""

    @classmethod
    def of(cls, batch: Batch) -> Effort:
        """Return the changes that :func:`effort_batch` drew for a batch."""
        return cls(batch["tone_db"], batch["noise_db"], batch["tilt_db"])

    def tone(self, harmonic: Tensor, hertz: Tensor, f0: Tensor) -> Tensor:
        """Return the harmonic envelope [B, T, K] at bands of ``hertz`` [K] as it is sung at ``f0`` [B, T] Hz.

        The first harmonic keeps its level, so that tension, which is measured against it, follows the tilt.
        """
        octaves = torch.log2(hertz.clamp(min=20.0) / f0[:, :, None]).clamp(0.0, _MOST_TILT_OCTAVES)
        return harmonic + PER_DB * (self.tone_db[:, None, None] + self.tilt_db[:, None, None] * octaves)

    def noise(self, noise: Tensor) -> Tensor:
        """Return the noise envelope [B, T, K] as it is sung."""
        return noise + PER_DB * self.noise_db[:, None, None]


def effort_batch(count: int, rng: np.random.Generator) -> Batch:
    """Draw changes of effort, half of each kind none."""

    def some(low: float, high: float) -> Tensor:
        values = rng.uniform(low, high, count) * (rng.random(count) < 0.5)
        return torch.from_numpy(values.astype(np.float32))

    return {"tone_db": some(-12.0, 9.0), "noise_db": some(-12.0, 9.0), "tilt_db": some(-4.0, 3.0)}


def recomposed(mel: HarmonicMel, crop: Batch, bands: Bands, effort: Effort) -> Tensor:
    """Return the crop's mel [B, T, M] as sung with an effort.

    The stored mel is exact; the *change* comes from the composition formula, so that no change
    returns the stored mel itself.
    """
    tone, noise, f0 = crop["harmonic"] @ bands.to_mel, crop["noise"] @ bands.to_mel, crop["f0"]
    changed = effort.tone(crop["harmonic"], bands.hertz, f0) @ bands.to_mel, effort.noise(noise)
    return crop["mel"] + mel(*changed, f0) - mel(tone, noise, f0)


@dataclass(frozen=True)
class Bands:
    """The bands of the envelopes: centres float32 [K] Hz, and the way to the mel bins float32 [K, M]."""

    hertz: Tensor
    to_mel: Tensor
    step_hertz: Tensor
    """Centres of the bands of the steps' envelopes."""

    def to(self, device: torch.device) -> Bands:
        """Return them on a device."""
        return Bands(self.hertz.to(device), self.to_mel.to(device), self.step_hertz.to(device))


def tension(harmonic: Tensor, f0: Tensor, hertz: Tensor) -> Tensor:
    """Return the tension float32 [B, T], -10 .. 10: the format's curve (section 4.2), from the envelope.

    ``harmonic`` [B, T, K] log amplitudes at bands of ``hertz`` [K], ``f0`` [B, T] Hz. The power of all
    harmonics is an integral over the envelope from half of F0 on (below it there is none), that of the
    first is read at F0.
    """
    power = torch.exp(2.0 * harmonic) * (hertz >= 0.5 * f0[:, :, None])
    whole = torch.trapezoid(power, hertz, dim=2) * (2.0 / SAMPLE_RATE)
    place = torch.bucketize(f0, hertz).clamp(1, len(hertz) - 1)
    low, high = hertz[place - 1], hertz[place]
    share = ((f0 - low) / (high - low)).clamp(0.0, 1.0)
    at = torch.gather(harmonic, 2, torch.stack([place - 1, place], dim=2))
    first = torch.exp(2.0 * (at[:, :, 0] * (1.0 - share) + at[:, :, 1] * share)) * f0 * (2.0 / SAMPLE_RATE)
    ratio = torch.sqrt((whole - first).clamp(min=0.0)) / (torch.sqrt(whole) + 1e-5)
    logit = torch.logit(ratio.clamp(1e-4, 1.0 - 1e-4))
    kernel = torch.sin(torch.pi * (torch.arange(5) + 0.5) / 5)
    padded = torch.nn.functional.pad(logit[:, None], (2, 2), mode="replicate")
    return torch.nn.functional.conv1d(padded, (kernel / kernel.sum())[None, None])[:, 0]


def audible_gap(predicted: Tensor, target: Tensor) -> Tensor:
    """Return |predicted - target| of log amplitudes, both floored where nothing is heard."""
    return (predicted.clamp(min=AUDIBLE) - target.clamp(min=AUDIBLE)).abs()


def masking(level: Tensor, loudest: Tensor) -> Tensor:
    """Return how much each band of a part matters: little where the other part drowns it."""
    return torch.sigmoid((level - loudest + 2.5) * 1.5) + 0.1
