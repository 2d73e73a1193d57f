"""Which controls a voicebank follows, by the inputs that its models declare."""

from __future__ import annotations

from singsynth_mcp.synthesis.acoustic import CONTROLS
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine
from singsynth_mcp.synthesis.predictors import open_predictor
from singsynth_mcp.voicebanks import Voicebank


def supported_controls(bank: Voicebank, engine: OnnxEngine) -> list[str]:
    """Return the controls that change how the voicebank sings. Raises InvalidVoicebank for an unusable model."""
    inputs = engine.open(bank.acoustic.model("acoustic")).inputs
    controls = [name for name in CONTROLS if name in inputs]
    controls.append("expressiveness")
    if open_predictor(bank, "pitch", engine) is None:
        controls.append("vibrato")
    if bank.vocoder[1].pitch_controllable:
        controls.append("tone_shift")
    return [*controls, "loudness", "dynamics"]
