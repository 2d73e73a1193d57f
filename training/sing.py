"""Sing a song from a voice's recordings: samples and exact targets, one :class:`SungExample`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

from training.analysis.parameters import APERIODICITY_BANDS, BANDS
from training.analysis.voicing import FRAME_SECONDS as ANALYSIS_SECONDS
from training.examples import STEP_BANDS, STEPS, SungExample
from training.inventory import BREATH, BY_SYMBOL
from training.rendering.levelling import VOWEL_TARGET_DB, ending_db, gains_db, hiss_db, register_db
from training.rendering.reading import STEP_SECONDS, Reading, read_song, step_times
from training.rendering.resonances import with_resonances
from training.rendering.synthesis import bin_hertz, breath_source, pulse_phase, pulse_train, shape
from training.rules.pitch import flutter, pitch_rule
from training.score_labels import label_song
from training.targets import (
    NEPERS_PER_DB,
    analytic_mel,
    band_centres,
    interpolation,
    level_db,
    warped_centres,
)
from training.voices import Voice, loudness_db, sung_loudness_db

if TYPE_CHECKING:
    from training.songs import Song
    from training.store import Recording

_MURMUR_DB = {"fricative": -12.0, "affricate": -15.0, "stop": -15.0}
_MURMUR_HZ, _MURMUR_DB_PER_OCTAVE_OF_F0, _MURMUR_DB_PER_OCTAVE = 150.0, -6.0, -16.0
"""The voice under voiced obstruents: its first harmonic against vowels for F0 up to 150 Hz, how that falls with higher
F0 (what closes the mouth lets little of it through), and how it falls from harmonic to harmonic. The teacher's women
say most z and dh and half of the d without any; sung so they have no pitch."""
_MURMUR_SMOOTHING_STEPS = 1.0
_BREATH_DB = -30.0
LOWEST_LOG = -13.0
"""Envelopes never go below this: silence."""


@dataclass(frozen=True)
class _Sound:
    """Envelopes at the steps: log amplitude float32 [S, 256] of harmonics and of noise."""

    harmonic: np.ndarray
    noise: np.ndarray
    voiced: np.ndarray


def sing(song: Song, voice: Voice, gender: float, generator: np.random.Generator, velocity: float = 1.0) -> SungExample:
    """Render a song; chance (drift, jitter, noise, wandering) comes from ``generator``.

    ``gender`` in [-1, 1] scales the formants by 2 ** (3 gender / 12), ``velocity`` how fast vowels are
    entered and left.
    """
    labels = label_song(song)
    frames = int(labels.ph_dur.sum())
    steps = frames * STEPS
    rule = pitch_rule(list(song.notes), step_times(steps))
    midi = rule + flutter(steps, STEP_SECONDS, generator)
    f0 = 440.0 * 2.0 ** ((midi - 69.0) / 12.0)
    reading = read_song(song.phonemes, voice.recordings, steps, velocity, generator)
    sound = _scaled(_murmured(song, reading, f0, _envelopes(song, voice, reading, f0)), gender)
    cycles, hertz = pulse_phase(f0)
    to_bins = _matrix(1025)
    harmonic = shape(pulse_train(cycles, hertz), sound.harmonic @ to_bins)
    source = breath_source(cycles, sound.voiced.astype(np.float64), generator)
    noise = shape(source, sound.noise @ to_bins)
    by_frame = _Sound(_pairs(sound.harmonic), _pairs(sound.noise), sound.voiced[::2])
    f0_frames = np.exp(_pairs(np.log(f0)))
    to_bands = _matrix(128)
    return SungExample(
        speaker=voice.speaker,
        language=_language(song),
        **labels.__dict__,
        f0=f0_frames.astype(np.float32),
        f0_rule=_pairs(rule).astype(np.float32),
        mel=analytic_mel(by_frame.harmonic @ to_bins, by_frame.noise @ to_bins, f0_frames),
        harmonic=by_frame.harmonic @ to_bands,
        noise=by_frame.noise @ to_bands,
        harmonic_steps=sound.harmonic.reshape(frames, STEPS, STEP_BANDS),
        noise_steps=sound.noise.reshape(frames, STEPS, STEP_BANDS),
        voiced=by_frame.voiced,
        gender=np.float32(gender),
        velocity=np.float32(velocity),
        breathiness=level_db(noise, frames),
        voicing=level_db(harmonic, frames),
        audio=harmonic + noise,
    )


def _language(song: Song) -> str:
    """Return the language of a song's first phoneme that has one."""
    languages = (BY_SYMBOL[phoneme.symbol].language for phoneme in song.phonemes)
    return next(language for language in languages if language)


def _pairs(values: np.ndarray) -> np.ndarray:
    """Return the means of the two steps of each frame."""
    return 0.5 * (values[0::2] + values[1::2])


def _matrix(targets: int) -> np.ndarray:
    """Return float32 [256, targets] from the stored bands to the DFT bins or the net's bands."""
    hertz = bin_hertz() if targets == len(bin_hertz()) else band_centres()
    return interpolation(tuple(warped_centres(BANDS)), tuple(hertz))


