"""What the CPU server's tools work with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from singsynth_mcp.artifacts.base import ArtifactStore
from singsynth_mcp.contracts.calling import OnProgress, ignore_progress
from singsynth_mcp.settings import Settings


@dataclass(frozen=True)
class CpuServices:
    """Passed to every tool; `on_progress` is replaced for each call."""

    settings: Settings
    store: ArtifactStore
    readable: tuple[Path, ...]
    """Folders that paths in arguments may point into."""
    writable: tuple[Path, ...]
    """Folders that outputs may be written to."""
    serves_files: bool = False
    """Whether clients are elsewhere and get written files over HTTP, by their hash."""
    on_progress: OnProgress = ignore_progress
