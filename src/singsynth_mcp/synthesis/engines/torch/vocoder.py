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
from singsynth_mcp.synthesis.engines.torch.source_filter import BANDS, SourceFilter

NOISE_HEADROOM = 0.7
"""How far (natural log) the noise may exceed what would make the mel alone."""
ROLL_OFF = 12.0
"""Natural log per octave by which that bound falls above the mel's last bin."""


class Vocoder(nn.Module):
    """The vocoder (format, section 2.6): deterministic, follows F0 exactly, any pitch.

    ``to_bands`` float32 [M, BANDS] carries values at the mel bins to the envelope bands, ``bands``
    holds the bands' centres in Hz.
    """

    to_bands: Tensor
    fall: Tensor

    def __init__(self, width: int, depth: int, mel: HarmonicMel, bands: np.ndarray, to_bands: Tensor) -> None:
        super().__init__()
        bins = mel.template.shape[1]
        self.mel = mel
        self.synthesiser = SourceFilter(bands)
        self.register_buffer("to_bands", to_bands)
        fall = ROLL_OFF * np.log2(np.maximum(bands, 1.0) / 15500.0).clip(min=0.0)
        self.register_buffer("fall", torch.from_numpy(fall).to(torch.float32))
        self.input = nn.Conv1d(2 * bins + PITCH_FEATURES, width, 3, padding=1)
        self.blocks = conv_stack(width, kernel=7, depth=depth)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 2 * BANDS)

    def envelopes(self, mel: Tensor, f0: Tensor) -> tuple[Tensor, Tensor]:
        """Return harmonic and noise log envelopes, each [B, T, BANDS], of a mel [B, T, M]."""
        above = (mel - self.mel.pulses(f0)).clamp(-14.0, 6.0)
        x = torch.cat([mel / 3.0 + 1.0, above / 3.0 + 1.0, pitch_features(f0)], dim=2)
        x = self.input(x.transpose(1, 2)).transpose(1, 2)
        harmonic, below = torch.chunk(self.output(self.norm(self.blocks(x))), 2, dim=2)
        bound = torch.matmul(mel - self.mel.white, self.to_bands) - self.fall + NOISE_HEADROOM
        noise = bound - functional.softplus(below)
        harmonic = torch.matmul(above, self.to_bands) + harmonic
        return harmonic.clamp(-14.0, 2.0), noise.clamp(-14.0, 2.0)

    def forward(self, mel: Tensor, f0: Tensor) -> Tensor:
        """Return ``waveform`` float32 [1, T * hop] of ``mel`` [1, T, M] and ``f0`` [1, T] Hz."""
        harmonic, noise = self.envelopes(mel, f0)
        samples: Tensor = self.synthesiser(harmonic, noise, f0.clamp(min=20.0))
        return samples
