"""A voicebank's predictors, opened: an encoder and the model that reads it; what a model lacks that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from singsynth_mcp.synthesis.engines.files import file_facts
from singsynth_mcp.synthesis.engines.noise import SEED_INPUT
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, OnnxModel
from singsynth_mcp.synthesis.feeds import language_table
from singsynth_mcp.voicebanks import Stage, Voicebank
from singsynth_mcp.voicebanks.stage import StageName

HEADS = ("energy", "breathiness", "voicing", "tension")
_TEXT = ("tokens", "languages", "x_masks", SEED_INPUT)
_FRAMES = ("ph_dur", "retake", "pitch", "spk_embed", "steps", "speedup")
_SUPPLIED: dict[StageName, frozenset[str]] = {
    "durations": frozenset((*_TEXT, "word_div", "word_dur", "ph_midi", "spk_embed")),
    "pitch": frozenset(
        (*_TEXT, *_FRAMES, "word_div", "word_dur", "note_midi", "note_rest", "note_dur", "note_glide", "expr")
    ),
    "variance": frozenset((*_TEXT, *_FRAMES, "word_div", "word_dur", *HEADS)),
}
"""The inputs that a stage feeds, beside what its encoder puts out."""
_PREDICTORS: dict[StageName, Literal["dur", "pitch", "variance"]] = {
    "durations": "dur",
    "pitch": "pitch",
    "variance": "variance",
}


@dataclass(frozen=True)
class Predictor:
    """An open encoder with the model that reads it."""

    stage: Stage
    encoder: OnnxModel
    model: OnnxModel

    @property
    def draws_noise(self) -> bool:
        """Whether another seed can make another prediction."""
        return any(file_facts(model.path).draws_noise for model in (self.encoder, self.model))


def open_predictor(bank: Voicebank, name: StageName, engine: OnnxEngine) -> Predictor | None:
    """Return a stage's models, None where the voicebank has none or one that cannot be fed.

    Raises InvalidVoicebank for a missing or damaged file.
    """
    opened = _opened(bank, name, engine)
    return None if opened is None or _unsupplied(opened) is not None else opened


def why_unused(bank: Voicebank, name: StageName, engine: OnnxEngine) -> str | None:
    """Return why a stage's models are there and cannot be used, None where they can or are not there."""
    opened = _opened(bank, name, engine)
    unsupplied = None if opened is None else _unsupplied(opened)
    if unsupplied is None:
        return None
    model, input_name, reason = unsupplied
    return f"the {name} model {model.path} needs the input {input_name}, {reason}"


def wants_languages(bank: Voicebank, name: StageName, engine: OnnxEngine) -> Path | None:
    """Return the stage's model that takes language ids where the voicebank says none, None where all is well."""
    stage = bank.stage(name)
    if stage is None or language_table(bank, stage):
        return None
    acoustic = name == "acoustic"
    model = engine.open(stage.model("acoustic" if acoustic else "linguistic"), on_cpu=not acoustic)
    return model.path if "languages" in model.inputs else None


def _opened(bank: Voicebank, name: StageName, engine: OnnxEngine) -> Predictor | None:
    stage = bank.stage(name)
    if stage is None:
        return None
    # Encoder and durations are many small operations, which an accelerator makes slower.
    encoder = engine.open(stage.model("linguistic"), on_cpu=True)
    return Predictor(stage, encoder, engine.open(stage.model(_PREDICTORS[name]), on_cpu=name == "durations"))


def _unsupplied(opened: Predictor) -> tuple[OnnxModel, str, str] | None:
    supplied = _SUPPLIED[opened.stage.name]
    for model, more in ((opened.encoder, frozenset[str]()), (opened.model, frozenset(opened.encoder.outputs))):
        for name in model.inputs:
            if name not in supplied | more:
                return model, name, "which nothing supplies"
            if name == "spk_embed" and not opened.stage.config.speakers:
                return model, name, f"but {opened.stage.folder / 'dsconfig.yaml'} names no speakers"
    return None
