"""The artifacts of replicas: they share one store, and whichever of them answers serves it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from singsynth_mcp.artifacts.base import Kind, Manifest
from singsynth_mcp.artifacts.copying import Shelf
from singsynth_mcp.errors import UpstreamUnavailable

_Answer = TypeVar("_Answer")


class SharedShelf:
    """A Shelf (see artifacts/copying.py) at several servers; one that does not answer is passed over."""

    def __init__(self, doors: Callable[[], Sequence[Shelf]]) -> None:
        """`doors()` are the servers, the likeliest to answer first; there is one at least."""
        self._doors = doors

    async def get(self, artifact_id: str, *kinds: Kind) -> Manifest:
        """Return a manifest. Raises UnknownArtifact, WrongArtifactKind, UpstreamUnavailable."""
        return await self._first(lambda door: door.get(artifact_id, *kinds))

    async def put(self, manifest: Manifest) -> str:
        """Store a manifest and return its id. Raises UpstreamUnavailable, ToolFailed (a full disk there)."""
        return await self._first(lambda door: door.put(manifest))

    async def missing_blobs(self, hashes: list[str]) -> list[str]:
        """Return those of `hashes` that are not there. Raises UpstreamUnavailable."""
        return await self._first(lambda door: door.missing_blobs(hashes))

    async def stream_blob(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """Yield a blob's bytes, from the next server where one breaks off. Raises ArtifactsMissing before the first."""
        sent = 0
        problem = None
        for door in self._doors():
            read = 0
            try:
                async with aclosing(door.stream_blob(sha256)) as pieces:
                    async for piece in pieces:
                        new = piece[max(sent - read, 0) :]
                        read += len(piece)
                        sent += len(new)
                        if new:
                            yield new
            except UpstreamUnavailable as error:
                problem = error
            else:
                return
        assert problem is not None
        raise problem

    async def receive_blob(self, sha256: str, pieces: AsyncIterator[bytes]) -> None:
        """Send a blob there. Raises InvalidRequest for another hash, ToolFailed (a full disk), UpstreamUnavailable."""

        async def answering(door: Shelf) -> Shelf:
            await door.missing_blobs([sha256])
            return door

        door = await self._first(answering)  # the bytes can be sent once only
        await door.receive_blob(sha256, pieces)

    async def _first(self, ask: Callable[[Shelf], Awaitable[_Answer]]) -> _Answer:
        problem = None
        for door in self._doors():
            try:
                return await ask(door)
            except UpstreamUnavailable as error:
                problem = error
        assert problem is not None
        raise problem
