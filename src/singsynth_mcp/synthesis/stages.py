"""The stages in order: their versions and the files that they depend on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from singsynth_mcp.synthesis import acoustic, durations, pitch, variance, vocoder
from singsynth_mcp.voicebanks import Voicebank


@dataclass(frozen=True)
class StageFacts:
    """What a stage's result depends on beside its input and the voicebank's text files."""

    version: int
    """Grows whenever the same input gives another result."""
    files: Callable[[Voicebank], list[Path]]
    """Models and embeddings. Raises InvalidVoicebank for one that is missing."""


STAGES: dict[str, StageFacts] = {
    "predict_durations": StageFacts(durations.VERSION, durations.duration_files),
    "predict_pitch": StageFacts(pitch.VERSION, pitch.pitch_files),
    "predict_variance": StageFacts(variance.VERSION, variance.variance_files),
    "synthesize_audio": StageFacts(acoustic.VERSION, acoustic.acoustic_files),
    "vocode": StageFacts(vocoder.VERSION, vocoder.vocoder_files),
}
"""By the name of the tool that runs it."""
