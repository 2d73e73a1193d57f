"""Phonemes and pitch to the variance curves that the acoustic model takes."""

from __future__ import annotations

import math

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
from singsynth_mcp.synthesis.engines.torch.linguistic import WORD_FEATURES
from singsynth_mcp.synthesis.engines.torch.retake import keep

LOWEST_DB = -96.0


class VariancePredictor(nn.Module):
    """Predict breathiness and voicing in dB, and tension (format, sections 2.4 and 4.2)."""

    def __init__(self, hidden: int, width: int, depth: int) -> None:
        super().__init__()
        self.encoded = nn.Linear(hidden - WORD_FEATURES, width)
        self.speaker = nn.Linear(hidden, width, bias=False)
        self.place = nn.Linear(POSITION_FEATURES + PITCH_FEATURES, width)
        self.blocks = conv_stack(width, kernel=7, depth=depth, expansion=2)
        self.head = nn.Linear(width, 3)

    def forward(
        self,
        encoder_out: Tensor,
        ph_dur: Tensor,
        pitch: Tensor,
        breathiness: Tensor,
        voicing: Tensor,
        tension: Tensor,
        retake: Tensor,
        spk_embed: Tensor,
        steps: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return ``breathiness_pred`` and ``voicing_pred`` (dB in -96 .. 0), ``tension_pred`` (-10 .. 10), [B, T].

        ``pitch`` is in semitones; frames whose ``retake`` [B, T, 3] is false keep the given curve;
        ``steps`` has no effect.
        """
        frames = frame_numbers(pitch)
        phoneme = owners(ph_dur, frames).clamp(max=ph_dur.shape[1] - 1)
        place = position_features(ph_dur, frames, phoneme)
        hertz = 440.0 * torch.exp((pitch - 69.0) * (math.log(2.0) / 12.0))
        x = gather_rows(self.encoded(encoder_out[:, :, WORD_FEATURES:]), phoneme)
        x = x + self.place(torch.cat([place, pitch_features(hertz)], dim=2))
        out = self.head(self.blocks(x + self.speaker(spk_embed))) + steps.to(torch.float32) * 0.0
        noise = keep(out[:, :, 0] * 20.0 - 50.0, breathiness, retake[:, :, 0])
        tone = keep(out[:, :, 1] * 20.0 - 50.0, voicing, retake[:, :, 1])
        tense = keep(out[:, :, 2] * 3.0, tension, retake[:, :, 2])
        return noise.clamp(LOWEST_DB, 0.0), tone.clamp(LOWEST_DB, 0.0), tense.clamp(-10.0, 10.0)
