"""The stages in order: their versions and the files that they depend on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

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


_MOST_RESOLVED = 64
_resolved: OrderedDict[tuple[str, int], tuple[Voicebank, list[Path]]] = OrderedDict()
"""The files of a stage by its tool and the opened voicebank, which is another one once its text files change."""
_lock = Lock()


def stage_files(tool: str, bank: Voicebank) -> list[Path]:
    """Return the files that a stage depends on, those of an opened voicebank looked for once.

    Raises InvalidVoicebank for one that is missing when it is looked for.
    """
    key = (tool, id(bank))
    with _lock:
        if key in _resolved:
            return _resolved[key][1]
    files = STAGES[tool].files(bank)
    with _lock:
        _resolved[key] = bank, files  # with the bank, so that no other one gets its id
        if len(_resolved) > _MOST_RESOLVED:
            _resolved.popitem(last=False)
    return files


def placements(tool: str, bank: Voicebank, engine: OnnxEngine) -> dict[Path, Placement]:
    """Return what each model of a stage runs on, in the order in which they run. Raises InvalidVoicebank."""
    models = [path for path in stage_files(tool, bank) if path.suffix.lower() == ".onnx"]
    kept = STAGES[tool].on_cpu(bank, models)
    return {path: engine.placement(path, on_cpu=path in kept) for path in models}
