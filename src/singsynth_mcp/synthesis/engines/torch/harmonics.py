"""How envelopes and F0 become a mel: templates of pulse trains, and their sum with noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LOWEST_HZ = 65.0
STEPS_PER_OCTAVE = 120
TEMPLATE_ROWS = 602
"""Ten-cent steps from 65 Hz: up to 2 100 Hz."""
MEL_FLOOR = 1e-5


def template_hz(row: int) -> float:
    """Return the F0 of a row of the template table."""
    return float(LOWEST_HZ * 2.0 ** (row / STEPS_PER_OCTAVE))


class HarmonicMel(nn.Module):
    """Compose a log-mel from envelopes at the mel bins.

    ``template`` float32 [TEMPLATE_ROWS, M] is the log-mel of a pulse train of unit power at each
    F0; ``white`` float32 [M] that of white noise of unit variance.
    """

    template: Tensor
    white: Tensor

    def __init__(self, template: Tensor, white: Tensor) -> None:
        super().__init__()
        self.register_buffer("template", template)
        self.register_buffer("white", white)

    def pulses(self, f0: Tensor) -> Tensor:
        """Return the log-mel [B, T, M] of a flat pulse train at ``f0`` [B, T] Hz."""
        place = torch.log2(f0.clamp(min=40.0) / LOWEST_HZ) * STEPS_PER_OCTAVE
        place = place.clamp(0.0, TEMPLATE_ROWS - 1.001)
        row = torch.floor(place)
        part = (place - row)[:, :, None]
        index = row.to(torch.int64)
        return self.template[index] * (1.0 - part) + self.template[index + 1] * part

    def forward(self, harmonic: Tensor, noise: Tensor, f0: Tensor) -> Tensor:
        """Return the log-mel [B, T, M] of harmonic and noise envelopes [B, T, M] at ``f0``."""
        pulses = torch.exp(2.0 * (harmonic + self.pulses(f0)))
        return 0.5 * torch.log(pulses + torch.exp(2.0 * (noise + self.white)) + MEL_FLOOR**2)
