"""The pitch curve: the pitch model on the written notes, or a drawn curve where there is none (format, 3.5)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from singsynth_mcp.errors import SynthesisFailed
from singsynth_mcp.performance.curves import sample_curve
from singsynth_mcp.performance.model import Phrase, Retake
from singsynth_mcp.synthesis.drawn import drawn_movement
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine
from singsynth_mcp.synthesis.feeds import padded_symbols, run_model, sampler_inputs, text_inputs, word_inputs
from singsynth_mcp.synthesis.frames import Counts, Floats, frame_times, phoneme_frames, resample
from singsynth_mcp.synthesis.melody import melody_of, written_line
from singsynth_mcp.synthesis.predictors import Predictor, open_predictor
from singsynth_mcp.synthesis.retakes import (
    EASE_FRAMES,
    joined_to_pins,
    nudged_pitch,
    pinned_pitch,
    retaken_frames,
)
from singsynth_mcp.synthesis.seeds import derived_seed
from singsynth_mcp.synthesis.speakers import embedding_files, speaker_input
from singsynth_mcp.voicebanks import Voicebank

VERSION = 2
STEPS = 10
_RETAKEN_MIDI = 60.0


def predict_pitch(phrase: Phrase, bank: Voicebank, engine: OnnxEngine, seed: int = 0) -> Phrase:
    """Return the phrase with `pitch` set, one MIDI number an acoustic frame; variance is dropped.

    Pinned frames hold what is pinned; each retake changes its own frames alone; nudges move what came of it. A model
    that draws no noise would take a stretch as it did before: there a retake moves as a drawn curve does. seed: the
    phrase's own.
    Raises StageMissing without durations.
    """
    frame_s = bank.acoustic.config.frame_s
    frames = phoneme_frames(phrase, frame_s)
    total = int(frames.sum())
    line = written_line(melody_of(phrase, frame_s, total), frame_s)
    pinned, pins = pinned_pitch(phrase, frame_s, total)
    predictor = open_predictor(bank, "pitch", engine)

    def take(seed: int, retake: Retake | None, kept: Floats) -> Floats:
        if predictor is None:
            taken = line + drawn_movement(phrase, frame_s, total, seed)
        else:
            predicted = _predict(phrase, bank, predictor, seed, retake, kept)
            if "expr" not in predictor.model.inputs:
                predicted = line + (predicted - line) * _expressiveness(phrase, frame_times(phrase, frame_s, total))
            if retake is not None and not predictor.draws_noise:
                predicted = predicted + drawn_movement(phrase, frame_s, total, seed)
            taken = calm_rests(predicted, line, _resting(phrase, frames))
        return joined_to_pins(taken, pinned, pins)

    curve = take(seed, None, np.where(pinned, pins, _RETAKEN_MIDI))
    for retake in phrase.retakes.get("pitch", ()):
        again = take(derived_seed(seed, "retake", retake.seed), retake, curve)
        curve = np.where(retaken_frames(phrase, frame_s, total, retake), again, curve)
    curve = curve + nudged_pitch(phrase, frame_s, total)
    return replace(phrase, pitch=curve.astype(np.float32), variance=None)


def pitch_files(bank: Voicebank) -> list[Path]:
    """Return the files that the stage's result depends on beside the voicebank's text files."""
    stage = bank.stage("pitch")
    return [stage.model("linguistic"), stage.model("pitch"), *embedding_files(bank, stage)] if stage else []


def unused_pitch_controls(phrase: Phrase, bank: Voicebank, engine: OnnxEngine) -> list[str]:
    """Return the pitch controls that the phrase sets and the voicebank cannot follow."""
    return ["vibrato"] if "vibrato" in phrase.controls and open_predictor(bank, "pitch", engine) is not None else []


def calm_rests(curve: Floats, line: Floats, resting: npt.NDArray[np.bool_]) -> Floats:
    """Replace the curve inside rests with the written line, eased from the sung frames at their edges.

    What a pitch model says of a rest is no pitch (some say MIDI -2), and a vocoder hears a step.
    """
    sung = np.flatnonzero(~resting)
    if not len(sung):
        return line
    calmed = np.where(resting, line, curve)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], resting, [False]]).astype(np.int8)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        positions = np.arange(start, end)
        for edge, distance in ((start - 1, positions - start + 1), (end, end - positions)):
            if 0 <= edge < len(curve):
                ease = 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance / min(EASE_FRAMES, end - start + 1), 1.0))
                calmed[start:end] += (curve[edge] - line[start:end]) * ease
    return calmed


def _predict(
    phrase: Phrase, bank: Voicebank, predictor: Predictor, seed: int, retake: Retake | None, kept: Floats
) -> Floats:
    """Ask the model at its own frame rate; returns the curve at the acoustic model's.

    retake: the stretch to predict, None for everything; kept: what holds outside it, and where pitch is pinned.
    """
    stage, model = predictor.stage, predictor.model
    frame_s, target_s = stage.config.frame_s, bank.acoustic.config.frame_s
    frames = phoneme_frames(phrase, frame_s)
    total = int(frames.sum())
    melody = melody_of(phrase, frame_s, total)
    times = frame_times(phrase, frame_s, total)
    text = text_inputs(bank, stage, padded_symbols(phrase)) | word_inputs(phrase, frames)
    encoded = run_model(predictor.encoder, text, "pitch", seed)
    taken = np.ones(total, bool) if retake is None else retaken_frames(phrase, frame_s, total, retake)
    supply = {
        "note_midi": melody.midi,
        "note_rest": melody.rest,
        "note_dur": melody.frames,
        "note_glide": np.zeros(len(melody.midi), np.int64),
        "pitch": resample(kept.astype(np.float32), target_s, frame_s, total),
        "expr": _expressiveness(phrase, times),
        "retake": taken & ~pinned_pitch(phrase, frame_s, total)[0],
        "spk_embed": speaker_input(bank, stage, phrase.speaker, times),
    }
    outputs = run_model(model, text | encoded | supply | sampler_inputs(model, STEPS), "pitch", seed)
    curve = outputs.get("pitch_pred", next(iter(outputs.values()))).reshape(-1)
    if len(curve) != total:
        raise SynthesisFailed(f"model {model.path} answered {len(curve)} frames of pitch for {total}")
    return resample(curve.astype(np.float32), frame_s, target_s, len(kept)).astype(np.float64)


def _expressiveness(phrase: Phrase, times_s: Floats) -> Floats:
    return np.clip(sample_curve(phrase.controls.get("expressiveness", 1.0), times_s), 0.0, 1.0)


def _resting(phrase: Phrase, frames: Counts) -> npt.NDArray[np.bool_]:
    """Return which frames are silence or breath."""
    roles = [True, *(phoneme.role in ("rest", "breath") for phoneme in phrase.phonemes), True]
    return np.repeat(np.asarray(roles), frames)
