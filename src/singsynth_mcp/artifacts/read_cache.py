"""What was read from a bucket, on the local disk: up to so many bytes, the least recently used go first."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from singsynth_mcp.artifacts.arriving import TEMPORARY_PREFIX, Arriving
from singsynth_mcp.artifacts.base import sha256
from singsynth_mcp.errors import StorageProblem

_HEADER = struct.Struct(">d")
_ROOM = 0.9
"""Of the limit is left full when it is passed, so that not every further byte means a look at every file."""
_ABANDONED_SECONDS = 3600.0


class ReadCache:
    """Objects that never change, by key; any number of processes may share the folder. A cache: it never fails."""

    def __init__(
        self, root: Path, *, max_bytes: int, max_age_seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        """Objects modified longer than `max_age_seconds` ago are not answered: they want a look at the bucket."""
        self.root = root
        self._max_bytes = max_bytes
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._lock = Lock()
        self._held: int | None = None
        """Bytes in the folder as this process knows it."""

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes, None where they are not held, or too old."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            if len(data) < _HEADER.size or _HEADER.unpack_from(data)[0] < self._clock() - self._max_age_seconds:
                return None
            path.touch()
        except OSError:
            return None
        return data[_HEADER.size :]

    def put(self, key: str, data: bytes, modified: float) -> None:
        """Keep an object that the bucket has held since `modified` (Unix time)."""
        if len(data) + _HEADER.size > self._max_bytes:
            return
        try:
            arriving = Arriving(self._path(key))
            try:
                arriving.write(_HEADER.pack(modified) + data)
                arriving.keep()
            finally:
                arriving.drop()
        except StorageProblem:
            return  # the disk is full: everything is still in the bucket
        with self._lock, suppress(OSError):
            self._held = self._size() if self._held is None else self._held + arriving.size
            if self._held > self._max_bytes:
                self._held = self._evict(int(self._max_bytes * _ROOM))

    def forget(self, key: str) -> None:
        """Drop an object."""
        with suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        name = sha256(key.encode())
        return self.root / name[:2] / name

    def _size(self) -> int:
        return sum(size for _, _, size in self._files())

    def _evict(self, room: int) -> int:
        """Remove the longest unused until `room` bytes are left; return how many are."""
        files = sorted(self._files())
        held = sum(size for _, _, size in files)
        for used, path, size in files:
            abandoned = path.name.startswith(TEMPORARY_PREFIX)
            if held <= room and not abandoned:
                break
            if not abandoned or used < time.time() - _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)
                held -= size
        return held

    def _files(self) -> list[tuple[float, Path, int]]:
        found = []
        for path in self.root.glob("*/*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                found.append((stat.st_mtime, path, stat.st_size))
        return found
