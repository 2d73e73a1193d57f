"""The mel of a phrase: the acoustic model (format, sections 2.5 and 3.7)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from singsynth_mcp.errors import InvalidVoicebank, StageMissing, SynthesisFailed
from singsynth_mcp.performance.curves import sample_curve
from singsynth_mcp.performance.model import MelPhrase, Phrase
from singsynth_mcp.synthesis.engines.onnx import Array, OnnxEngine, TensorSpec
from singsynth_mcp.synthesis.feeds import check_sum, padded_symbols, run_model, sampler_inputs, text_inputs
from singsynth_mcp.synthesis.frames import Floats, frame_times, phoneme_frames, start_of_frames
from singsynth_mcp.synthesis.predictors import HEADS
from singsynth_mcp.synthesis.speakers import embedding_files, speaker_input
from singsynth_mcp.voicebanks import Voicebank

VERSION = 2
STEPS = 20
CONTROLS = ("gender", "velocity", *HEADS)
_LIMITS = {"gender": (-1.0, 1.0), "velocity": (0.5, 2.0), "tension": (-10.0, 10.0)}
_LEVEL_LIMITS = (-96.0, 0.0)
_NEUTRAL = {"velocity": 1.0}


def synthesize(phrase: Phrase, bank: Voicebank, engine: OnnxEngine, seed: int = 0) -> MelPhrase:
    """Return the phrase's mel with the pitch that the vocoder is to sing. seed: the phrase's own.

    Raises StageMissing without durations, pitch or variance; InvalidVoicebank for a variance that nothing predicts.
    """
    pitch, variance = _earlier_stages(phrase)
    stage = bank.acoustic
    frame_s = stage.config.frame_s
    frames = phoneme_frames(phrase, frame_s)
    total = int(frames.sum())
    check_sum("frames of pitch", len(pitch), total)
    times = frame_times(phrase, frame_s, total)
    shift = sample_curve(phrase.controls.get("tone_shift", 0.0), times) if follows_tone_shift(phrase, bank) else 0.0
    model = engine.open(stage.model("acoustic"))
    supply: dict[str, Any] = text_inputs(bank, stage, padded_symbols(phrase)) | {
        "durations": frames,
        "f0": _hertz(pitch + shift),
        "gender": _control(phrase, "gender", times),
        "velocity": _control(phrase, "velocity", times),
        "spk_embed": speaker_input(bank, stage, phrase.speaker, times),
    }
    for head in HEADS:
        supply[head] = _head(phrase, variance, head, times, model.path)
    outputs = run_model(model, supply | sampler_inputs(model, STEPS, stage.config.max_depth), "acoustic", seed)
    mel = outputs.get("mel", next(iter(outputs.values())))
    if mel.shape != (1, total, stage.config.num_mel_bins):
        raise SynthesisFailed(
            f"model {model.path} answered a mel of {list(mel.shape)}, not {[1, total, stage.config.num_mel_bins]}"
        )
    return MelPhrase(mel[0].astype(np.float32), _hertz(pitch), start_of_frames(phrase, frame_s))


def acoustic_files(bank: Voicebank) -> list[Path]:
    """Return the files that the stage's result depends on beside the voicebank's text files."""
    return [bank.acoustic.model("acoustic"), *embedding_files(bank, bank.acoustic)]


def follows_tone_shift(phrase: Phrase, bank: Voicebank) -> bool:
    """Tell whether the phrase's mel is made for another pitch than the vocoder sings (section 3.7).

    Raises InvalidVoicebank without a vocoder.
    """
    return "tone_shift" in phrase.controls and bank.vocoder[1].pitch_controllable


def unused_acoustic_controls(phrase: Phrase, bank: Voicebank, engine: OnnxEngine) -> list[str]:
    """Return the acoustic controls that the phrase sets and the model has no input for."""
    wanted = [name for name in CONTROLS if name in phrase.controls]
    unused = ["tone_shift"] if "tone_shift" in phrase.controls and not follows_tone_shift(phrase, bank) else []
    if wanted:
        inputs = engine.open(bank.acoustic.model("acoustic")).inputs
        unused += [name for name in wanted if name not in inputs]
    return unused


def _earlier_stages(phrase: Phrase) -> tuple[Array, dict[str, Array]]:
    for what, there, tool in (
        ("durations", phrase.boundaries_s, "predict_durations"),
        ("pitch", phrase.pitch, "predict_pitch"),
        ("variance", phrase.variance, "predict_variance"),
    ):
        if there is None:
            raise StageMissing(f"the phrase has no {what}", hint=f"Call {tool} first")
    assert phrase.pitch is not None
    assert phrase.variance is not None
    return phrase.pitch, dict(phrase.variance)


def _hertz(midi: Array) -> Array:
    hertz: Array = (440.0 * 2.0 ** ((midi.astype(np.float64) - 69.0) / 12.0)).astype(np.float32)
    return hertz


def _control(phrase: Phrase, name: str, times_s: Floats) -> Floats:
    neutral = _NEUTRAL.get(name, 0.0)
    return np.clip(sample_curve(phrase.controls.get(name, neutral), times_s), *_LIMITS[name])


def _head(
    phrase: Phrase, variance: dict[str, Array], name: str, times_s: Floats, path: Path
) -> Callable[[TensorSpec], Array]:
    """Return what makes a variance input: the prediction plus the control of that name; never a default."""

    def curve(spec: TensorSpec) -> Array:
        if name not in variance:
            raise InvalidVoicebank(
                f"the acoustic model {path} needs {name}, which the voicebank's variance model does not predict",
                hint="The voicebank is incomplete: its dsvariance folder lacks that model",
                path=str(path),
                input=name,
            )
        check_sum(f"frames of {name}", len(variance[name]), len(times_s))
        offset = sample_curve(phrase.controls.get(name, 0.0), times_s)
        return (
            variance[name] if not offset.any() else np.clip(variance[name] + offset, *_LIMITS.get(name, _LEVEL_LIMITS))
        )

    return curve
