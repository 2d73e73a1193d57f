"""A fixed synthesiser: harmonic and noise envelopes and F0 to a waveform.

Band-limited pulses and noise, cut into frames, shaped by minimum-phase filters and overlap-added. The pulses are
dispersed besides: their high harmonics come up to 2 ms later than their low ones, as a throat's do.
It has no weights and no random state: the noise is a hash of the sample number, so that equal
inputs give equal samples. Frame ``i`` is centred on sample ``HOP * i + HOP / 2``.

Amplitudes: a harmonic at frequency f is a cosine of amplitude ``2 exp(harmonic(f)) sqrt(f0 / fs)``
(a pulse train of unit power under the filter), the noise is white noise of unit variance under
``exp(noise(f))``.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from singsynth_mcp.synthesis.engines.torch.fourier import (
    BINS,
    FFT_SIZE,
    HALF,
    ROWS,
    RealFourier,
    bin_numbers,
)

SAMPLE_RATE = 44100
HOP = 512
BANDS = 128
KEPT_SECONDS, LONGEST_SECONDS = 0.004, 0.009
"""Quefrencies between which an envelope's detail fades out."""
DISPERSION_SECONDS = 0.002
FADE = 256
"""Samples over which a frame's filter gives way to the next one's: half a frame; over a whole one consonants blur."""
HEAD, TAIL = 64, 128
"""Samples over which a filtered frame fades in and out."""


