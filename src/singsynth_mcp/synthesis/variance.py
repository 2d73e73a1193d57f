"""Energy, breathiness, voicing and tension, those that the voicebank's variance model has (format, section 3.6)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from singsynth_mcp.errors import StageMissing, SynthesisFailed
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, TensorSpec
from singsynth_mcp.synthesis.feeds import padded_symbols, run_model, sampler_inputs, text_inputs, word_inputs
from singsynth_mcp.synthesis.frames import Floats, frame_times, phoneme_frames, resample
from singsynth_mcp.synthesis.speakers import embedding_files, speaker_input
from singsynth_mcp.voicebanks import Stage, Voicebank

VERSION = 1
STEPS = 20
HEADS = ("energy", "breathiness", "voicing", "tension")
_SUFFIX = "_pred"


def predict_variance(phrase: Phrase, bank: Voicebank, engine: OnnxEngine) -> Phrase:
    """Return the phrase with `variance` set; empty where the voicebank has no such model. Raises StageMissing."""
    if phrase.pitch is None:
        raise StageMissing("the phrase has no pitch", hint="Call predict_pitch first")
    stage = bank.stage("variance")
    return replace(phrase, variance={} if stage is None else _predict(phrase, bank, stage, engine))


def variance_files(bank: Voicebank) -> list[Path]:
    """Return the files that the stage's result depends on beside the voicebank's text files."""
    stage = bank.stage("variance")
    return [stage.model("linguistic"), stage.model("variance"), *embedding_files(bank, stage)] if stage else []


def _predict(phrase: Phrase, bank: Voicebank, stage: Stage, engine: OnnxEngine) -> dict[str, np.ndarray]:
    frame_s, acoustic_s = stage.config.frame_s, bank.acoustic.config.frame_s
    frames = phoneme_frames(phrase, frame_s)
    total = int(frames.sum())
    assert phrase.pitch is not None, "predict_variance has looked"
    model = engine.open(stage.model("variance"))
    text = text_inputs(stage, padded_symbols(phrase)) | word_inputs(phrase, frames)
    encoded = run_model(engine.open(stage.model("linguistic"), on_cpu=True), text, "variance")
    supply = {
        "pitch": resample(phrase.pitch, acoustic_s, frame_s, total),
        "retake": lambda spec: _retake(spec, total),
        "spk_embed": speaker_input(bank, stage, phrase.speaker, frame_times(phrase, frame_s, total)),
    } | {head: np.zeros(total) for head in HEADS}
    outputs = run_model(model, encoded | text | supply | sampler_inputs(model, STEPS), "variance")
    curves = {}
    for name, value in outputs.items():
        curve = value.reshape(-1).astype(np.float32)
        if len(curve) != total:
            raise SynthesisFailed(f"model {model.path} answered {len(curve)} frames of {name} for {total}")
        target = len(phrase.pitch)
        curves[name.removesuffix(_SUFFIX)] = resample(curve, frame_s, acoustic_s, target)
    return curves


def _retake(spec: TensorSpec, frames: int) -> Floats:
    """Ask for every head on every frame; how many heads there are, the graph declares."""
    heads = spec.shape[-1]
    return np.ones((frames, heads) if isinstance(heads, int) and len(spec.shape) == 3 else (frames,))
