"""What the store holds: blobs named by their SHA-256, manifests with readable ids, and the memo of work done.

A manifest is a header and entries; each entry is a blob with its start in the song. Blobs never contain an absolute
position, so equal phrases are stored once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Kind = Literal["upload", "score", "phonemes", "performance", "mel", "audio", "picture", "voicebank"]
"""`voicebank` stands for a voicebank's text files, on their way to a server that has none of it."""


@dataclass(frozen=True)
class Entry:
    """One blob of an artifact."""

    start_seconds: float
    """Where the blob's origin lies in the song; 0 for whole things such as a score."""
    blob: str
    """SHA-256, 64 hex digits."""


@dataclass(frozen=True)
class Manifest:
    """A small JSON document that stands for a long thing."""

    kind: Kind
    header: Mapping[str, Any]
    """JSON values only."""
    entries: tuple[Entry, ...]

    def to_json(self) -> bytes:
        """Return canonical JSON (sorted keys, UTF-8): equal manifests are equal bytes."""
        entries = [{"start_seconds": entry.start_seconds, "blob": entry.blob} for entry in self.entries]
        document = {"kind": self.kind, "header": dict(self.header), "entries": entries}
        return canonical_json(document)

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Read what `to_json` wrote."""
        document = json.loads(data)
        entries = tuple(Entry(entry["start_seconds"], entry["blob"]) for entry in document["entries"])
        return cls(document["kind"], document["header"], entries)

    @property
    def id(self) -> str:
        """Kind and the first 12 hex digits of the SHA-256 of the JSON: `performance-3f9c21a07b44`."""
        return f"{self.kind}-{sha256(self.to_json())[:12]}"


@dataclass(frozen=True)
class StoredArtifact:
    """A line of a listing."""

    id: str
    kind: str
    bytes: int
    """Of the manifest and its blobs; blobs shared with other artifacts are counted in each."""
    modified: float
    """Unix time of the last use."""


@dataclass(frozen=True)
class Invitation:
    """Leave to put one blob into the store's own place, without asking this server again."""

    url: str
    headers: Mapping[str, str]
    """To be sent with the PUT as they are: they are signed, and one of them is the content's hash."""
    seconds: float
    """For how long it stands."""


class ArtifactStore(Protocol):
    """A content-addressed store, safe for several processes at once."""

    async def put_blob(self, data: bytes) -> str:
        """Store bytes and return their SHA-256. Raises StorageProblem when they cannot be written."""

    async def get_blob(self, sha256: str) -> bytes:
        """Return a blob's bytes. Raises ArtifactsMissing with the hash when the store lacks it."""

    def stream_blob(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """Yield a blob's bytes in pieces, unchecked. Raises ArtifactsMissing before the first."""

    async def receive_blob(self, sha256: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a blob as it arrives, whole or not at all.

        Raises InvalidRequest when the bytes have another hash, StorageProblem, and whatever `pieces` raises.
        """

    async def missing_blobs(self, hashes: list[str]) -> list[str]:
        """Return those of `hashes` that the store lacks."""

    async def put(self, manifest: Manifest) -> str:
        """Store a manifest and return its id. Raises StorageProblem."""

    async def get(self, artifact_id: str, *kinds: Kind) -> Manifest:
        """Return a manifest of one of `kinds` (any when none is given).

        Raises UnknownArtifact or WrongArtifactKind; both name the id, what was expected and the tool that makes one.
        """

    async def recall(self, key: str) -> str | None:
        """Return what the memo holds for `key` (a blob's hash or an artifact id), or None."""

    async def remember(self, key: str, value: str) -> None:
        """Note in the memo that the work named by `key` gave `value`."""

    def list(self) -> AsyncIterator[StoredArtifact]:
        """Yield the artifacts, the latest used first."""

    async def publish(self, path: Path, media_type: str) -> str | None:
        """Put a saved file where clients can download it and return its URL; None where the store has no such place.

        Raises StorageProblem, StorageUnavailable.
        """

    async def invite(self, sha256: str) -> Invitation | None:
        """Return leave to put this blob by HTTP, past this server; None where the store has no door of its own."""


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data`, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def memo_key(*facts: Any) -> str:
    """Return the memo's key for work that depends on `facts` (JSON values) alone."""
    return sha256(canonical_json(facts))
