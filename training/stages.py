"""Every stage by name, in the order in which they are fitted. The loop is in :mod:`training.fit`."""

from __future__ import annotations

from training.score_stages import Durations, Pitch, Variance
from training.sound_stages import AcousticStage, VocoderStage
from training.stage import Stage

STAGES: dict[str, type[Stage]] = {
    stage.name: stage for stage in (Durations, Pitch, Variance, AcousticStage, VocoderStage)
}
