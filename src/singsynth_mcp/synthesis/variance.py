"""Energy, breathiness, voicing and tension, those that the voicebank's variance model has (format, section 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from singsynth_mcp.errors import StageMissing, SynthesisFailed
from singsynth_mcp.performance.curves import sample_curve
from singsynth_mcp.performance.model import Phrase, Retake
from singsynth_mcp.synthesis.engines.onnx import Array, OnnxEngine, TensorSpec
from singsynth_mcp.synthesis.feeds import padded_symbols, run_model, sampler_inputs, text_inputs, word_inputs
from singsynth_mcp.synthesis.frames import frame_times, phoneme_frames, resample
from singsynth_mcp.synthesis.predictors import HEADS, Predictor, open_predictor
from singsynth_mcp.synthesis.retakes import pinned_frames, retaken_frames
from singsynth_mcp.synthesis.seeds import derived_seed
from singsynth_mcp.synthesis.speakers import embedding_files, speaker_input
from singsynth_mcp.voicebanks import Voicebank

VERSION = 2
STEPS = 20
_SUFFIX = "_pred"


def predict_variance(phrase: Phrase, bank: Voicebank, engine: OnnxEngine, seed: int = 0) -> Phrase:
    """Return the phrase with `variance` set; empty where the voicebank has no such model that can be used.

    seed: the phrase's own. Raises StageMissing.
    """
    if phrase.pitch is None:
        raise StageMissing("the phrase has no pitch", hint="Call predict_pitch first")
    predictor = open_predictor(bank, "variance", engine)
    if predictor is None:
        return replace(phrase, variance={})
    times = frame_times(phrase, bank.acoustic.config.frame_s, len(phrase.pitch))
    curves = _predict(phrase, bank, predictor, seed, None, {})
    for retake in phrase.retakes.get("variance", ()):
        again = _predict(phrase, bank, predictor, derived_seed(seed, "retake", retake.seed), retake, curves)
        taken = retaken_frames(phrase, bank.acoustic.config.frame_s, len(phrase.pitch), retake)
        curves = {name: np.where(taken, again[name], curve) for name, curve in curves.items()}
    for name, pins in phrase.variance_pins.items():
        if name in curves:
            pinned, values = pinned_frames(pins, times)
            curves[name] = np.where(pinned, values, curves[name]).astype(np.float32)
    return replace(phrase, variance=curves)


def unused_variance_edits(phrase: Phrase, bank: Voicebank, engine: OnnxEngine) -> list[str]:
    """Return what edits of the phrase ask of the variance models and the voicebank has not."""
    predictor = open_predictor(bank, "variance", engine) if phrase.variance_pins or phrase.retakes else None
    heads = {name.removesuffix(_SUFFIX) for name in predictor.model.outputs} if predictor else set()
    unused = [f"{name} curve" for name in phrase.variance_pins if name not in heads]
    if phrase.retakes.get("variance") and not (predictor and predictor.draws_noise):
        unused.append("noise for a retake of variance")
    return unused


def variance_files(bank: Voicebank) -> list[Path]:
    """Return the files that the stage's result depends on beside the voicebank's text files."""
    stage = bank.stage("variance")
    return [stage.model("linguistic"), stage.model("variance"), *embedding_files(bank, stage)] if stage else []


def _predict(
    phrase: Phrase,
    bank: Voicebank,
    predictor: Predictor,
    seed: int,
    retake: Retake | None,
    kept: Mapping[str, Array],
) -> dict[str, Array]:
    """Ask the model at its own frame rate; returns curves at the acoustic model's.

    retake: the stretch to predict while the rest is kept; None predicts everything.
    """
    stage, model = predictor.stage, predictor.model
    frame_s, acoustic_s = stage.config.frame_s, bank.acoustic.config.frame_s
    frames = phoneme_frames(phrase, frame_s)
    total = int(frames.sum())
    assert phrase.pitch is not None, "predict_variance has looked"
    times = frame_times(phrase, frame_s, total)
    text = text_inputs(bank, stage, padded_symbols(phrase)) | word_inputs(phrase, frames)
    encoded = run_model(predictor.encoder, text, "variance", seed)
    taken = np.ones(total, bool) if retake is None else retaken_frames(phrase, frame_s, total, retake)
    shift = sample_curve(phrase.controls.get("tone_shift", 0.0), times)
    supply = {
        "pitch": resample(phrase.pitch, acoustic_s, frame_s, total) + shift,
        "retake": lambda spec: _retake(spec, taken),
        "spk_embed": speaker_input(bank, stage, phrase.speaker, times),
    }
    for head in HEADS:
        supply[head] = resample(kept[head], acoustic_s, frame_s, total) if head in kept else np.zeros(total)
    outputs = run_model(model, text | encoded | supply | sampler_inputs(model, STEPS), "variance", seed)
    curves = {}
    for name, value in outputs.items():
        curve = value.reshape(-1).astype(np.float32)
        if len(curve) != total:
            raise SynthesisFailed(f"model {model.path} answered {len(curve)} frames of {name} for {total}")
        curves[name.removesuffix(_SUFFIX)] = resample(curve, frame_s, acoustic_s, len(phrase.pitch))
    return curves


def _retake(spec: TensorSpec, taken: Array) -> Array:
    """Ask for every head on the frames to be taken; how many heads there are, the graph declares."""
    heads = spec.shape[-1]
    return np.repeat(taken[:, np.newaxis], heads, axis=1) if isinstance(heads, int) and len(spec.shape) == 3 else taken
