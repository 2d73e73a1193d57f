"""The artifact store in a local folder, shared by any number of processes.

    <root>/blobs/3f/3f9c21…        bytes, named by their SHA-256
    <root>/manifests/<id>.json     canonical JSON
    <root>/memo/a0/a07b44…         a blob's hash or an artifact id

Files appear whole (written under a temporary name, then renamed) and never change; a file's modification time is the
time of its last use, which is all that pruning goes by.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from anyio import to_thread

from singsynth_mcp.artifacts.base import Kind, Manifest, StoredArtifact, sha256
from singsynth_mcp.artifacts.pruning import prune_folder
from singsynth_mcp.errors import ArtifactsMissing, StorageProblem, UnknownArtifact, WrongArtifactKind
from singsynth_mcp.settings import Settings

_PRUNE_INTERVAL_S = 3600.0
_MADE_BY: dict[str, str] = {
    "upload": "an upload",
    "score": "parse_score",
    "phonemes": "phonemize",
    "performance": "align_phonemes_to_notes",
    "mel": "synthesize_audio",
    "audio": "vocode",
    "picture": "inspect_performance",
}


class FolderStore:
    """An ArtifactStore in `root`, pruned to `max_bytes` and `max_days` about once an hour of writing."""

    def __init__(self, root: Path, *, max_bytes: int, max_days: float) -> None:
        self.root = root
        self._max_bytes = max_bytes
        self._max_days = max_days

    @classmethod
    def from_settings(cls, settings: Settings) -> FolderStore:
        """Return the store that the settings name."""
        return cls(settings.artifacts, max_bytes=settings.artifacts_max_bytes, max_days=settings.artifacts_max_days)

    async def put_blob(self, data: bytes) -> str:
        """Store bytes and return their SHA-256. Raises StorageProblem."""
        return await to_thread.run_sync(self._put_blob, data)

    async def get_blob(self, sha256: str) -> bytes:
        """Return a blob's bytes. Raises ArtifactsMissing when the store lacks it or holds it damaged."""
        return await to_thread.run_sync(self._get_blob, sha256)

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

    async def prune(self, *, max_bytes: int | None = None, max_days: float | None = None) -> int:
        """Drop what is over the limits (the store's own where none are given) and return the bytes freed."""
        return await to_thread.run_sync(self._prune, max_bytes, max_days)

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
        raise ArtifactsMissing(
            f"the store lacks blob {name[:12]}… (pruned, damaged, or made on another machine)",
            hint="Make the artifact again from its score, or call sing.",
            hashes=[name],
        )

    def _put(self, manifest: Manifest) -> str:
        data = manifest.to_json()
        artifact_id = manifest.id
        path = self._manifest_path(artifact_id)
        held = self._manifest(artifact_id)
        if held is None:
            _write(path, data)
            self._prune_when_due()
        elif held != data:
            raise StorageProblem(
                f"the id {artifact_id} already stands for another artifact in {self.root}",
                hint="Run `singsynth-mcp artifacts prune --max-days 0` to empty the store.",
            )
        return artifact_id

    def _manifest(self, artifact_id: str) -> bytes | None:
        """Return a manifest's bytes; None where there is none, or a damaged one (a crash can leave an empty file)."""
        data = _read_and_touch(self._manifest_path(artifact_id))
        return data if data is not None and sha256(data).startswith(artifact_id.partition("-")[2]) else None

    def _get(self, artifact_id: str, kinds: tuple[Kind, ...]) -> Manifest:
        kind = artifact_id.partition("-")[0]
        expected = " or ".join(f"{name} (from {_MADE_BY[name]})" for name in kinds)
        if kinds and kind in _MADE_BY and kind not in kinds:
            raise WrongArtifactKind(f"{artifact_id} is of kind {kind}; expected {expected}", hint=_next_step(kinds))
        data = self._manifest(artifact_id) if _is_id(artifact_id) else None
        if data is None:
            message = f"there is no artifact {artifact_id!r}" + (
                f"; expected an id of kind {expected}" if kinds else ""
            )
            raise UnknownArtifact(message, hint=_next_step(kinds), id=artifact_id)
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


def _is_id(artifact_id: str) -> bool:
    kind, dash, digits = artifact_id.partition("-")
    return kind in _MADE_BY and dash == "-" and len(digits) == 12 and set(digits) <= set("0123456789abcdef")


def _next_step(kinds: tuple[Kind, ...]) -> str:
    if not kinds:
        return "Call the tool that makes it again; ids are those that tools return."
    if kinds[0] == "upload":
        return "Give the score as path, text or base64 instead."
    return f"Call {_MADE_BY[kinds[0]]} (again) and pass the id that it returns."


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


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
            temporary = file.name
            file.write(data)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StorageProblem(
            f"cannot write to the artifact store at {path.parent}: {error.strerror}",
            hint="Free space with `singsynth-mcp artifacts prune`, or point SINGSYNTH_ARTIFACTS at a writable folder.",
        ) from error