def filter_matrices(centres_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two float64 [bands, BINS]: log amplitudes at bands to log amplitude and phase at bins.

    Bands are interpolated linearly, then smoothed by fading out the cepstrum from 4 to 9 ms: an
    envelope has no finer detail, and a filter that rings longer than a frame's room wraps round and
    buzzes at the frame rate. The phase is the minimum phase, through the folded cepstrum; both are
    linear in the log amplitudes. Computed on a grid four times finer than the filter's.
    """
    size = 4 * FFT_SIZE
    fine = np.arange(size // 2 + 1) * SAMPLE_RATE / size
    levels = np.stack([np.interp(fine, centres_hz, row) for row in np.eye(len(centres_hz))])
    cepstrum = np.fft.irfft(levels, axis=1)[:, : size // 2 + 1]
    quefrency = np.arange(size // 2 + 1) / SAMPLE_RATE
    faded = np.clip((quefrency - KEPT_SECONDS) / (LONGEST_SECONDS - KEPT_SECONDS), 0.0, 1.0)
    folded = cepstrum * (0.5 + 0.5 * np.cos(math.pi * faded))
    folded[:, 1:-1] *= 2.0
    spectrum = np.fft.rfft(folded, n=size, axis=1)[:, ::4]
    return spectrum.real, spectrum.imag


def dispersion() -> np.ndarray:
    """Return float64 [BINS]: a phase whose group delay wanders between 0 and 2 ms above 0.8 kHz.

    Pulses of minimum phase alone have all their energy in a few samples and buzz (Kawahara et al., Restructuring speech
    representations using a pitch-adaptive time-frequency smoothing, Speech Communication 27, 1999, does the same by
    chance; here it is fixed).
    """
    hertz = np.arange(BINS) * SAMPLE_RATE / FFT_SIZE
    wandering = 1.0 + np.sin(2.0 * math.pi * hertz / 1300.0 + 2.0 * np.sin(2.0 * math.pi * hertz / 3700.0))
    delay = 0.5 * DISPERSION_SECONDS * wandering * np.clip((hertz - 800.0) / 2000.0, 0.0, 1.0)
    return np.asarray(-2.0 * math.pi * np.cumsum(delay) * SAMPLE_RATE / FFT_SIZE)


def frame_window() -> np.ndarray:
    """Return float64 [2 * HOP]: a frame's share of the excitation around its centre; at steps of HOP it sums to one."""
    away = np.abs(np.arange(2 * HOP) - HOP)
    gone = np.clip((away - (HOP - FADE) / 2) / FADE, 0.0, 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(math.pi * gone))


def frame_edges() -> np.ndarray:
    """Return float64 [FFT_SIZE]: fades for a frame's ends.

    What rings longer than a frame's room comes round to its head. Without them that tail began and ended on a step, a
    click in stops and at vowels after them.
    """
    rise, fall = ((np.arange(count) + 0.5) / count for count in (HEAD, TAIL))
    edges = np.ones(FFT_SIZE)
    edges[:HEAD] = 0.5 - 0.5 * np.cos(math.pi * rise)
    edges[-TAIL:] = 0.5 + 0.5 * np.cos(math.pi * fall)
    return edges


def sample_noise(count: Tensor) -> Tensor:
    """Return white noise of unit variance for sample numbers int64 ``count``, float32: 1 or -1 by a hash.

    The hash is exact integer arithmetic, the same on every machine. White is white whatever its values, and of two the
    short filters of hiss make lower peaks than of a bell curve's.
    """
    prime, seed = 2147483647, 91199
    x = (count * 48271 + seed) % prime
    x = (x * x + seed * x) % prime
    x = (x * x + 69621 * x + seed) % prime
    return torch.where(x < prime // 2, 1.0, -1.0)


class SourceFilter(nn.Module):
    """Synthesise a waveform from envelopes on bands at ``centres_hz``."""

    to_bins: Tensor
    to_phase: Tensor
    dispersion: Tensor
    window: Tensor
    edges: Tensor
    ramp: Tensor

    def __init__(self, centres_hz: np.ndarray) -> None:
        super().__init__()
        self.fourier = RealFourier()
        order = bin_numbers().reshape(-1).clamp(max=BINS - 1)
        for name, matrix in zip(("to_bins", "to_phase"), filter_matrices(centres_hz), strict=True):
            table = torch.from_numpy(matrix).to(torch.float32)[:, order].contiguous()
            self.register_buffer(name, table, persistent=False)
        late = torch.from_numpy(dispersion()).to(torch.float32)[order].reshape(ROWS, HALF)
        self.register_buffer("dispersion", late, persistent=False)
        self.register_buffer("window", torch.from_numpy(frame_window()).to(torch.float32), persistent=False)
        self.register_buffer("edges", torch.from_numpy(frame_edges()).to(torch.float32), persistent=False)
        self.register_buffer("ramp", torch.arange(HOP) / HOP, persistent=False)

    def forward(self, harmonic: Tensor, noise: Tensor, f0: Tensor) -> Tensor:
        """Return float32 [B, T * HOP] for envelopes [B, T, BANDS] and ``f0`` [B, T] Hz (> 0)."""
        batch = f0.shape[0]
        pulses, breath = self.excitation(f0, voicedness(harmonic, noise))
        real, imaginary = self._shape(pulses, harmonic, self.dispersion)
        noise_real, noise_imaginary = self._shape(breath, noise, torch.zeros_like(self.dispersion))
        frames = self.fourier.inverse(real + noise_real, imaginary + noise_imaginary)
        return limit(overlap_add(frames.reshape(batch, -1, FFT_SIZE) * self.edges))

    def excitation(self, f0: Tensor, voiced: Tensor) -> tuple[Tensor, Tensor]:
        """Return pulses and noise, each [B, T * HOP].

        Noise of voiced frames swells and falls with the pulses, as breath does in phonation
        (Mehta and Quatieri, 2005); ``voiced`` [B, T] in 0 .. 1 says how much.
        """
        hertz = self._to_samples(f0)
        cycles = torch.cumsum((hertz / SAMPLE_RATE).to(torch.float64), dim=1)
        phase = (cycles - torch.round(cycles)).to(torch.float32)
        partials = torch.floor(SAMPLE_RATE / 2 / hertz)
        below = torch.sin(math.pi * phase)
        tiny = below.abs() < 1e-6
        ratio = torch.sin((2.0 * partials + 1.0) * math.pi * phase) / torch.where(tiny, 1.0, below)
        pulses = (torch.where(tiny, 2.0 * partials + 1.0, ratio) - 1.0) * torch.sqrt(hertz / SAMPLE_RATE)
        count = torch.cumsum(torch.ones_like(hertz, dtype=torch.int64), dim=1)
        swell = 0.5 * self._to_samples(voiced)
        swing = (1.0 + swell * torch.cos(2.0 * math.pi * phase)) * torch.rsqrt(1.0 + swell**2 / 2)
        return pulses, sample_noise(count) * swing

    def _to_samples(self, curve: Tensor) -> Tensor:
        """Interpolate a curve at frame centres [B, T] to samples [B, T * HOP], ends held."""
        held = torch.cat([curve[:, :1], curve, curve[:, -1:]], dim=1)
        ramp = held[:, :-1, None] * (1.0 - self.ramp) + held[:, 1:, None] * self.ramp
        return ramp.reshape(curve.shape[0], -1)[:, HOP // 2 : -(HOP // 2)]

    def _shape(self, excitation: Tensor, envelope: Tensor, turned: Tensor) -> tuple[Tensor, Tensor]:
        """Cut an excitation into windowed frames, filter them and turn their phases: spectra [B * T, ROWS, HALF]."""
        blocks = functional.pad(excitation, (HOP // 2, HOP // 2)).reshape(excitation.shape[0], -1, HOP)
        frames = torch.cat([blocks[:, :-1], blocks[:, 1:]], dim=2) * self.window
        real, imaginary = self.fourier(frames.reshape(-1, 2 * HOP))
        levels = envelope.reshape(-1, BANDS)
        amplitude = torch.exp(torch.matmul(levels, self.to_bins)).reshape(-1, ROWS, HALF)
        phase = torch.matmul(levels, self.to_phase).reshape(-1, ROWS, HALF) + turned
        cos, sin = amplitude * torch.cos(phase), amplitude * torch.sin(phase)
        return real * cos - imaginary * sin, real * sin + imaginary * cos


def voicedness(harmonic: Tensor, noise: Tensor) -> Tensor:
    """Return [B, T] in 0 .. 1: how far the harmonics stand above the noise in the low bands."""
    margin = (harmonic[:, :, 4:40] - noise[:, :, 4:40]).mean(dim=2)
    return torch.sigmoid(2.0 * (margin - 0.5))


def overlap_add(frames: Tensor) -> Tensor:
    """Add frames [B, T, FFT_SIZE] at steps of HOP: [B, T * HOP], the tail cut off."""
    parts = FFT_SIZE // HOP
    blocks = frames.reshape(frames.shape[0], -1, parts, HOP)
    total = functional.pad(blocks[:, :, 0], (0, 0, 0, parts - 1))
    for i in range(1, parts):
        total = total + functional.pad(blocks[:, :, i], (0, 0, i, parts - 1 - i))
    samples = total[:, : 1 - parts + 1].reshape(frames.shape[0], -1)
    return samples[:, HOP // 2 : -(HOP // 2)]


def limit(samples: Tensor) -> Tensor:
    """Bend samples above 0.9 towards 1 so that nothing clips; below, leave them alone."""
    over = functional.relu(samples.abs() - 0.9)
    return torch.sign(samples) * (samples.abs() - over + 0.1 * torch.tanh(10.0 * over))
