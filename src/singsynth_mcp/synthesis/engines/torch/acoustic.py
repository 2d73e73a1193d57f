"""Phonemes, F0 and controls to a mel spectrogram."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines.torch.blocks import (
    PITCH_FEATURES,
    POSITION_FEATURES,
    conv_stack,
    frame_numbers,
    gather_rows,
    owners,
    pitch_features,
    position_features,
)
from singsynth_mcp.synthesis.engines.torch.harmonics import HarmonicMel

CURVES = 6
"""Control features a frame: breathiness, voicing, their difference, gender, tension, velocity."""


def curve_features(breathiness: Tensor, voicing: Tensor, tension: Tensor, gender: Tensor, velocity: Tensor) -> Tensor:
    """Return float32 [B, T, 6] of about unit size; all [B, T], breathiness and voicing in dB."""
    noise = breathiness.clamp(-96.0, 0.0)
    tone = voicing.clamp(-96.0, 0.0)
    features = [(noise + 50.0) / 20.0, (tone + 40.0) / 20.0, (tone - noise) / 20.0]
    speed = torch.log2(velocity.clamp(0.5, 2.0))
    return torch.stack([*features, gender.clamp(-1.0, 1.0), tension.clamp(-10.0, 10.0) / 3.0, speed], dim=2)


class Acoustic(nn.Module):
    """The acoustic model (format, section 2.5).

    It predicts a harmonic and a noise envelope at the mel bins and composes the mel from them and
    the template of F0, so that harmonics stay sharp at any pitch; a residual corrects what that
    formula misses.
    """

    def __init__(self, tokens: int, languages: int, hidden: int, width: int, depth: int, mel: HarmonicMel) -> None:
        super().__init__()
        bins = mel.template.shape[1]
        self.mel = mel
        self.token = nn.Embedding(tokens, width)
        self.language = nn.Embedding(languages, width)
        self.phonemes = conv_stack(width, kernel=5, depth=3, expansion=2)
        self.place = nn.Linear(POSITION_FEATURES + PITCH_FEATURES + CURVES, width)
        self.speaker = nn.Linear(hidden, width, bias=False)
        self.blocks = conv_stack(width, kernel=9, depth=depth)
        self.norm = nn.LayerNorm(width)
        self.envelopes = nn.Linear(width, 2 * bins)
        self.residual = nn.Linear(width, bins)
        nn.init.zeros_(self.residual.weight)
        nn.init.zeros_(self.residual.bias)

    def encode(self, tokens: Tensor, languages: Tensor) -> Tensor:
        """Return phoneme states float32 [B, n, width]; padding (token 0) stays zero."""
        sounding = (tokens != 0).to(torch.float32)[:, :, None]
        x: Tensor = (self.token(tokens) + self.language(languages)) * sounding
        for block in self.phonemes:
            x = block(x) * sounding
        return x

    def envelopes_at(
        self,
        states: Tensor,
        durations: Tensor,
        frames: Tensor,
        f0: Tensor,
        curves: Tensor,
        spk_embed: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return harmonic and noise envelopes and the residual, each [B, T, M].

        ``frames`` int64 [B or 1, T] are the frame numbers to predict (a crop in training).
        """
        index = owners(durations, frames)
        place = position_features(durations, frames, index)
        features = torch.cat([place, pitch_features(f0), curves], dim=2)
        x = gather_rows(states, index) + self.place(features) + self.speaker(spk_embed)
        x = self.norm(self.blocks(x))
        harmonic, noise = torch.chunk(self.envelopes(x) - 5.0, 2, dim=2)
        return harmonic, noise, self.residual(x)

    def forward(
        self,
        tokens: Tensor,
        languages: Tensor,
        durations: Tensor,
        f0: Tensor,
        breathiness: Tensor,
        voicing: Tensor,
        tension: Tensor,
        gender: Tensor,
        velocity: Tensor,
        spk_embed: Tensor,
        steps: Tensor,
    ) -> Tensor:
        """Return ``mel`` float32 [1, T, M]; ``steps`` is accepted and has no effect."""
        curves = curve_features(breathiness, voicing, tension, gender, velocity)
        states = self.encode(tokens, languages)
        harmonic, noise, residual = self.envelopes_at(states, durations, frame_numbers(f0), f0, curves, spk_embed)
        mel: Tensor = self.mel(harmonic, noise, f0)
        return mel + residual + steps.to(torch.float32) * 0.0
