"""The levels of an audio's phrases: vocode measured those that it made, others are measured once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import to_thread

from singsynth_mcp.artifacts.base import ArtifactStore, Entry, Manifest, memo_key
from singsynth_mcp.cpu_server.reading import read_audio
from singsynth_mcp.errors import ArtifactError
from singsynth_mcp.side_by_side import side_by_side

if TYPE_CHECKING:
    from singsynth_mcp.media.levels import PhraseLevels
    from singsynth_mcp.media.mastering import PlacedLevels

_IN_FLIGHT = 2


async def known_levels(audio: Manifest, store: ArtifactStore) -> list[PlacedLevels]:
    """Return the levels of the phrases of an audio in the order of their start. Raises ArtifactsMissing."""
    from singsynth_mcp.media.levels import recent_levels
    from singsynth_mcp.media.mastering import PlacedLevels

    entries = sorted(audio.entries, key=lambda entry: entry.start_seconds)
    found: dict[int, PhraseLevels] = {}

    async def look(numbered: tuple[int, Entry]) -> None:
        index, entry = numbered
        kept = recent_levels.get(entry.blob)
        if kept is None:
            kept = await _levels(entry, store)
            recent_levels.keep(entry.blob, kept)
        found[index] = kept

    await side_by_side(look, enumerate(entries), _IN_FLIGHT)
    return [PlacedLevels(entry.start_seconds, found[index]) for index, entry in enumerate(entries)]


async def _levels(entry: Entry, store: ArtifactStore) -> PhraseLevels:
    from singsynth_mcp.media.levels import LEVELS, levels_from_bytes, levels_to_bytes, measure_phrase

    key = memo_key(*LEVELS, entry.blob)
    known = await store.recall(key)
    if known is not None:
        try:
            return levels_from_bytes(await store.get_blob(known))
        except ArtifactError:  # pruned or damaged: measured again
            pass
    levels = await to_thread.run_sync(measure_phrase, await read_audio(store, entry))
    await store.remember(key, await store.put_blob(levels_to_bytes(levels)))
    return levels
