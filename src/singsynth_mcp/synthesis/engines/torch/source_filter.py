"""A fixed synthesiser: harmonic and noise envelopes and F0 to a waveform.

Band-limited pulses and noise, cut into steps, shaped by minimum-phase filters and overlap-added. The pulses are
dispersed besides: their high harmonics come up to 2 ms later than their low ones, as a throat's do.
It has no weights and no random state: the noise is a hash of the sample number, so that equal
inputs give equal samples. F0 is given at frames of ``HOP`` samples, envelopes at steps of ``STEP``: consonants begin
and end faster than frames follow each other. Frame ``i`` is centred on sample ``HOP * i + HOP / 2``, steps likewise.

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
STEP = 256
STEPS = HOP // STEP
"""How many steps a frame has."""
BANDS = 256
KEPT_SECONDS, LONGEST_SECONDS = 0.004, 0.009
"""Quefrencies between which an envelope's detail fades out."""
DISPERSION_SECONDS, DISPERSION_HZ = 0.002, 2600.0
HEAD, TAIL = 64, 128
"""Samples over which a filtered step fades in and out; it begins after the first of them."""


def filter_matrices(centres_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two float64 [bands, BINS]: log amplitudes at bands to log amplitude and phase at bins.

    Bands are interpolated linearly, then smoothed by fading out the cepstrum from 4 to 9 ms: an
    envelope has no finer detail, and a filter that rings longer than a step's room wraps round and
    buzzes at the step rate. The phase is the minimum phase, through the folded cepstrum; both are
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
    """Return float64 [BINS]: a phase whose group delay swings between 0 and 2 ms above 0.8 kHz, once in 2.6 kHz.

    Pulses of minimum phase alone have all their energy in a few samples and buzz (Kawahara et al., Restructuring speech
    representations using a pitch-adaptive time-frequency smoothing, Speech Communication 27, 1999, does the same by
    chance; here it is fixed). Of 45 courses of the delay this one leaves the lowest peaks in a singer's loudest vowels.
    """
    hertz = np.arange(BINS) * SAMPLE_RATE / FFT_SIZE
    swing = 1.0 + np.cos(2.0 * math.pi * hertz / DISPERSION_HZ)
    delay = 0.5 * DISPERSION_SECONDS * swing * np.clip((hertz - 800.0) / 2000.0, 0.0, 1.0)
    return np.asarray(-2.0 * math.pi * np.cumsum(delay) * SAMPLE_RATE / FFT_SIZE)


def late_start() -> np.ndarray:
    """Return float64 [BINS]: the phase of a delay by HEAD samples."""
    return -2.0 * math.pi * np.arange(BINS) * HEAD / FFT_SIZE


def step_window() -> np.ndarray:
    """Return float64 [2 * STEP]: a step's share of the excitation around its centre; every STEP, they sum to one."""
    return np.asarray(0.5 - 0.5 * np.cos(math.pi * np.arange(2 * STEP) / STEP))


def step_edges() -> np.ndarray:
    """Return float64 [FFT_SIZE]: fades for a step's ends.

    What rings longer than a step's room comes round to its head. Without them that tail began and ended on a step, a
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
    pulse_phase: Tensor
    noise_phase: Tensor
    window: Tensor
    edges: Tensor

    def __init__(self, centres_hz: np.ndarray) -> None:
        super().__init__()
        self.fourier = RealFourier()
        order = bin_numbers().reshape(-1).clamp(max=BINS - 1)
        for name, matrix in zip(("to_bins", "to_phase"), filter_matrices(centres_hz), strict=True):
            table = torch.from_numpy(matrix).to(torch.float32)[:, order].contiguous()
            self.register_buffer(name, table, persistent=False)
        for name, phase in (("pulse_phase", late_start() + dispersion()), ("noise_phase", late_start())):
            turned = torch.from_numpy(np.remainder(phase, 2.0 * math.pi)).to(torch.float32)[order]
            self.register_buffer(name, turned.reshape(ROWS, HALF), persistent=False)
        self.register_buffer("window", torch.from_numpy(step_window()).to(torch.float32), persistent=False)
        self.register_buffer("edges", torch.from_numpy(step_edges()).to(torch.float32), persistent=False)

    def forward(self, harmonic: Tensor, noise: Tensor, f0: Tensor) -> Tensor:
        """Return float32 [B, T * HOP] for envelopes [B, T * STEPS, BANDS] and ``f0`` [B, T] Hz (> 0)."""
        batch = f0.shape[0]
        pulses, breath = self.excitation(f0, voicedness(harmonic, noise))
        real, imaginary = self._shape(pulses, harmonic, self.pulse_phase)
        noise_real, noise_imaginary = self._shape(breath, noise, self.noise_phase)
        steps = self.fourier.inverse(real + noise_real, imaginary + noise_imaginary)
        return limit(overlap_add(steps.reshape(batch, -1, FFT_SIZE) * self.edges))

    def excitation(self, f0: Tensor, voiced: Tensor) -> tuple[Tensor, Tensor]:
        """Return pulses and noise, each [B, T * HOP].

        Noise of voiced steps swells and falls with the pulses, as breath does in phonation
        (Mehta and Quatieri, 2005); ``voiced`` [B, T * STEPS] in 0 .. 1 says how much.
        """
        hertz = to_samples(f0, HOP)
        cycles = torch.cumsum((hertz / SAMPLE_RATE).to(torch.float64), dim=1)
        phase = (cycles - torch.round(cycles)).to(torch.float32)
        partials = torch.floor(SAMPLE_RATE / 2 / hertz)
        below = torch.sin(math.pi * phase)
        tiny = below.abs() < 1e-6
        ratio = torch.sin((2.0 * partials + 1.0) * math.pi * phase) / torch.where(tiny, 1.0, below)
        pulses = (torch.where(tiny, 2.0 * partials + 1.0, ratio) - 1.0) * torch.sqrt(hertz / SAMPLE_RATE)
        count = torch.cumsum(torch.ones_like(hertz, dtype=torch.int64), dim=1)
        swell = 0.5 * to_samples(voiced, STEP)
        swing = (1.0 + swell * torch.cos(2.0 * math.pi * phase)) * torch.rsqrt(1.0 + swell**2 / 2)
        return pulses, sample_noise(count) * swing

    def _shape(self, excitation: Tensor, envelope: Tensor, turned: Tensor) -> tuple[Tensor, Tensor]:
        """Cut an excitation into windowed steps, filter them, turn their phases: spectra [B * N, ROWS, HALF]."""
        blocks = functional.pad(excitation, (STEP // 2, STEP // 2)).reshape(excitation.shape[0], -1, STEP)
        steps = torch.cat([blocks[:, :-1], blocks[:, 1:]], dim=2) * self.window
        real, imaginary = self.fourier(steps.reshape(-1, 2 * STEP))
        levels = envelope.reshape(-1, BANDS)
        amplitude = torch.exp(torch.matmul(levels, self.to_bins)).reshape(-1, ROWS, HALF)
        phase = torch.matmul(levels, self.to_phase).reshape(-1, ROWS, HALF) + turned
        cos, sin = amplitude * torch.cos(phase), amplitude * torch.sin(phase)
        return real * cos - imaginary * sin, real * sin + imaginary * cos


def to_samples(curve: Tensor, hop: int) -> Tensor:
    """Interpolate a curve [B, N] at the centres of stretches of ``hop`` samples to samples [B, N * hop], ends held."""
    held = torch.cat([curve[:, :1], curve, curve[:, -1:]], dim=1)
    share = torch.arange(hop, device=curve.device) / hop
    ramp = held[:, :-1, None] * (1.0 - share) + held[:, 1:, None] * share
    return ramp.reshape(curve.shape[0], -1)[:, hop // 2 : -(hop // 2)]


def voicedness(harmonic: Tensor, noise: Tensor) -> Tensor:
    """Return [B, T * STEPS] in 0 .. 1: how far the harmonics stand above the noise in the low bands."""
    margin = (harmonic[:, :, 8:80] - noise[:, :, 8:80]).mean(dim=2)
    return torch.sigmoid(2.0 * (margin - 0.5))


def overlap_add(steps: Tensor) -> Tensor:
    """Add steps [B, N, FFT_SIZE], each STEP after the one before: [B, N * STEP], head and tail cut off."""
    parts = FFT_SIZE // STEP
    blocks = steps.reshape(steps.shape[0], -1, parts, STEP)
    total = functional.pad(blocks[:, :, 0], (0, 0, 0, parts - 1))
    for i in range(1, parts):
        total = total + functional.pad(blocks[:, :, i], (0, 0, i, parts - 1 - i))
    samples = total[:, : 1 - parts + 1].reshape(steps.shape[0], -1)
    return samples[:, STEP // 2 + HEAD : HEAD - STEP // 2]


def limit(samples: Tensor) -> Tensor:
    """Bend samples above 0.9 towards 1 so that nothing clips; below, leave them alone."""
    over = functional.relu(samples.abs() - 0.9)
    return torch.sign(samples) * (samples.abs() - over + 0.1 * torch.tanh(10.0 * over))
