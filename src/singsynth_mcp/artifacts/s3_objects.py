"""Objects of a bucket: put once and whole, large ones in parts, with their checksums; read, and kept from expiring."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from singsynth_mcp.artifacts.s3_client import Bucket, Refusal
from singsynth_mcp.side_by_side import side_by_side

PART_BYTES = 16 * 2**20
"""Objects up to this size are put whole, larger ones in parts of it (S3 wants at least 5 MiB)."""
_PARTS_AT_ONCE = 4
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
_THERE = frozenset({"PreconditionFailed", "412"})
_UNKNOWN_CONDITION = frozenset({"NotImplemented", "501"})
_GONE = frozenset({"NoSuchUpload"})


@dataclass(frozen=True)
class Content:
    """What is to be put: so many bytes, read piece by piece from a thread."""

    size: int
    read: Callable[[int, int], bytes]
    """`(offset, length)`."""
    media_type: str = "application/octet-stream"
    cache_control: str = ""

    @classmethod
    def of(cls, data: bytes, media_type: str = "application/octet-stream") -> Content:
        """Return what is in memory."""
        return cls(len(data), lambda offset, length: data[offset : offset + length], media_type)

    @classmethod
    def of_file(cls, path: Path, media_type: str = "application/octet-stream", *, cache_control: str = "") -> Content:
        """Return what a file holds; it must stay as it is meanwhile."""

        def read(offset: int, length: int) -> bytes:
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(length)

        return cls(path.stat().st_size, read, media_type, cache_control)

    @property
    def facts(self) -> dict[str, str]:
        """What is said of the object."""
        return {"ContentType": self.media_type} | ({"CacheControl": self.cache_control} if self.cache_control else {})


class Objects:
    """The objects of one bucket by key."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._conditions = True
        """Whether the service knows conditional puts; found out at the first."""

    async def put(self, key: str, content: Content, *, replace: bool = False) -> bool:
        """Put an object; return False where the key has one already, which stays unless `replace`.

        Where an answer is lost after the put took place, the next attempt finds the key taken: by the same content,
        since keys are named by their content. Raises StorageProblem, StorageUnavailable.
        """
        put = self._put_whole if content.size <= PART_BYTES else self._put_in_parts
        if replace or not self._conditions:
            await put(key, content, {})
            return True
        try:
            await put(key, content, {"IfNoneMatch": "*"})
        except Refusal as refusal:
            if refusal.code in _THERE:
                return False
            self._conditions = False
            await put(key, content, {})
        return True

    async def _put_whole(self, key: str, content: Content, condition: dict[str, str]) -> None:
        data = await to_thread.run_sync(content.read, 0, content.size)
        facts = content.facts | condition
        checksum = await to_thread.run_sync(_checksum, data)
        expected = _THERE | _UNKNOWN_CONDITION if condition else ()
        await self.bucket.ask("put_object", expected=expected, Key=key, Body=data, ChecksumSHA256=checksum, **facts)

    async def _put_in_parts(self, key: str, content: Content, condition: dict[str, str]) -> None:
        begun = await self.bucket.ask("create_multipart_upload", Key=key, ChecksumAlgorithm="SHA256", **content.facts)
        upload: dict[str, Any] = {"Key": key, "UploadId": begun["UploadId"]}
        try:
            parts = await self._put_parts(upload, content)
            expected = _GONE | (_THERE | _UNKNOWN_CONDITION if condition else frozenset())
            await self.bucket.ask(
                "complete_multipart_upload", expected=expected, MultipartUpload={"Parts": parts}, **upload, **condition
            )
        except Refusal as refusal:
            # No such upload: it was completed before, and the answer lost on its way here.
            if refusal.code not in _GONE or await self.modified(key) is None:
                await self._abort(upload)
                raise
        except BaseException:
            await self._abort(upload)
            raise

    async def _put_parts(self, upload: dict[str, Any], content: Content) -> list[dict[str, Any]]:
        offsets = range(0, content.size, PART_BYTES)
        parts: list[dict[str, Any]] = [{} for _ in offsets]

        async def put(numbered: tuple[int, int]) -> None:
            index, offset = numbered
            data = await to_thread.run_sync(content.read, offset, PART_BYTES)
            checksum = await to_thread.run_sync(_checksum, data)
            facts: dict[str, Any] = {"PartNumber": index + 1, "ChecksumSHA256": checksum}
            part = await self.bucket.ask("upload_part", Body=data, **facts, **upload)
            parts[index] = {"ETag": part["ETag"], **facts}

        await side_by_side(put, enumerate(offsets), _PARTS_AT_ONCE)
        return parts

    async def _abort(self, upload: dict[str, Any]) -> None:
        """Give up an upload's parts; where that fails too, the bucket's lifecycle rule does it."""
        with anyio.move_on_after(5, shield=True), suppress(Exception):  # what counts is the error that led here
            await self.bucket.ask("abort_multipart_upload", **upload)

    async def get(self, key: str) -> tuple[bytes, float] | None:
        """Return an object's bytes and when it was put (Unix time); None where there is none."""

        async def act(client: Any) -> tuple[bytes, float]:
            answer = await client.get_object(Bucket=self.bucket.name, Key=key)
            async with answer["Body"] as body:
                return await body.read(), answer["LastModified"].timestamp()

        try:
            return await self.bucket.insist(act, expected=_ABSENT)
        except Refusal:
            return None

    async def modified(self, key: str) -> float | None:
        """Return when an object was put (Unix time); None where there is none."""
        try:
            answer = await self.bucket.ask("head_object", expected=_ABSENT, Key=key)
        except Refusal:
            return None
        return float(answer["LastModified"].timestamp())

    async def renew(self, key: str) -> None:
        """Make an object as good as put now, so that the bucket's lifecycle rule lets it live on."""
        place = {"Bucket": self.bucket.name, "Key": key}
        try:
            head = await self.bucket.ask("head_object", expected=_ABSENT, Key=key)
            facts = {"ContentType": head.get("ContentType", "application/octet-stream"), "MetadataDirective": "REPLACE"}
            await self.bucket.ask("copy_object", expected=_ABSENT, Key=key, CopySource=place, **facts)
        except Refusal:
            return  # expired just now: whoever needs it finds it missing

    async def delete(self, key: str) -> None:
        """Remove an object."""
        await self.bucket.ask("delete_object", Key=key)

    async def folders(self, prefix: str) -> list[str]:
        """Return what stands between `prefix` (ending in a slash) and the next slash in keys."""
        return [
            each["Prefix"].removeprefix(prefix).rstrip("/")
            async for page in self._pages(Prefix=prefix, Delimiter="/")
            for each in page.get("CommonPrefixes", ())
        ]

    async def list(self, prefix: str) -> list[tuple[str, int, float]]:
        """Return key, size and time of the objects whose keys begin with `prefix`."""
        return [
            (each["Key"], each["Size"], each["LastModified"].timestamp())
            async for page in self._pages(Prefix=prefix)
            for each in page.get("Contents", ())
        ]

    async def _pages(self, **asked: str) -> AsyncIterator[dict[str, Any]]:
        more: dict[str, str] = {}
        while True:
            page = await self.bucket.ask("list_objects_v2", **asked, **more)
            yield page
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}


def _checksum(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
