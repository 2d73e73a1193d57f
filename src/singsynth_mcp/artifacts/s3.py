"""The artifact store in an S3-compatible bucket, with what was read kept on the local disk.

    <prefix>blobs/3f/3f9c21…          bytes, named by their SHA-256
    <prefix>manifests/<id>.json       canonical JSON
    <prefix>memo/a0/a07b44…           a blob's hash or an artifact id
    <prefix>saved/<SHA-256>/<name>    files that clients download

What is put never changes. The bucket's lifecycle rule drops what is older than `max_days`; what is used after half of
that is renewed, so that it goes by the last use, as in the folder store.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread

from singsynth_mcp.artifacts.arriving import Arriving, check_content
from singsynth_mcp.artifacts.base import Invitation, Kind, Manifest, StoredArtifact, sha256
from singsynth_mcp.artifacts.ids import check_kind, is_artifact_id, missing_blob, taken_id, unknown_artifact
from singsynth_mcp.artifacts.read_cache import ReadCache
from singsynth_mcp.artifacts.s3_client import Bucket
from singsynth_mcp.artifacts.s3_objects import Content, Objects
from singsynth_mcp.settings import Settings
from singsynth_mcp.side_by_side import side_by_side

_DAY_S = 86_400.0
_PIECE_BYTES = 2**18
_LOOKS_AT_ONCE = 16
_FOR_EVER = "public, max-age=31536000, immutable"
_INVITED_SECONDS = 900


class S3Store:
    """An ArtifactStore under a prefix of a bucket."""

    def __init__(
        self,
        bucket: Bucket,
        prefix: str,
        cache: ReadCache,
        *,
        max_days: float,
        cdn_url: str | None = None,
        url_seconds: int = 3600,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`prefix` is empty or ends in a slash. `cdn_url` serves the bucket's root; without it URLs are signed."""
        self._objects = Objects(bucket)
        self._prefix = prefix
        self._cache = cache
        self._half_life_s = max_days * _DAY_S / 2
        self._cdn_url = cdn_url
        self._url_seconds = url_seconds
        self._clock = clock

    @classmethod
    def from_settings(cls, settings: Settings, scope: str = "") -> S3Store:
        """Return the store that the settings name, in the part of it that `scope` (a/b) names."""
        assert settings.bucket is not None
        name, _, prefix = settings.bucket.removeprefix("s3://").partition("/")
        prefix = "".join(f"{part}/" for part in (prefix.strip("/"), scope.strip("/")) if part)
        half_life = settings.artifacts_max_days * _DAY_S / 2
        cache = ReadCache(settings.cache / "s3", max_bytes=settings.s3_cache_max_bytes, max_age_seconds=half_life)
        return cls(
            Bucket(name, endpoint=settings.s3_endpoint),
            prefix,
            cache,
            max_days=settings.artifacts_max_days,
            cdn_url=settings.s3_cdn_url,
            url_seconds=settings.s3_url_seconds,
        )

    async def put_blob(self, data: bytes) -> str:
        """Store bytes and return their SHA-256. Raises StorageProblem, StorageUnavailable."""
        name = await to_thread.run_sync(sha256, data)
        await self._put(self._blob_key(name), Content.of(data))
        await to_thread.run_sync(self._cache.put, self._cached(self._blob_key(name)), data, self._clock())
        return name

    async def get_blob(self, sha256: str) -> bytes:
        """Return a blob's bytes. Raises ArtifactsMissing when the bucket lacks it or holds it damaged."""
        data = await self._read(self._blob_key(sha256), lambda data: _hash(data) == sha256)
        if data is None:
            raise missing_blob(sha256)
        return data

    async def stream_blob(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """Yield a blob's bytes in pieces. Raises ArtifactsMissing before the first."""
        data = memoryview(await self.get_blob(sha256))
        for offset in range(0, len(data), _PIECE_BYTES):
            yield bytes(data[offset : offset + _PIECE_BYTES])

    async def receive_blob(self, sha256: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a blob as it arrives, by way of the local disk. Raises InvalidRequest for another hash."""
        arriving = await to_thread.run_sync(Arriving, self._cache.root / "arriving" / sha256)
        try:
            async for piece in pieces:
                await to_thread.run_sync(arriving.write, piece)
            check_content(sha256, arriving)
            await to_thread.run_sync(arriving.settle)
            await self._put(self._blob_key(sha256), Content.of_file(arriving.temporary))
        finally:
            arriving.drop()

    async def missing_blobs(self, hashes: list[str]) -> list[str]:
        """Return those of `hashes` that the bucket lacks; the others are renewed where they are old."""
        missing: set[str] = set()

        async def look(name: str) -> None:
            modified = await self._objects.modified(self._blob_key(name))
            if modified is None:
                missing.add(name)
            else:
                await self._renew_if_old(self._blob_key(name), modified)

        await side_by_side(look, dict.fromkeys(hashes), _LOOKS_AT_ONCE)
        return [name for name in hashes if name in missing]

    async def put(self, manifest: Manifest) -> str:
        """Store a manifest and return its id. Raises StorageProblem, StorageUnavailable."""
        data, artifact_id = manifest.to_json(), manifest.id
        key = self._manifest_key(artifact_id)
        content = Content.of(data, "application/json")
        if not await self._put(key, content):
            held = await self._read(key, lambda held: held == data or _hash(held)[:12] == artifact_id[-12:])
            if held is None:  # it was damaged, and is gone now
                await self._objects.put(key, content, replace=True)
            elif held != data:
                raise taken_id(artifact_id, f"the bucket {self._objects.bucket.name}")
        return artifact_id

    async def get(self, artifact_id: str, *kinds: Kind) -> Manifest:
        """Return a manifest of one of `kinds`. Raises UnknownArtifact, WrongArtifactKind."""
        check_kind(artifact_id, kinds)
        data = None
        if is_artifact_id(artifact_id):
            key = self._manifest_key(artifact_id)
            data = await self._read(key, lambda data: _hash(data)[:12] == artifact_id[-12:])
        if data is None:
            raise unknown_artifact(artifact_id, kinds)
        return Manifest.from_json(data)

    async def recall(self, key: str) -> str | None:
        """Return what the memo holds for `key`, or None; what it names may have expired since."""
        place = self._memo_key(key)
        found = await self._objects.get(place)
        if found is None:
            return None
        await self._renew_if_old(place, found[1])
        return found[0].decode()

    async def remember(self, key: str, value: str) -> None:
        """Note in the memo that the work named by `key` gave `value`."""
        await self._objects.put(self._memo_key(key), Content.of(value.encode(), "text/plain"), replace=True)

    async def folders(self, name: str) -> list[str]:
        """Return the names that follow `name/` in the bucket's keys under this store's prefix."""
        return await self._objects.folders(f"{self._prefix}{name}/")

    async def list(self) -> AsyncIterator[StoredArtifact]:
        """Yield the artifacts, the latest used first."""
        folder = f"{self._prefix}manifests/"
        rows = await self._objects.list(folder)
        sizes = {key: size for key, size, _ in await self._objects.list(f"{self._prefix}blobs/")}
        for key, size, modified in sorted(rows, key=lambda row: row[2], reverse=True):
            found = await self._objects.get(key)
            if found is not None:
                manifest = Manifest.from_json(found[0])
                blobs = sum(sizes.get(self._blob_key(entry.blob), 0) for entry in manifest.entries)
                yield StoredArtifact(manifest.id, manifest.kind, size + blobs, modified)

    async def publish(self, path: Path, media_type: str) -> str:
        """Put a saved file into the bucket and return its URL: the CDN's, else a signed one that ends some day."""
        content = await to_thread.run_sync(partial(Content.of_file, path, media_type, cache_control=_FOR_EVER))
        key = f"{self._prefix}saved/{await to_thread.run_sync(_hash_of_file, path)}/{path.name}"
        await self._put(key, content)
        if self._cdn_url:
            return f"{self._cdn_url.rstrip('/')}/{quote(key)}"
        return await self._objects.bucket.sign("get_object", self._url_seconds, Key=key)

    async def invite(self, sha256: str) -> Invitation:
        """Return leave to put this blob into the bucket; the service checks that it has this hash."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        url = await self._objects.bucket.sign(
            "put_object", _INVITED_SECONDS, Key=self._blob_key(sha256), ChecksumSHA256=checksum
        )
        return Invitation(url, {"x-amz-checksum-sha256": checksum}, _INVITED_SECONDS)

    async def _put(self, key: str, content: Content) -> bool:
        """Put what is named by its content; return whether it is new. An old one is renewed."""
        if await self._objects.put(key, content):
            return True
        modified = await self._objects.modified(key)
        if modified is not None:
            await self._renew_if_old(key, modified)
        return False

    async def _read(self, key: str, is_whole: Callable[[bytes], bool]) -> bytes | None:
        """Return an object's bytes, from the local disk where it is there; a damaged one is removed."""
        name = self._cached(key)
        data = await to_thread.run_sync(self._cache.get, name)
        if data is not None:
            if await to_thread.run_sync(is_whole, data):
                return data
            self._cache.forget(name)
        found = await self._objects.get(key)
        if found is None:
            return None
        data, modified = found
        if not await to_thread.run_sync(is_whole, data):
            await self._objects.delete(key)
            return None
        if await self._renew_if_old(key, modified):
            modified = self._clock()
        await to_thread.run_sync(self._cache.put, name, data, modified)
        return data

    async def _renew_if_old(self, key: str, modified: float) -> bool:
        old = modified < self._clock() - self._half_life_s
        if old:
            await self._objects.renew(key)
        return old

    def _cached(self, key: str) -> str:
        return f"{self._objects.bucket.name}/{key}"

    def _blob_key(self, name: str) -> str:
        return f"{self._prefix}blobs/{name[:2]}/{name}"

    def _memo_key(self, key: str) -> str:
        return f"{self._prefix}memo/{key[:2]}/{key}"

    def _manifest_key(self, artifact_id: str) -> str:
        return f"{self._prefix}manifests/{artifact_id}.json"


def _hash(data: bytes) -> str:
    return sha256(data)


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
