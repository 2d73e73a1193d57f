"""Which phrases have been sung before, so that `sing` need not go through them in small windows."""

from __future__ import annotations

from dataclasses import replace

from anyio import to_thread

from singsynth_mcp.contracts.common import LIST_LIMIT
from singsynth_mcp.gpu_server.rendering import Rendering, known_outcome
from singsynth_mcp.synthesis.stages import STAGES


async def sung_phrases(rendering: Rendering) -> list[str]:
    """Return the phrases, as `first-last` from 1, that this process has been through all stages with.

    rendering: by the first stage. Phrases whose audio the store no longer holds, or holds for another tenant, are not
    among them.
    """
    audio = await to_thread.run_sync(_audio, rendering)
    lost = set(await rendering.services.store.missing_blobs(list(audio.values()))) if audio else set()
    return _ranges([index for index, blob in audio.items() if blob not in lost])[:LIST_LIMIT]


def _audio(rendering: Rendering) -> dict[int, str]:
    """Follow each phrase from stage to stage and return the blobs of those that came out as audio, in order."""
    phrases = {index: entry.blob for index, entry in enumerate(rendering.performance.entries)}
    mels = dict.fromkeys(phrases, "")
    made: dict[int, str] = {}
    for tool in STAGES:
        if not phrases:
            return {}  # before a model is opened to ask what the next stage runs on
        key = replace(rendering, tool=tool).run.key
        known = {index: known_outcome(key, rendering.seed, blob, mels[index]) for index, blob in phrases.items()}
        made = {index: blob for index, blob in known.items() if blob}
        if tool == "synthesize_audio":
            mels, phrases = made, {index: phrases[index] for index in made}
        else:
            phrases = made
    return made


def _ranges(indices: list[int]) -> list[str]:
    """Return ascending indices as `first-last`, from 1."""
    ranges: list[tuple[int, int]] = []
    for index in indices:
        if ranges and ranges[-1][1] == index:
            ranges[-1] = ranges[-1][0], index + 1
        else:
            ranges.append((index + 1, index + 1))
    return [f"{first}-{last}" for first, last in ranges]
