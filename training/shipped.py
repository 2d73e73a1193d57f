"""The committed voicebank's weights in a stage's nets: where further fitting starts.

Beside :func:`training.stage.fitted`, but not in its file: that one's code is part of the key under which fits lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from singsynth_mcp.synthesis.engines.torch.inference.weights import load_weights
from singsynth_mcp.voicebanks.find import shipped_folders
from training.cache import content_key, file_sha256
from training.export import GRAPHS
from training.inventory import VOICEBANK

if TYPE_CHECKING:
    from pathlib import Path

    from training.stage import FittedStage


def shipped_folder() -> Path:
    """Return the committed voicebank's folder."""
    return next(parent / VOICEBANK for parent in shipped_folders() if (parent / VOICEBANK).is_dir())


def shipped_digest() -> str:
    """Return a name of the committed weights."""
    bank = shipped_folder()
    return content_key([file_sha256(bank / graph.file) for graph in GRAPHS])


def shipped(stage: FittedStage, folder: Path | None = None) -> FittedStage:
    """Load the weights of the committed voicebank (or of ``folder``) into a stage, ready to be fitted further.

    Phonemes, languages and singers that the voicebank does not know yet keep their fresh rows. Raises NotOurNet where
    the nets have changed since the export.
    """
    bank = folder or shipped_folder()
    for graph in GRAPHS:
        if graph.stage == stage.name:
            load_weights(stage.modules[graph.module], bank / graph.file)
    return stage
