"""The Python API: the tools in this process, without a server. `singsynth_mcp.sing` is the short way in."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import anyio

from singsynth_mcp.contracts.arguments import read_arguments
from singsynth_mcp.contracts.audio import AudioFormat
from singsynth_mcp.contracts.calling import OnProgress, ignore_progress
from singsynth_mcp.contracts.common import Controls, SpeakerArgument
from singsynth_mcp.contracts.sing import SingRequest, SingResult, SungPart
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing as sing_over
from singsynth_mcp.settings import Settings


class Choices(TypedDict, total=False):
    """What may be chosen beside the score: the arguments of the sing tool, with its defaults."""

    part: str | None
    parts: list[SungPart] | None
    verse: int | None
    voicebank: str | None
    speaker: SpeakerArgument | None
    language: str | None
    transpose: float
    tempo: float | None
    controls: Controls
    pronunciations: dict[str, str]
    breaths: bool
    seed: int
    format: AudioFormat | None
    loudness_lufs: float | None


def sing(score: str | Path, output: str | Path | None = None, **choices: Unpack[Choices]) -> SingResult:
    """Sing a score file into an audio file and return its path, levels, and the ids to go on editing from.

    `output`'s extension chooses the format; left out, a WAV in the folder of SINGSYNTH_OUTPUT. In a running event
    loop, await `sing_async` instead. Raises SingSynthError: whatever kept the score from being sung.
    """

    async def run() -> SingResult:
        return await sing_async(score, output, **choices)

    return anyio.run(run)


async def sing_async(
    score: str | Path,
    output: str | Path | None = None,
    on_progress: OnProgress = ignore_progress,
    **choices: Unpack[Choices],
) -> SingResult:
    """Do as `sing`, reporting progress."""
    request, caller = _prepare(score, output, choices)
    return await sing_over(request, caller, on_progress)


def _prepare(score: str | Path, output: str | Path | None, choices: Choices) -> tuple[SingRequest, LocalCaller]:
    """Return the request and a caller that may also read beside the score and write beside the output."""
    source = Path(score).expanduser().absolute()
    target = None if output is None else Path(output).expanduser().absolute()
    arguments = {**choices, "path": str(source), "output": None if target is None else str(target)}
    request = read_arguments(TOOLS["sing"], arguments)
    assert isinstance(request, SingRequest)
    writable = () if target is None else (target.parent,)
    return request, LocalCaller(Settings(), readable=(source.parent,), writable=writable)
