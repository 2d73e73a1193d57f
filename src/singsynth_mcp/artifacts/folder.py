"""The artifact store in a local folder, shared by any number of processes.

    <root>/blobs/3f/3f9c21…        bytes, named by their SHA-256
    <root>/manifests/<id>.json     canonical JSON
    <root>/memo/a0/a07b44…         a blob's hash or an artifact id

Files appear whole (written under a temporary name, then renamed) and never change; a file's modification time is the
time of its last use, which is all that pruning goes by.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread

from singsynth_mcp.artifacts.arriving import Arriving, check_content
from singsynth_mcp.artifacts.base import Invitation, Kind, Manifest, StoredArtifact, sha256
from singsynth_mcp.artifacts.ids import check_kind, is_artifact_id, missing_blob, taken_id, unknown_artifact
from singsynth_mcp.artifacts.pruning import prune_folder
from singsynth_mcp.errors import StorageProblem
from singsynth_mcp.settings import Settings

_PRUNE_INTERVAL_S = 3600.0
_PIECE_BYTES = 2**18


class FolderStore:
    """An ArtifactStore in `root`, pruned to `max_bytes` and `max_days` about once an hour of writing."""

    def __init__(self, root: Path, *, max_bytes: int, max_days: float) -> None:
        self.root = root
        self._max_bytes = max_bytes
        self._max_days = max_days

    @classmethod
    def from_settings(cls, settings: Settings, scope: str = "") -> FolderStore:
        """Return the store that the settings name, in the part of it that `scope` (a/b) names."""
        root, most = settings.artifacts / scope, settings.artifacts_max_bytes
        return cls(root, max_bytes=most, max_days=settings.artifacts_max_days)

    async def put_blob(self, data: bytes) -> str:
        """Store bytes and return their SHA-256. Raises StorageProblem."""
        return await to_thread.run_sync(self._put_blob, data)

    async def get_blob(self, sha256: str) -> bytes:
        """Return a blob's bytes. Raises ArtifactsMissing when the store lacks it or holds it damaged."""
        return await to_thread.run_sync(self._get_blob, sha256)

    async def stream_blob(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """Yield a blob's bytes in pieces, unchecked. Raises ArtifactsMissing before the first."""
        path = self._blob_path(sha256)
        if not await to_thread.run_sync(_touch, path):
            raise missing_blob(sha256)
        with await to_thread.run_sync(_open, path) as file:
            while piece := await to_thread.run_sync(file.read, _PIECE_BYTES):
                yield piece

    async def receive_blob(self, sha256: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a blob as it arrives, whole or not at all. Raises InvalidRequest for another hash, StorageProblem."""
        arriving = await to_thread.run_sync(Arriving, self._blob_path(sha256))
        try:
            async for piece in pieces:
                await to_thread.run_sync(arriving.write, piece)
            check_content(sha256, arriving)
            await to_thread.run_sync(arriving.keep)
        finally:
            arriving.drop()

    async def missing_blobs(self, hashes: list[str]) -> list[str]:
        """Return those of `hashes` that the store lacks; who asks has a use for the others."""
        return await to_thread.run_sync(lambda: [name for name in hashes if not _touch(self._blob_path(name))])

    async def put(self, manifest: Manifest) -> str:
        """Store a manifest and return its id. Raises StorageProblem."""
        return await to_thread.run_sync(self._put, manifest)

    async def get(self, artifact_id: str, *kinds: Kind) -> Manifest:
        """Return a manifest of one of `kinds`. Raises UnknownArtifact, WrongArtifactKind."""
        return await to_thread.run_sync(partial(self._get, artifact_id, kinds))

    async def recall(self, key: str) -> str | None:
        """Return what the memo holds for `key`, or None; what it names may have been pruned since."""
        data = await to_thread.run_sync(_read_and_touch, self._memo_path(key))
        return None if data is None else data.decode()

    async def remember(self, key: str, value: str) -> None:
        """Note in the memo that the work named by `key` gave `value`. Raises StorageProblem."""
        await to_thread.run_sync(_write, self._memo_path(key), value.encode())

    async def list(self) -> AsyncIterator[StoredArtifact]:
        """Yield the artifacts, the latest used first."""
        for artifact in await to_thread.run_sync(lambda: list(self._list())):
            yield artifact

    async def publish(self, path: Path, media_type: str) -> None:
        """Return None: a folder serves nobody."""

    async def invite(self, sha256: str) -> Invitation | None:
        """Return None: a folder takes nothing from elsewhere by itself."""

    async def prune(self, *, max_bytes: int | None = None, max_days: float | None = None) -> int:
        """Drop what is over the limits (the store's own where none are given) and return the bytes freed."""
        return await to_thread.run_sync(self._prune, max_bytes, max_days)

    async def prune_when_due(self) -> None:
        """Drop what is over the limits, unless somebody has looked within the hour; may be left at any time."""
        await to_thread.run_sync(self._prune_when_due, abandon_on_cancel=True)

    def _blob_path(self, name: str) -> Path:
        return self.root / "blobs" / name[:2] / name

    def _memo_path(self, key: str) -> Path:
        return self.root / "memo" / key[:2] / key

    def _manifest_path(self, artifact_id: str) -> Path:
        return self.root / "manifests" / f"{artifact_id}.json"

    def _put_blob(self, data: bytes) -> str:
        name = sha256(data)
        path = self._blob_path(name)
        if not _touch(path):
            _write(path, data)
        return name

    def _get_blob(self, name: str) -> bytes:
        path = self._blob_path(name)
        data = _read_and_touch(path)
        if data is not None and sha256(data) == name:
            return data
        if data is not None:
            path.unlink(missing_ok=True)
        raise missing_blob(name)

    def _put(self, manifest: Manifest) -> str:
        data = manifest.to_json()
        artifact_id = manifest.id
        path = self._manifest_path(artifact_id)
        held = self._manifest(artifact_id)
        if held is None:
            _write(path, data)
            self._prune_when_due()
        elif held != data:
            raise taken_id(artifact_id, str(self.root))
        return artifact_id

    def _manifest(self, artifact_id: str) -> bytes | None:
        """Return a manifest's bytes; None where there is none, or a damaged one (a crash can leave an empty file)."""
        data = _read_and_touch(self._manifest_path(artifact_id))
        return data if data is not None and sha256(data).startswith(artifact_id.partition("-")[2]) else None

    def _get(self, artifact_id: str, kinds: tuple[Kind, ...]) -> Manifest:
        check_kind(artifact_id, kinds)
        data = self._manifest(artifact_id) if is_artifact_id(artifact_id) else None
        if data is None:
            raise unknown_artifact(artifact_id, kinds)
        return Manifest.from_json(data)

    def _list(self) -> Iterator[StoredArtifact]:
        found = []
        for path in (self.root / "manifests").glob("*.json"):
            with suppress(FileNotFoundError, ValueError):  # pruned meanwhile, or damaged
                stat = path.stat()
                manifest = Manifest.from_json(path.read_bytes())
                sizes = sum(_size(self._blob_path(entry.blob)) for entry in manifest.entries)
                found.append(StoredArtifact(path.stem, manifest.kind, stat.st_size + sizes, stat.st_mtime))
        yield from sorted(found, key=lambda artifact: artifact.modified, reverse=True)

    def _prune(self, max_bytes: int | None, max_days: float | None) -> int:
        return prune_folder(
            self.root,
            max_bytes=self._max_bytes if max_bytes is None else max_bytes,
            max_days=self._max_days if max_days is None else max_days,
        )

    def _prune_when_due(self) -> None:
        marker = self.root / "pruned"
        with suppress(OSError):
            if not marker.exists() or time.time() - marker.stat().st_mtime > _PRUNE_INTERVAL_S:
                marker.touch()
                self._prune(None, None)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _touch(path: Path) -> bool:
    try:
        os.utime(path)
    except PermissionError:
        return path.exists()
    except OSError:
        return False
    return True


def _read_and_touch(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageProblem(
            f"cannot read {path}: {error.strerror}", hint="Check the folder that SINGSYNTH_ARTIFACTS names."
        ) from error
    _touch(path)
    return data


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    arriving = Arriving(path, is_hashed=False)
    try:
        arriving.write(data)
        arriving.keep()
    finally:
        arriving.drop()
