"""Mel and F0 to a waveform: a small net that reads envelopes off the mel, and a synthesiser."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from singsynth_mcp.synthesis.engines.torch.blocks import (
    PITCH_FEATURES,
    conv_stack,
    pitch_features,
)
from singsynth_mcp.synthesis.engines.torch.harmonics import HarmonicMel
from singsynth_mcp.synthesis.engines.torch.source_filter import BANDS, STEPS, SourceFilter

NOISE_HEADROOM = 0.7
"""How far (natural log) the noise may exceed what would make the mel alone."""
ROLL_OFF = 12.0
"""Natural log per octave by which that bound falls above the mel's last bin."""
DETAIL_BANDS = 17
"""An envelope's detail is what differs from the mean of so many bands."""
SHARPENING_HZ, MOST_SHARPENED = 48.0, 0.3
"""By which share detail is raised: the first over F0, at most the second."""


def detail_matrix() -> Tensor:
    """Return float32 [BANDS, BANDS]: an envelope to its detail; beyond its ends it goes on level."""
    reach = DETAIL_BANDS // 2
    near = (np.arange(BANDS)[:, None] + np.arange(-reach, reach + 1)).clip(0, BANDS - 1)
    mean = np.eye(BANDS)[near].mean(axis=1)
    return torch.from_numpy((np.eye(BANDS) - mean).T).to(torch.float32)


def sharpened(harmonic: Tensor, f0: Tensor, detail: Tensor) -> Tensor:
    """Return a harmonic envelope [B, N, BANDS] with its formants as clear as they were before nets smoothed them.

    A postfilter, as speech coders have (Chen and Gersho, Adaptive postfiltering for quality enhancement of coded
    speech, 1995). Less of it at high ``f0`` [B, N] Hz: there detail lies between harmonics, where nothing is heard of
    it. ``detail`` is :func:`detail_matrix`.
    """
    strength = (SHARPENING_HZ / f0).clamp(max=MOST_SHARPENED)
    return harmonic + strength[:, :, None] * torch.matmul(harmonic, detail)


def at_steps(frames: Tensor) -> Tensor:
    """Return [B, T * STEPS, K]: each of the frames [B, T, K] for all of its steps."""
    batch, _, width = frames.shape
    return frames[:, :, None].expand(-1, -1, STEPS, -1).reshape(batch, -1, width)


class Vocoder(nn.Module):
    """The vocoder (format, section 2.6): deterministic, follows F0 exactly, any pitch.

    ``to_bands`` float32 [M, BANDS] carries values at the mel bins to the envelope bands, ``bands``
    holds the bands' centres in Hz.
    """

    to_bands: Tensor
    fall: Tensor
    detail: Tensor

    def __init__(self, width: int, depth: int, mel: HarmonicMel, bands: np.ndarray, to_bands: Tensor) -> None:
        super().__init__()
        bins = mel.template.shape[1]
        self.mel = mel
        self.synthesiser = SourceFilter(bands)
        self.register_buffer("to_bands", to_bands)
        fall = ROLL_OFF * np.log2(np.maximum(bands, 1.0) / 15500.0).clip(min=0.0)
        self.register_buffer("fall", torch.from_numpy(fall).to(torch.float32))
        self.register_buffer("detail", detail_matrix(), persistent=False)
        self.input = nn.Conv1d(2 * bins + PITCH_FEATURES, width, 3, padding=1)
        self.blocks = conv_stack(width, kernel=7, depth=depth)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 2 * STEPS * BANDS)

    def envelopes(self, mel: Tensor, f0: Tensor) -> tuple[Tensor, Tensor]:
        """Return harmonic and noise log envelopes, each [B, T * STEPS, BANDS], of a mel [B, T, M]."""
        above = (mel - self.mel.pulses(f0)).clamp(-14.0, 6.0)
        x = torch.cat([mel / 3.0 + 1.0, above / 3.0 + 1.0, pitch_features(f0)], dim=2)
        x = self.input(x.transpose(1, 2)).transpose(1, 2)
        harmonic, below = torch.chunk(self.output(self.norm(self.blocks(x))), 2, dim=2)
        bound = torch.matmul(mel - self.mel.white, self.to_bands) - self.fall + NOISE_HEADROOM
        noise = at_steps(bound) - functional.softplus(below.reshape(mel.shape[0], -1, BANDS))
        harmonic = at_steps(torch.matmul(above, self.to_bands)) + harmonic.reshape(mel.shape[0], -1, BANDS)
        return harmonic.clamp(-14.0, 2.0), noise.clamp(-14.0, 2.0)

    def forward(self, mel: Tensor, f0: Tensor) -> Tensor:
        """Return ``waveform`` float32 [1, T * hop] of ``mel`` [1, T, M] and ``f0`` [1, T] Hz."""
        harmonic, noise = self.envelopes(mel, f0)
        f0 = f0.clamp(min=20.0)
        harmonic = sharpened(harmonic, at_steps(f0[:, :, None])[:, :, 0], self.detail)
        samples: Tensor = self.synthesiser(harmonic, noise, f0)
        return samples
