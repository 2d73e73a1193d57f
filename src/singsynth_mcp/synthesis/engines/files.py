"""What the bytes of a model or embedding file say without opening it, read once for each version of the file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.synthesis.engines.noise import can_be_seeded, draws_noise


@dataclass(frozen=True)
class FileFacts:
    """What the bytes of a model file say without opening it."""

    sha256: str
    draws_noise: bool
    """Whether the graph has random nodes."""
    is_repeatable: bool
    """Whether equal inputs give equal outputs: no random nodes, or such as a seed can decide."""


def file_facts(path: Path) -> FileFacts:
    """Return a model or embedding file's digest and whether it draws noise. Raises InvalidVoicebank."""
    stat = file_stat(path)
    return _file_facts(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _file_facts(path: Path, _modified_ns: int, _bytes: int) -> FileFacts:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidVoicebank(f"{path} cannot be read: {error.strerror}", path=str(path)) from error
    noisy = path.suffix.lower() == ".onnx" and draws_noise(data)
    return FileFacts(hashlib.sha256(data).hexdigest(), noisy, not noisy or can_be_seeded(path))


def file_stat(path: Path) -> os.stat_result:
    """Return a file's size and times. Raises InvalidVoicebank when it is missing."""
    try:
        return path.stat()
    except OSError as error:
        raise InvalidVoicebank(
            f"{path} is missing", hint="Reinstall the voicebank: its config names this file", path=str(path)
        ) from error
