"""A discriminator of mels: what tells a predicted mel from a true one, and pulls the acoustic model off the mean.

L1 alone is best served by the mean of all that could be sung: formants too wide, noise without grain. Least squares
(Mao et al., Least squares generative adversarial networks, 2017) and feature matching (Larsen et al., 2016). Training
only: it is never exported.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

_CHANNELS = (2, 16, 32, 64, 64)
_KERNEL = (3, 5)


class Discriminator(nn.Module):
    """2-D convolutions over frames and mel bins: a verdict for each patch, about 1 where it is true."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, _KERNEL, stride=(1 if before == 2 else 2, 2), padding=(1, 2))
            for before, after in pairwise(_CHANNELS)
        )
        self.verdict = nn.Conv2d(_CHANNELS[-1], 1, 3, padding=1)

    def forward(self, mel: Tensor, pulses: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return verdicts [B, 1, t, m] and each layer's features of a mel [B, T, M].

        ``pulses`` [B, T, M] is the mel of a flat pulse train at its F0: what stands above it is its envelope.
        """
        x = torch.stack([mel / 3.0 + 1.0, (mel - pulses).clamp(-14.0, 6.0) / 3.0 + 1.0], dim=1)
        features = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.verdict(x), features


def contest(discriminator: Discriminator, mel: Tensor, target: Tensor, pulses: Tensor) -> dict[str, Tensor]:
    """Return three losses of one step: the discriminator's own, and two that train only what made ``mel``.

    "adversarial" is small where the discriminator takes ``mel`` for true, "features" where it sees the same in both.
    """
    true_verdict, true_features = discriminator(target, pulses)
    verdict, _ = discriminator(mel.detach(), pulses)
    frozen = {name: weight.detach() for name, weight in discriminator.named_parameters()}
    deceived, features = functional_call(discriminator, frozen, (mel, pulses))
    gaps = [(seen - true.detach()).abs().mean() for seen, true in zip(features, true_features, strict=True)]
    return {
        "discriminator": ((true_verdict - 1.0) ** 2).mean() + (verdict**2).mean(),
        "adversarial": ((deceived - 1.0) ** 2).mean(),
        "features": torch.stack(gaps).sum(),
    }
