"""Which phrases have been sung before, so that `sing` need not go through them in small windows."""

from __future__ import annotations

from dataclasses import replace

from anyio import to_thread

from singsynth_mcp.contracts.common import LIST_LIMIT
from singsynth_mcp.gpu_server.rendering import Rendering, known_outcome, open_rendering
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.synthesis.stages import STAGES


async def sung_phrases(performance: str, services: GpuServices) -> list[str]:
    """Return the phrases, as `first-last` from 1, that this process has been through all stages with.

    What it says may have been pruned from the store since; what makes that again is the stage that misses it.
    Raises UnknownArtifact, WrongArtifactKind, UnknownVoicebank, InvalidVoicebank, VoicebankMismatch.
    """
    rendering = await open_rendering(next(iter(STAGES)), performance, services)
    return _ranges(await to_thread.run_sync(_sung, rendering))[:LIST_LIMIT]


def _sung(rendering: Rendering) -> list[int]:
    """Follow each phrase from stage to stage and return those that come out as audio, in order."""
    phrases = {index: entry.blob for index, entry in enumerate(rendering.performance.entries)}
    mels = dict.fromkeys(phrases, "")
    for tool in STAGES:
        if not phrases:
            break  # before a model is opened to ask what the next stage runs on
        key = replace(rendering, tool=tool).run.key
        made = {index: known_outcome(key, rendering.seed, blob, mels[index]) for index, blob in phrases.items()}
        found = {index: blob for index, blob in made.items() if blob}
        if tool == "synthesize_audio":
            mels, phrases = found, {index: phrases[index] for index in found}
        else:
            phrases = found
    return sorted(phrases)


def _ranges(indices: list[int]) -> list[str]:
    """Return ascending indices as `first-last`, from 1."""
    ranges: list[tuple[int, int]] = []
    for index in indices:
        if ranges and ranges[-1][1] == index:
            ranges[-1] = ranges[-1][0], index + 1
        else:
            ranges.append((index + 1, index + 1))
    return [f"{first}-{last}" for first, last in ranges]
