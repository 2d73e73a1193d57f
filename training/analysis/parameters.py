"""Envelope and aperiodicity of an utterance by WORLD at the known pitch, extended to 22 kHz.

Morise, Yokomori, Ozawa: WORLD (IEICE 2016); CheapTrick and D4C of the same author.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyworld

from training.analysis.voicing import FRAME_SECONDS
from training.examples import SAMPLE_RATE
from training.targets import NEPERS_PER_DB, warped_centres

BANDS = 256
APERIODICITY_BANDS = 64
_FFT_SIZE = 1024
_EDGE_HZ = 11300.0
_REFERENCE_HZ = 9500.0
_SLOPE_DB = {True: -2.5, False: -1.5}
"""dB per kHz above the teacher's band, voiced and unvoiced."""


@dataclass(frozen=True)
class Parameters:
    """One reading: ``envelope`` float32 [F, 256] log amplitude, ``aperiodicity`` [F, 64] in 0..1.

    Bands are :func:`training.targets.warped_centres`; ``pitch_ratio`` is the median of the pitch
    found over the pitch asked for.
    """

    envelope: np.ndarray
    aperiodicity: np.ndarray
    pitch_ratio: float


def analyse(audio: np.ndarray, sample_rate: int, level_hz: float, voiced: np.ndarray) -> Parameters:
    """Analyse speech of a flat pitch; ``voiced`` bool [F], 5 ms frames."""
    samples = np.ascontiguousarray(audio, np.float64)
    times = np.arange(len(voiced)) * FRAME_SECONDS
    flat = np.full(len(voiced), level_hz)
    refined = pyworld.stonemask(samples, flat, times, sample_rate)
    near = np.abs(refined / level_hz - 1.0) < 0.06
    f0 = np.where(voiced, np.where(near, refined, flat), 0.0)
    power = pyworld.cheaptrick(samples, f0, times, sample_rate, fft_size=_FFT_SIZE)
    aperiodicity = pyworld.d4c(samples, f0, times, sample_rate, fft_size=_FFT_SIZE)
    hertz = np.arange(_FFT_SIZE // 2 + 1) * sample_rate / _FFT_SIZE
    gain = 0.5 * np.log(SAMPLE_RATE / sample_rate)
    envelope = _extended(0.5 * np.log(power + 1e-16) + gain, hertz, voiced)
    ratios = refined[voiced & near] / level_hz
    return Parameters(
        envelope.astype(np.float32),
        _mended_aperiodicity(aperiodicity, hertz, voiced).astype(np.float32),
        float(np.median(ratios)) if len(ratios) else float("nan"),
    )


def _extended(envelope: np.ndarray, hertz: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Put the envelope on the warped bands, going on above the teacher's band with a slope."""
    centres = warped_centres(BANDS)
    known = _resampled(envelope, hertz, centres)
    reference = (hertz >= _REFERENCE_HZ) & (hertz <= _EDGE_HZ)
    level = envelope[:, reference].mean(axis=1, keepdims=True)
    slope = np.where(voiced, _SLOPE_DB[True], _SLOPE_DB[False])[:, None] * NEPERS_PER_DB
    guessed = level + slope * (centres - (_REFERENCE_HZ + _EDGE_HZ) / 2)[None] / 1000.0
    weight = np.clip((centres - (_EDGE_HZ - 1000.0)) / 1000.0, 0.0, 1.0)[None]
    return known * (1.0 - weight) + guessed * weight


def _mended_aperiodicity(aperiodicity: np.ndarray, hertz: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Put aperiodicity on its bands: 1 where unvoiced, rising to 1 above the teacher's band.

    Voiced frames that WORLD calls wholly aperiodic take the median of the voiced ones.
    """
    centres = warped_centres(APERIODICITY_BANDS)
    known = _resampled(aperiodicity, hertz, centres)
    low = (centres > 200.0) & (centres < 4000.0)
    sound = voiced & (known[:, low].mean(axis=1) < 0.9)
    if sound.any():
        known[voiced & ~sound] = np.median(known[sound], axis=0)
    known[~voiced] = 1.0
    weight = np.clip((centres - _EDGE_HZ) / 4000.0, 0.0, 1.0)[None]
    return known * (1.0 - weight) + weight


def _resampled(values: np.ndarray, source_hz: np.ndarray, target_hz: np.ndarray) -> np.ndarray:
    """Interpolate [F, source] linearly to [F, target]; beyond the source its last value is held."""
    place = np.interp(target_hz, source_hz, np.arange(len(source_hz)))
    index = np.minimum(place.astype(int), len(source_hz) - 2)
    part = place - index
    return values[:, index] * (1.0 - part) + values[:, index + 1] * part
