"""Files of the local disk into a store, and uploads: files that a client sent."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread

from singsynth_mcp.artifacts.base import ArtifactStore, Entry, Manifest

_PIECE_BYTES = 2**18
_NAME_LIMIT = 120


async def store_file(store: ArtifactStore, path: Path) -> str:
    """Store what a file holds, piece by piece, and return its SHA-256. Raises StorageProblem, OSError."""
    name = await to_thread.run_sync(hash_of_file, path)
    if await store.missing_blobs([name]):
        await store.receive_blob(name, pieces_of(path))
    return name


def upload_of(sha256: str, name: str) -> Manifest:
    """Return the manifest of an upload: its id stands for the file wherever a tool takes `upload`."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return Manifest("upload", {"name": "".join(filter(str.isprintable, last))[:_NAME_LIMIT]}, (Entry(0.0, sha256),))


def hash_of_file(path: Path) -> str:
    """Return the SHA-256 of what a file holds, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def pieces_of(path: Path) -> AsyncIterator[bytes]:
    """Yield what a file holds. Raises OSError."""
    with await to_thread.run_sync(_open, path) as file:
        while piece := await to_thread.run_sync(file.read, _PIECE_BYTES):
            yield piece


async def chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield a first piece, taken already to hear whether there is one, and the rest."""
    yield first
    async for piece in rest:
        yield piece


def _open(path: Path) -> BinaryIO:
    return path.open("rb")
