"""What the GPU server's tools work with."""

from __future__ import annotations

from dataclasses import dataclass

from singsynth_mcp.artifacts.base import ArtifactStore
from singsynth_mcp.contracts.calling import OnProgress, ignore_progress
from singsynth_mcp.settings import Settings


@dataclass(frozen=True)
class GpuServices:
    """Passed to every tool; `on_progress` is replaced for each call."""

    settings: Settings
    store: ArtifactStore
    on_progress: OnProgress = ignore_progress
