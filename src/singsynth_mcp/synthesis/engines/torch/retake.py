"""Keep what the caller keeps: join predicted curves to frames that are not to be retaken."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

REACH = 12
"""Frames over which a prediction is bent towards a kept neighbour."""


def keep(predicted: Tensor, given: Tensor, retake: Tensor) -> Tensor:
    """Return ``given`` [B, T] where ``retake`` (bool) is false, else the prediction joined to it.

    Within ``REACH`` frames of kept ones the prediction takes over their distance from it, fading
    with the distance in time, so that no step is left at the seam. Kept frames come back unchanged;
    where everything is retaken the given curve has no effect.
    """
    kept = (~retake).to(predicted.dtype)
    gap = torch.where(retake, torch.zeros_like(predicted), given - predicted)
    reach = torch.arange(-REACH, REACH + 1, dtype=predicted.dtype)
    kernel = torch.exp(-0.5 * (reach / (REACH / 4.0)) ** 2)[None, None]
    weight = functional.conv1d(kept[:, None], kernel, padding=REACH)[:, 0]
    pulled = functional.conv1d(gap[:, None], kernel, padding=REACH)[:, 0]
    bend = pulled / weight.clamp(min=0.5 * float(kernel.sum()))
    return torch.where(retake, predicted + bend, given)
