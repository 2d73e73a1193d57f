"""Small sung examples made without a teacher: every phoneme a flat spectrum of its own."""

from __future__ import annotations

import numpy as np
import torch

from singsynth_mcp.synthesis.engines.torch.source_filter import SourceFilter
from training.examples import ENVELOPE_BANDS, STEP_BANDS, STEPS, SungExample
from training.inventory import BY_SYMBOL, PHONEME_IDS
from training.levels import PER_DB
from training.nets import bands_to_mel, harmonic_mel
from training.targets import band_centres, interpolation, warped_centres

SYLLABLES = (("ja/k", "ja/a"), ("ja/s", "ja/i"), ("ja/m", "ja/u"), ("ja/t", "ja/e"), ("ja/o",))


def made_example(seed: int, notes: int = 6) -> SungExample:
    """Return a phrase of ``notes`` syllables: SP, then consonant and vowel a note, then SP."""
    rng = np.random.default_rng(seed)
    midi = rng.integers(60, 73, notes)
    vowel_frames = rng.integers(18, 50, notes)
    symbols, frames, tones = ["SP"], [20], [int(midi[0])]
    for i in range(notes):
        syllable = SYLLABLES[int(rng.integers(len(SYLLABLES)))]
        for symbol in syllable[:-1]:
            symbols.append(symbol)
            frames.append(7)
            tones.append(int(midi[max(0, i - 1)]))
        symbols.append(syllable[-1])
        frames.append(int(vowel_frames[i]))
        tones.append(int(midi[i]))
    symbols, frames, tones = [*symbols, "SP"], [*frames, 12], [*tones, int(midi[-1])]
    vowel = np.array([BY_SYMBOL[symbol].is_vowel for symbol in symbols])
    starts = np.concatenate([[0], np.cumsum(frames)])
    onsets = np.flatnonzero(vowel)
    word_dur = np.diff(np.append(starts[onsets], starts[-1]))
    note_midi = np.concatenate([midi[:1], midi, midi[-1:]]).astype(np.float32)
    return _sung(symbols, np.array(frames), vowel, onsets, word_dur, note_midi, np.array(tones))


def _sung(
    symbols: list[str],
    frames: np.ndarray,
    vowel: np.ndarray,
    onsets: np.ndarray,
    word_dur: np.ndarray,
    note_midi: np.ndarray,
    tones: np.ndarray,
) -> SungExample:
    pitch = np.repeat(note_midi, word_dur).astype(np.float32)
    f0 = (440.0 * 2.0 ** ((pitch - 69.0) / 12.0)).astype(np.float32)
    ids = np.repeat([PHONEME_IDS[symbol] for symbol in symbols], frames)
    voiced = np.repeat([BY_SYMBOL[symbol].voiced for symbol in symbols], frames)
    tilt = np.linspace(0.0, 5.0, ENVELOPE_BANDS)
    wave = 0.8 * np.cos(ids[:, None] * np.linspace(0.2, 1.0, ENVELOPE_BANDS))
    harmonic = np.where(voiced[:, None], -3.0 - tilt + wave, -11.0).astype(np.float32)
    silent = np.repeat([symbol == "SP" for symbol in symbols], frames)[:, None]
    noise = np.where(silent, -12.0, np.where(voiced[:, None], -7.0, -4.5 + wave)).astype(np.float32)
    with torch.no_grad():
        to_mel = bands_to_mel()
        tone_mel = torch.from_numpy(harmonic) @ to_mel
        noise_mel = torch.from_numpy(noise) @ to_mel
        mel = harmonic_mel()(tone_mel[None], noise_mel[None], torch.from_numpy(f0)[None])[0].numpy()
    steps = {"harmonic_steps": _at_steps(harmonic), "noise_steps": _at_steps(noise)}
    return SungExample(
        speaker="linnet",
        language="ja",
        phonemes=tuple(symbols),
        ph_dur=frames.astype(np.int64),
        ph_vowel=vowel,
        note_midi=note_midi,
        note_rest=np.array([True] + [False] * (len(note_midi) - 2) + [True]),
        note_dur=word_dur.astype(np.int64),
        ph_midi=tones.astype(np.int64),
        word_div=np.diff(np.append(onsets, len(symbols))).astype(np.int64),
        word_dur=word_dur.astype(np.int64),
        natural_ph_dur=frames.astype(np.float32),
        f0=f0,
        f0_rule=pitch,
        mel=mel.astype(np.float32),
        harmonic=harmonic,
        noise=noise,
        **steps,
        voiced=voiced,
        gender=np.float32(0.0),
        velocity=np.float32(1.0),
        breathiness=(noise.mean(axis=1) / PER_DB - 5).clip(-96, 0).astype(np.float32),
        voicing=(harmonic.mean(axis=1) / PER_DB).clip(-96, 0).astype(np.float32),
        audio=_audio(**steps, f0=f0),
    )


def _at_steps(envelope: np.ndarray) -> np.ndarray:
    """Return float32 [T, 2, 256]: an envelope [T, 128] at the steps of frames, held."""
    finer = envelope @ interpolation(tuple(band_centres()), tuple(warped_centres(STEP_BANDS)))
    return np.repeat(finer[:, None], STEPS, axis=1)


def _audio(harmonic_steps: np.ndarray, noise_steps: np.ndarray, f0: np.ndarray) -> np.ndarray:
    envelopes = (torch.from_numpy(steps.reshape(1, -1, STEP_BANDS)) for steps in (harmonic_steps, noise_steps))
    return SourceFilter(warped_centres(STEP_BANDS))(*envelopes, torch.from_numpy(f0)[None])[0].numpy()