def _envelopes(song: Song, voice: Voice, reading: Reading, f0: np.ndarray) -> _Sound:
    """Read envelopes at the sung pitch, level them, and part them into harmonics and noise."""
    steps = len(f0)
    envelope = np.full((steps, BANDS), LOWEST_LOG, np.float32)
    aperiodicity = np.ones((steps, APERIODICITY_BANDS), np.float32)
    voiced = np.zeros(steps, bool)
    for number in np.unique(reading.recording[reading.recording >= 0]):
        here = np.flatnonzero(reading.recording == number)
        recording = voice.recordings[int(number)]
        place = np.clip(reading.seconds[here] / ANALYSIS_SECONDS, 0, len(recording.voiced) - 1.001)
        envelope[here] = _envelope_at(recording, place, f0[here])
        aperiodicity[here] = _between(recording.aperiodicity, place)
        voiced[here] = recording.voiced[np.round(place).astype(int)]
    envelope = with_resonances(song, reading, envelope, f0)
    sung, whispered = sung_loudness_db(envelope, f0) - voice.sung_vowel_db, loudness_db(envelope) - voice.vowel_db
    gain = gains_db(song, reading, np.where(voiced, sung, whispered)) + register_db(voice, f0)
    gain += ending_db(song, step_times(steps))
    gain += VOWEL_TARGET_DB - voice.vowel_db
    envelope += (gain * NEPERS_PER_DB).astype(np.float32)[:, None]
    envelope += np.log(np.maximum(reading.presence, 1e-6)).astype(np.float32)[:, None]
    _breathe(song, voice, reading, envelope)
    sound = _parted(envelope, aperiodicity, voiced)
    hiss = (hiss_db(song, reading, sound.noise) * NEPERS_PER_DB).astype(np.float32)
    return replace(sound, noise=np.maximum(sound.noise + hiss[:, None], LOWEST_LOG))


def _envelope_at(recording: Recording, place: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Return float32 [P, 256] at fractional frames, between the two spoken pitches nearest to f0."""
    levels = np.log(np.array(recording.levels_hz))
    height = np.interp(np.log(f0), levels, np.arange(len(levels)))
    low = np.minimum(height.astype(int), len(levels) - 2)
    share = (height - low).astype(np.float32)[:, None]
    readings = np.stack([_between(level, place) for level in recording.envelope])
    rows = np.arange(len(place))
    return readings[low, rows] * (1.0 - share) + readings[low + 1, rows] * share


def _between(frames: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return float32 [P, bands]: frames [F, bands] read at fractional numbers [P]."""
    index = place.astype(int)
    part = (place - index).astype(np.float32)[:, None]
    early, late = frames[index].astype(np.float32), frames[index + 1].astype(np.float32)
    return early + (late - early) * part


def _parted(envelope: np.ndarray, aperiodicity: np.ndarray, voiced: np.ndarray) -> _Sound:
    wider = interpolation(tuple(warped_centres(APERIODICITY_BANDS)), tuple(warped_centres(BANDS)))
    share = np.clip(aperiodicity @ wider, 1e-4, 1.0)
    harmonic = envelope + 0.5 * np.log(np.maximum(1.0 - share**2, 1e-9))
    noise = envelope + np.log(share)
    return _Sound(np.maximum(harmonic, LOWEST_LOG), np.maximum(noise, LOWEST_LOG), voiced)


def _murmured(song: Song, reading: Reading, f0: np.ndarray, sound: _Sound) -> _Sound:
    """Lay at least a murmur under the voiced obstruents: a voice behind closed lips or teeth."""
    phonemes = [BY_SYMBOL[phoneme.symbol] for phoneme in song.phonemes]
    levels = np.array([_MURMUR_DB.get(known.kind, -np.inf) if known.voiced else -np.inf for known in phonemes])
    there = np.isfinite(levels)[reading.phoneme] & (reading.recording >= 0)
    fade = gaussian_filter1d(there.astype(float), _MURMUR_SMOOTHING_STEPS) * reading.presence
    octaves = np.log2(np.maximum(warped_centres(BANDS) / f0[there, None], 1.0))
    first = levels[reading.phoneme[there]] + _MURMUR_DB_PER_OCTAVE_OF_F0 * np.log2(
        np.maximum(f0[there] / _MURMUR_HZ, 1.0)
    )
    at_f0 = VOWEL_TARGET_DB + first + 20.0 * np.log10(np.maximum(fade[there], 1e-6))
    murmur = (at_f0[:, None] + _MURMUR_DB_PER_OCTAVE * octaves) * NEPERS_PER_DB
    harmonic = sound.harmonic.copy()
    harmonic[there] = np.maximum(harmonic[there], murmur)
    return _Sound(harmonic, sound.noise, sound.voiced | there)


def _breathe(song: Song, voice: Voice, reading: Reading, envelope: np.ndarray) -> None:
    """Write breath noises: the singer's h, rising then falling, softly."""
    level = VOWEL_TARGET_DB + _BREATH_DB - float(loudness_db(voice.breath))
    for i, phoneme in enumerate(song.phonemes):
        if phoneme.symbol != BREATH:
            continue
        here = np.flatnonzero((reading.phoneme == i) & (reading.recording < 0))
        if not len(here):
            continue
        course = (np.arange(len(here)) + 0.5) / len(here)
        swell = 20.0 * np.log10(np.sin(np.pi * course**1.4) + 0.01)
        envelope[here] = voice.breath + ((level + swell) * NEPERS_PER_DB)[:, None]


def _scaled(sound: _Sound, gender: float) -> _Sound:
    """Move the formants of envelopes by 2 ** (3 gender / 12)."""
    if gender == 0.0:
        return sound
    centres = warped_centres(BANDS)
    warp = interpolation(tuple(centres), tuple(centres / 2.0 ** (3.0 * gender / 12.0)))
    return _Sound(sound.harmonic @ warp, sound.noise @ warp, sound.voiced)
