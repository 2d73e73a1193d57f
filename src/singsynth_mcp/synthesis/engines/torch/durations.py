"""Hidden states to phoneme durations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines.torch.blocks import conv_stack
from singsynth_mcp.synthesis.engines.torch.linguistic import WORD_FEATURES

LARGEST_SHARE = 0.55
"""What the phonemes after a word's first may take of it together."""


class DurationPredictor(nn.Module):
    """Predict frames for each phoneme (format, section 2.2).

    The net predicts how long the phonemes *after* the first of each word (consonants, mostly) take;
    the first, which carries the note, gets what is left of the word.
    """

    def __init__(self, hidden: int, width: int, depth: int) -> None:
        super().__init__()
        self.encoded = nn.Linear(hidden - WORD_FEATURES, width)
        self.midi = nn.Linear(1, width)
        self.speaker = nn.Linear(hidden, width, bias=False)
        self.word = nn.Linear(1, width)
        self.blocks = conv_stack(width, kernel=3, depth=depth, expansion=2)
        self.head = nn.Linear(width, 1)

    def natural(self, encoder_out: Tensor, x_masks: Tensor, ph_midi: Tensor, spk_embed: Tensor) -> Tensor:
        """Return log frames float32 [B, n] that each phoneme takes where nothing limits it."""
        words = torch.log1p(encoder_out[:, :, 2:WORD_FEATURES]) * 0.3
        midi = (ph_midi.to(torch.float32)[:, :, None] - 64.0) / 12.0
        x = self.encoded(encoder_out[:, :, WORD_FEATURES:]) + self.midi(midi)
        x = (x + self.speaker(spk_embed) + self.word(words)) * (~x_masks)[:, :, None]
        log_frames: Tensor = self.head(self.blocks(x))[:, :, 0] + 2.0
        return log_frames.clamp(-1.0, 5.0)

    def forward(self, encoder_out: Tensor, x_masks: Tensor, ph_midi: Tensor, spk_embed: Tensor) -> Tensor:
        """Return ``ph_dur_pred`` float32 [B, n] frames, words summing to their length."""
        word, onset, frames = encoder_out[:, :, 0], encoder_out[:, :, 1], encoder_out[:, :, 2]
        natural = torch.exp(self.natural(encoder_out, x_masks, ph_midi, spk_embed))
        later = natural * (1.0 - onset) * (~x_masks)
        together = (word[:, :, None] == word[:, None, :]).to(torch.float32)
        wanted = torch.matmul(together, later[:, :, None])[:, :, 0]
        squeeze = (LARGEST_SHARE * frames / wanted.clamp(min=1e-3)).clamp(max=1.0)
        later = later * squeeze
        rest = (frames - wanted * squeeze).clamp(min=0.0)
        return (onset * rest + later) * (~x_masks)
