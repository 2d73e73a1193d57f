"""Building blocks that the nets share: ConvNeXt, length regulation, position features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution over time and a gated residual MLP (Liu et al., 2022), in 1-D.

    Takes and returns float32 [B, T, width].
    """

    def __init__(self, width: int, kernel: int, expansion: int = 3, scale: float = 0.2) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, width * expansion)
        self.narrow = nn.Linear(width * expansion, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` plus what the block adds."""
        y = self.norm(self.depthwise(x.transpose(1, 2)).transpose(1, 2))
        added: Tensor = self.scale * self.narrow(functional.gelu(self.widen(y), approximate="tanh"))
        return x + added


def conv_stack(width: int, kernel: int, depth: int, expansion: int = 3) -> nn.Sequential:
    """Return ``depth`` ConvNeXt blocks in a row."""
    return nn.Sequential(*(ConvNeXtBlock(width, kernel, expansion) for _ in range(depth)))


def owners(durations: Tensor, frames: Tensor) -> Tensor:
    """Say which segment each frame lies in.

    ``durations`` int64 [B, n] frames (zeros are legal), ``frames`` int64 [B or 1, T] frame numbers
    from 0. Returns int64 [B, T], indexes below n as long as a frame number is below the total.
    """
    ends = torch.cumsum(durations, dim=1)
    return (frames[:, :, None] >= ends[:, None, :]).long().sum(dim=2)


def gather_rows(values: Tensor, index: Tensor) -> Tensor:
    """Return row ``index[b, t]`` of ``values[b]``: [B, n, C] and int64 [B, T] to [B, T, C]."""
    return torch.gather(values, 1, index[:, :, None].expand(-1, -1, values.shape[2]))


def pick(values: Tensor, index: Tensor) -> Tensor:
    """Return ``values[b, index[b, t]]``: [B, n] and int64 [B, T] to [B, T]."""
    return torch.gather(values, 1, index)


def frame_numbers(curve: Tensor) -> Tensor:
    """Return int64 [1, T] = 0 .. T-1 for a curve [1, T], computed from it.

    A cumulative sum rather than ``arange``, so that no exporter can freeze the length.
    """
    return torch.cumsum(torch.ones_like(curve, dtype=torch.int64), dim=1) - 1


POSITION_FEATURES = 7


def position_features(durations: Tensor, frames: Tensor, index: Tensor) -> Tensor:
    """Say where in its segment each frame lies: float32 [B, T, 7].

    The fraction of the segment passed, exponential decays from both edges (time constants 3 and
    12 frames) and the logarithm of the segment's length.
    """
    length = pick(durations, index).to(torch.float32)
    end = pick(torch.cumsum(durations, dim=1), index)
    # Frames past the last segment (padding of a batch) count as its end: exp must not overflow.
    left = ((end - frames).to(torch.float32) - 0.5).clamp(min=0.0)
    passed = (length - left).clamp(min=0.0)
    return torch.stack(
        [
            passed / length.clamp(min=1.0),
            torch.exp(-passed / 3.0),
            torch.exp(-left / 3.0),
            torch.exp(-passed / 12.0),
            torch.exp(-left / 12.0),
            torch.log(length.clamp(min=1.0)) * 0.3,
            torch.log1p(passed) * 0.3,
        ],
        dim=2,
    )


PITCH_FEATURES = 17


def pitch_features(f0: Tensor) -> Tensor:
    """Return float32 [B, T, 17]: log2 of ``f0`` [B, T] Hz about 220 Hz, and 16 soft bins of it."""
    octave = torch.log2(f0.clamp(min=40.0) / 220.0)
    centres = torch.linspace(-1.75, 2.75, PITCH_FEATURES - 1)
    bins = torch.exp(-0.5 * ((octave[:, :, None] - centres) / 0.3) ** 2)
    return torch.cat([octave[:, :, None], bins], dim=2)
