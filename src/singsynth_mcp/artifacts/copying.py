"""Copying artifacts between stores, whichever they are: what is there already stays, blobs go before their manifest."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Protocol

from singsynth_mcp.artifacts.base import Kind, Manifest
from singsynth_mcp.artifacts.files import chained
from singsynth_mcp.artifacts.ids import is_artifact_id
from singsynth_mcp.errors import ArtifactError, InvalidRequest, UpstreamUnavailable
from singsynth_mcp.side_by_side import side_by_side

_AT_ONCE = 4
_ANCESTORS = 8
"""From an audio up to its score there are seven."""


class Shelf(Protocol):
    """The part of an ArtifactStore that copying needs; another server's is one too."""

    async def get(self, artifact_id: str, *kinds: Kind) -> Manifest:
        """Return a manifest."""

    async def put(self, manifest: Manifest) -> str:
        """Store a manifest."""

    async def missing_blobs(self, hashes: list[str]) -> list[str]:
        """Return those of `hashes` that are not there."""

    def stream_blob(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """Yield a blob's bytes."""

    async def receive_blob(self, sha256: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a blob as it arrives; bytes of another hash are refused."""


async def copy_artifact(artifact_id: str, sources: Sequence[Shelf], target: Shelf) -> bool:
    """Copy an artifact with its blobs, and the manifests of what it was made from, from the first that has it.

    Returns whether anything was copied. Raises what the target raises.
    """
    manifest = await _find(artifact_id, sources)
    if manifest is None:
        return False
    copied = await copy_blobs([entry.blob for entry in manifest.entries], sources, target)
    return await _copy_ancestry(manifest, sources, target) or copied


async def copy_blobs(hashes: Sequence[str], sources: Sequence[Shelf], target: Shelf) -> bool:
    """Copy the blobs that the target lacks, a few at a time; return whether there were any. Raises as copy_artifact."""
    missing = await target.missing_blobs(list(dict.fromkeys(hashes)))
    copied: list[str] = []

    async def copy(name: str) -> None:
        if await _copy_blob(name, sources, target):
            copied.append(name)

    await side_by_side(copy, missing, _AT_ONCE)
    return bool(copied)


async def _copy_blob(name: str, sources: Sequence[Shelf], target: Shelf) -> bool:
    for source in sources:
        if source is target:
            continue
        async with aclosing(source.stream_blob(name)) as pieces:
            try:
                first = await anext(pieces, b"")
            except (ArtifactError, UpstreamUnavailable):
                continue
            with suppress(InvalidRequest):  # it is damaged there: perhaps another has it whole
                await target.receive_blob(name, chained(first, pieces))
                return True
    return False


async def _copy_ancestry(manifest: Manifest, sources: Sequence[Shelf], target: Shelf) -> bool:
    """Put a manifest, and those that headers name up to the score, whose title tools ask for."""
    copied = False
    line = [manifest]
    for _ in range(_ANCESTORS):
        if not line:
            break
        manifest = line.pop()
        if await _find(manifest.id, [target]) is None:
            await target.put(manifest)
            copied = True
        for value in manifest.header.values():
            if isinstance(value, str) and is_artifact_id(value) and await _find(value, [target]) is None:
                above = await _find(value, sources)
                line += [above] if above is not None else []
    return copied


async def _find(artifact_id: str, shelves: Sequence[Shelf]) -> Manifest | None:
    for shelf in shelves:
        with suppress(ArtifactError, UpstreamUnavailable):
            return await shelf.get(artifact_id)
    return None
