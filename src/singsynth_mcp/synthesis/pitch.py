"""The pitch curve: the pitch model on the written notes, or the drawn line where there is none (format, 3.5)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from singsynth_mcp.errors import SynthesisFailed
from singsynth_mcp.performance.curves import sample_curve
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine
from singsynth_mcp.synthesis.feeds import padded_symbols, run_model, sampler_inputs, text_inputs, word_inputs
from singsynth_mcp.synthesis.frames import Counts, Floats, frame_times, phoneme_frames, resample
from singsynth_mcp.synthesis.melody import melody_of, written_line
from singsynth_mcp.synthesis.speakers import embedding_files, speaker_input
from singsynth_mcp.voicebanks import Stage, Voicebank

VERSION = 1
STEPS = 10
_RETAKEN_MIDI = 60.0
EASE_FRAMES = 6
"""Over how many frames the curve leaves a sung phoneme for the written line of a rest."""
VIBRATO_HZ = 5.5
_VIBRATO_AFTER_S = 0.35
_VIBRATO_RISE_S = 0.35


def predict_pitch(phrase: Phrase, bank: Voicebank, engine: OnnxEngine) -> Phrase:
    """Return the phrase with `pitch` set, one MIDI number an acoustic frame; variance is dropped.

    Raises StageMissing without durations.
    """
    frame_s = bank.acoustic.config.frame_s
    frames = phoneme_frames(phrase, frame_s)
    melody = melody_of(phrase, frame_s, int(frames.sum()))
    line = written_line(melody, frame_s)
    stage = bank.stage("pitch")
    if stage is None:
        curve = line + _vibrato(phrase, frame_s, len(line))
    else:
        curve = calm_rests(_predict(phrase, bank, stage, engine), line, _resting(phrase, frames))
    return replace(phrase, pitch=curve.astype(np.float32), variance=None)


def pitch_files(bank: Voicebank) -> list[Path]:
    """Return the files that the stage's result depends on beside the voicebank's text files."""
    stage = bank.stage("pitch")
    return [stage.model("linguistic"), stage.model("pitch"), *embedding_files(bank, stage)] if stage else []


def unused_pitch_controls(phrase: Phrase, bank: Voicebank, engine: OnnxEngine) -> list[str]:
    """Return the pitch controls that the phrase sets and the voicebank cannot follow."""
    stage = bank.stage("pitch")
    unused = []
    if "vibrato" in phrase.controls and stage is not None:
        unused.append("vibrato")
    if "expressiveness" in phrase.controls and (
        stage is None or "expr" not in engine.open(stage.model("pitch")).inputs
    ):
        unused.append("expressiveness")
    return unused


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


def _predict(phrase: Phrase, bank: Voicebank, stage: Stage, engine: OnnxEngine) -> Floats:
    """Ask the model at its own frame rate; returns the curve at the acoustic model's."""
    frame_s, target_s = stage.config.frame_s, bank.acoustic.config.frame_s
    frames = phoneme_frames(phrase, frame_s)
    total = int(frames.sum())
    melody = melody_of(phrase, frame_s, total)
    times = frame_times(phrase, frame_s, total)
    model = engine.open(stage.model("pitch"))
    text = text_inputs(stage, padded_symbols(phrase)) | word_inputs(phrase, frames)
    encoded = run_model(engine.open(stage.model("linguistic"), on_cpu=True), text, "pitch")
    supply = {
        "note_midi": melody.midi,
        "note_rest": melody.rest,
        "note_dur": melody.frames,
        "note_glide": np.zeros(len(melody.midi), np.int64),
        "pitch": np.full(total, _RETAKEN_MIDI),
        "expr": np.clip(sample_curve(phrase.controls.get("expressiveness", 1.0), times), 0.0, 1.0),
        "retake": np.ones(total, bool),
        "spk_embed": speaker_input(bank, stage, phrase.speaker, times),
    }
    outputs = run_model(model, encoded | text | supply | sampler_inputs(model, STEPS), "pitch")
    curve = outputs.get("pitch_pred", next(iter(outputs.values()))).reshape(-1)
    if len(curve) != total:
        raise SynthesisFailed(f"model {model.path} answered {len(curve)} frames of pitch for {total}")
    target = int(phoneme_frames(phrase, target_s).sum())
    return resample(curve.astype(np.float32), frame_s, target_s, target).astype(np.float64)


def _resting(phrase: Phrase, frames: Counts) -> npt.NDArray[np.bool_]:
    """Return which frames are silence or breath."""
    roles = [True, *(phoneme.role in ("rest", "breath") for phoneme in phrase.phonemes), True]
    return np.repeat(np.asarray(roles), frames)


def _vibrato(phrase: Phrase, frame_s: float, frames: int) -> Floats:
    """Return the drawn vibrato: the control `vibrato` is its depth in semitones; it sets in on long notes."""
    times = frame_times(phrase, frame_s, frames)
    depth = sample_curve(phrase.controls.get("vibrato", 0.0), times)
    swing = np.zeros(frames)
    for note in phrase.notes:
        since = times - note.start_s - _VIBRATO_AFTER_S
        inside = (since > 0) & (times < note.start_s + note.duration_s)
        rise = np.minimum(since / _VIBRATO_RISE_S, 1.0)
        swing += np.where(inside, rise * np.sin(2 * np.pi * VIBRATO_HZ * since), 0.0)
    return depth * swing
