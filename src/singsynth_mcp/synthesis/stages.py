"""The stages in order: their versions and the files that they depend on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from singsynth_mcp.synthesis import acoustic, durations, pitch, variance, vocoder
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, Placement
from singsynth_mcp.voicebanks import Voicebank


@dataclass(frozen=True)
class StageFacts:
    """What a stage's result depends on beside its input and the voicebank's text files."""

    version: int
    """Grows whenever the same input gives another result."""
    files: Callable[[Voicebank], list[Path]]
    """Models and embeddings. Raises InvalidVoicebank for one that is missing."""
    on_cpu: Callable[[Voicebank, list[Path]], list[Path]] = lambda bank, models: []
    """Those of the models that stay on the CPU: they are small, and the way to an accelerator is long."""


STAGES: dict[str, StageFacts] = {
    "predict_durations": StageFacts(durations.VERSION, durations.duration_files, lambda bank, models: models),
    "predict_pitch": StageFacts(pitch.VERSION, pitch.pitch_files, lambda bank, models: models[:1]),
    "predict_variance": StageFacts(variance.VERSION, variance.variance_files, lambda bank, models: models[:1]),
    "synthesize_audio": StageFacts(acoustic.VERSION, acoustic.acoustic_files),
    "vocode": StageFacts(vocoder.VERSION, vocoder.vocoder_files, vocoder.models_on_cpu),
}
"""By the name of the tool that runs it."""


def placements(tool: str, bank: Voicebank, engine: OnnxEngine) -> dict[Path, Placement]:
    """Return what each model of a stage runs on, in the order in which they run. Raises InvalidVoicebank."""
    stage = STAGES[tool]
    models = [path for path in stage.files(bank) if path.suffix.lower() == ".onnx"]
    kept = stage.on_cpu(bank, models)
    return {path: engine.placement(path, on_cpu=path in kept) for path in models}
