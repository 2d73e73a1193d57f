"""Phonemes and words to hidden states: the encoder of the duration, pitch and variance stages."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines.torch.blocks import conv_stack, frame_numbers, owners, pick

WORD_FEATURES = 3
"""Leading channels of the encoder's output: word number, onset flag, frames of the word."""


class LinguisticEncoder(nn.Module):
    """Encode phonemes in word mode (format, section 2.1)."""

    def __init__(self, tokens: int, languages: int, hidden: int, depth: int) -> None:
        super().__init__()
        inner = hidden - WORD_FEATURES
        self.token = nn.Embedding(tokens, inner)
        self.language = nn.Embedding(languages, inner)
        self.word = nn.Linear(2, inner)
        self.blocks = conv_stack(inner, kernel=5, depth=depth, expansion=2)

    def forward(self, tokens: Tensor, languages: Tensor, word_div: Tensor, word_dur: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``encoder_out`` float32 [B, n, hidden] and ``x_masks`` bool [B, n].

        All inputs are int64: tokens and languages [B, n], word_div and word_dur [B, w].
        """
        places = frame_numbers(tokens)
        word = owners(word_div, places).clamp(max=word_div.shape[1] - 1)
        first = pick(torch.cumsum(word_div, dim=1) - word_div, word)
        onset = (first == places).to(torch.float32)
        frames = pick(word_dur, word).to(torch.float32)
        hints = torch.stack([onset, torch.log1p(frames) * 0.3], dim=2)
        padding = tokens == 0
        sounding = (~padding).to(torch.float32)[:, :, None]
        x = (self.token(tokens) + self.language(languages) + self.word(hints)) * sounding
        for block in self.blocks:
            x = block(x) * sounding
        head = torch.stack([word.to(torch.float32), onset, frames], dim=2)
        return torch.cat([head, x], dim=2), padding
