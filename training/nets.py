"""The nets at the sizes that ship, their fixed tables, and how singers are coded."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from singsynth_mcp.synthesis.engines.torch.acoustic import Acoustic
from singsynth_mcp.synthesis.engines.torch.durations import DurationPredictor
from singsynth_mcp.synthesis.engines.torch.harmonics import (
    TEMPLATE_ROWS,
    HarmonicMel,
    template_hz,
)
from singsynth_mcp.synthesis.engines.torch.linguistic import LinguisticEncoder
from singsynth_mcp.synthesis.engines.torch.pitch import AHEAD, BEHIND, PitchPredictor
from singsynth_mcp.synthesis.engines.torch.variance import VariancePredictor
from singsynth_mcp.synthesis.engines.torch.vocoder import Vocoder
from training.examples import FRAME_SECONDS, SAMPLE_RATE, STEP_BANDS
from training.inventory import LANGUAGE_IDS, PHONEME_IDS, SILENCE
from training.levels import Bands
from training.mel import WINDOW_SIZE, mel_centres, mel_filterbank
from training.rules.pitch import DAMPING, LEAD_SECONDS, RESPONSE_HZ, VIBRATO_HZ
from training.singers import SPEAKERS
from training.targets import band_centres, warped_centres

HIDDEN = 128
TOKENS = len(PHONEME_IDS) + 1
LANGUAGES = len(LANGUAGE_IDS) + 1
SILENCE_ID = PHONEME_IDS[SILENCE]
TEMPLATE_FLOOR = -7.0
"""Between harmonics a template would fall without end; noise hides it long before."""


@cache
def speaker_codes() -> Tensor:
    """Return float32 [speakers, HIDDEN]: one fixed, random, unit-variance code a singer.

    Codes are fixed and the nets learn to read them, so that one .emb file serves every stage and a
    mix of singers is a mix of codes. A new singer takes the next code.
    """
    codes = np.random.default_rng(20260).standard_normal((64, HIDDEN))
    return torch.from_numpy(codes[: len(SPEAKERS)].astype(np.float32))


@cache
def _mel_tables() -> tuple[Tensor, Tensor]:
    """Return the log-mels of unit-power pulse trains [TEMPLATE_ROWS, M] and of white noise [M]."""
    rows = [_pulse_spectrum(template_hz(row)) for row in range(TEMPLATE_ROWS)]
    template = np.log(np.maximum(np.stack(rows) @ mel_filterbank().T, 1e-9))
    # The magnitude of a DFT bin of white noise is Rayleigh-distributed: its mean, not its RMS.
    level = math.sqrt(WINDOW_SIZE * 0.375 / 2) * math.sqrt(math.pi / 2)
    white = np.log(mel_filterbank().sum(axis=1) * level)
    floored = torch.from_numpy(template).float().clamp(min=TEMPLATE_FLOOR)
    return floored, torch.from_numpy(white).float()


def _pulse_spectrum(f0: float) -> np.ndarray:
    """Return the magnitudes [1025] of harmonics of amplitude 2 sqrt(f0 / fs) under a Hann window.

    The lobes of neighbouring harmonics add in power: their phases turn from frame to frame.
    """
    step = f0 * WINDOW_SIZE / SAMPLE_RATE
    bins = np.arange(WINDOW_SIZE // 2 + 1)
    nearest = np.round(bins / step)[:, None] + np.arange(-3, 4)
    away = bins[:, None] - nearest * step
    lobe = np.abs(np.sinc(away) / np.where(np.abs(np.abs(away) - 1) < 1e-6, 1e-6, 1 - away**2))
    lobe = np.where(np.abs(np.abs(away) - 1) < 1e-6, 0.5, lobe)
    heard = (nearest >= 1) & (nearest * f0 < SAMPLE_RATE / 2)
    amplitude = math.sqrt(f0 / SAMPLE_RATE) * WINDOW_SIZE / 2
    return np.asarray(amplitude * np.sqrt((heard * lobe**2).sum(axis=1)))


def harmonic_mel() -> HarmonicMel:
    """Return the fixed composition of a mel from envelopes."""
    return HarmonicMel(*_mel_tables())


def bands_to_mel() -> Tensor:
    """Return float32 [BANDS, M]: values at envelope bands to values at mel bins."""
    return _interpolation(band_centres(), mel_centres())


def step_centres() -> np.ndarray:
    """Return float64 [256], the centres in Hz of the bands of a step's envelopes."""
    return warped_centres(STEP_BANDS)


def bands() -> Bands:
    """Return the bands that corpus envelopes have."""
    of_frames, of_steps = (torch.from_numpy(hertz.astype(np.float32)) for hertz in (band_centres(), step_centres()))
    return Bands(of_frames, bands_to_mel(), of_steps)


def _interpolation(source: np.ndarray, target: np.ndarray) -> Tensor:
    rows = [np.interp(target, source, row) for row in np.eye(len(source))]
    return torch.from_numpy(np.stack(rows).astype(np.float32))


def acoustic() -> Acoustic:
    """Return the acoustic model."""
    return Acoustic(TOKENS, LANGUAGES, HIDDEN, width=192, depth=6, mel=harmonic_mel())


def vocoder() -> Vocoder:
    """Return the vocoder."""
    hertz = step_centres()
    # The last mel bin is held above 16 kHz.
    to_bands = _interpolation(mel_centres(), hertz)
    return Vocoder(width=144, depth=4, mel=harmonic_mel(), bands=hertz, to_bands=to_bands)


def linguistic() -> LinguisticEncoder:
    """Return an encoder; the duration, pitch and variance stages have one each."""
    return LinguisticEncoder(TOKENS, LANGUAGES, HIDDEN, depth=2)


def durations() -> DurationPredictor:
    """Return the duration predictor."""
    return DurationPredictor(HIDDEN, width=96, depth=2)


def variance() -> VariancePredictor:
    """Return the variance predictor."""
    return VariancePredictor(HIDDEN, width=96, depth=4)


def pitch() -> PitchPredictor:
    """Return the pitch predictor, its note filter started at the pitch rules' response."""
    return PitchPredictor(HIDDEN, width=96, depth=4, response=note_response(), vibrato_hz=VIBRATO_HZ)


def note_response() -> Tensor:
    """Return float32 [AHEAD + 1 + BEHIND]: the pitch rules' answer to a step of an impulse's size.

    Ordered for a correlation: the first weight belongs to the earliest frame seen.
    """
    fine = 16
    time = np.arange(-AHEAD * fine, (BEHIND + 1) * fine) + 0.5
    time = (time / fine) * FRAME_SECONDS + LEAD_SECONDS
    omega = 2 * math.pi * RESPONSE_HZ
    ring = omega * math.sqrt(1 - DAMPING**2)
    impulse = np.exp(-DAMPING * omega * time) * np.sin(ring * time) * (time > 0)
    taps = impulse.reshape(-1, fine).sum(axis=1)[::-1]
    return torch.from_numpy((taps / taps.sum()).astype(np.float32))
