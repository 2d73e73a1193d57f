"""Real Fourier transforms as small matrix products, so that they export to any ONNX runtime.

The length is split as ``N = ROWS * COLUMNS`` (the four-step algorithm): a few small matrices
instead of a basis of N x N, exact to float32 rounding, no Fourier operator and no large constant
in the exported file. Spectra stay in the order the algorithm makes them, [ROWS, HALF], bin
``k = row + ROWS * column``; :func:`bin_numbers` maps tables to that order.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

FFT_SIZE = 1280
ROWS = 40
COLUMNS = FFT_SIZE // ROWS
FULL_ROWS = 16
"""Rows of a transform that hold samples; the rest is room for what a filter rings."""
HALF = COLUMNS // 2 + 1
"""Columns kept of a spectrum: they hold bins 0 .. N/2, and a few above that are not used."""
BINS = FFT_SIZE // 2 + 1


def bin_numbers() -> Tensor:
    """Return int64 [ROWS, HALF]: which DFT bin lies where; values above N/2 are not used."""
    return torch.arange(ROWS)[:, None] + ROWS * torch.arange(HALF)[None, :]


def _waves(rows: Tensor, columns: Tensor, size: int) -> tuple[Tensor, Tensor]:
    angle = 2.0 * math.pi * (rows[:, None] * columns[None, :] % size).to(torch.float64) / size
    return torch.cos(angle).to(torch.float32), torch.sin(angle).to(torch.float32)


class RealFourier(nn.Module):
    """Forward transform of FULL_ROWS * COLUMNS samples (zero-padded to N), and its inverse."""

    rows_forward: Tensor
    rows_inverse: Tensor
    columns_forward: Tensor
    columns_inverse: Tensor
    twiddle_cos: Tensor
    twiddle_sin: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        rows, columns, half = torch.arange(ROWS), torch.arange(COLUMNS), torch.arange(HALF)
        cos, sin = _waves(rows, rows, ROWS)
        self._table("rows_forward", torch.cat([cos, -sin])[:, :FULL_ROWS])
        self._table("rows_inverse", torch.cat([cos, -sin], dim=1))
        cos, sin = _waves(rows, columns, FFT_SIZE)
        self._table("twiddle_cos", cos)
        self._table("twiddle_sin", sin)
        cos, sin = _waves(columns, half, COLUMNS)
        # Complex products as one real product: [real, imaginary] times a block matrix.
        forward = torch.cat([torch.cat([cos, -sin], dim=1), torch.cat([sin, cos], dim=1)])
        self._table("columns_forward", forward)
        cos, sin = cos.T, sin.T
        inverse = torch.cat([torch.cat([cos, sin], dim=1), torch.cat([-sin, cos], dim=1)])
        self._table("columns_inverse", inverse)
        bins = bin_numbers()
        weight = torch.where((bins == 0) | (bins == FFT_SIZE // 2), 1.0, 2.0) / FFT_SIZE
        self._table("weight", torch.where(bins > FFT_SIZE // 2, 0.0, weight))

    def _table(self, name: str, values: Tensor) -> None:
        self.register_buffer(name, values.contiguous(), persistent=False)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Transform float32 [F, FULL_ROWS * COLUMNS] to real and imaginary parts, each [F, ROWS, HALF]."""
        x = frames.reshape(-1, FULL_ROWS, COLUMNS)
        parts = torch.matmul(self.rows_forward, x)
        real, imaginary = parts[:, :ROWS], parts[:, ROWS:]
        cos, sin = self.twiddle_cos, self.twiddle_sin
        turned = torch.cat([real * cos + imaginary * sin, imaginary * cos - real * sin], dim=2)
        spectrum = torch.matmul(turned, self.columns_forward)
        return spectrum[:, :, :HALF], spectrum[:, :, HALF:]

    def inverse(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """Transform a half spectrum, parts [F, ROWS, HALF], back to float32 [F, N]."""
        weighted = torch.cat([real * self.weight, imaginary * self.weight], dim=2)
        parts = torch.matmul(weighted, self.columns_inverse)
        x, y = parts[:, :, :COLUMNS], parts[:, :, COLUMNS:]
        cos, sin = self.twiddle_cos, self.twiddle_sin
        turned = torch.cat([x * cos - y * sin, x * sin + y * cos], dim=1)
        return torch.matmul(self.rows_inverse, turned).reshape(-1, FFT_SIZE)
