"""A file that arrives in pieces: under a temporary name and hashed on the way, at last with its own name or gone."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from singsynth_mcp.errors import InvalidRequest, StorageProblem

TEMPORARY_PREFIX = ".new-"
_PRUNE = "Free space with `singsynth-mcp artifacts prune`, or point SINGSYNTH_ARTIFACTS at a writable folder."


class Arriving:
    """Bytes on their way to `path`. `write` them, then `keep`; `drop` in any case at the end."""

    def __init__(self, path: Path, *, place: str = "", hint: str = _PRUNE, is_hashed: bool = True) -> None:
        """Begin. Raises StorageProblem, as do the other steps: a full disk, a folder that cannot be written.

        `place` and `hint` are for what lies outside the artifact store. is_hashed: no, where the hash is known.
        """
        self._path = path
        self._place = place or f"to the artifact store at {path.parent}"
        self._hint = hint
        self._hash = hashlib.sha256()
        self._is_hashed = is_hashed
        self.size = 0
        with self._naming():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
            """Where the bytes are meanwhile."""
            self._file = open(self.temporary, "xb", opener=_for_owner)  # noqa: SIM115

    @property
    def sha256(self) -> str:
        """Of what has arrived, 64 hex digits."""
        return self._hash.hexdigest()

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        if self._is_hashed:
            self._hash.update(piece)
        self.size += len(piece)
        with self._naming():
            self._file.write(piece)

    def settle(self) -> None:
        """Write out what is still in memory."""
        with self._naming():
            self._file.close()

    def keep(self) -> None:
        """Give the file its name."""
        self.settle()
        with self._naming():
            self.temporary.replace(self._path)

    def drop(self) -> None:
        """Leave nothing behind of a file that was not kept."""
        try:
            self._file.close()
        except OSError:  # what it still held did not fit; it goes anyway
            pass
        finally:
            self.temporary.unlink(missing_ok=True)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageProblem(f"cannot write {self._place}: {error.strerror}", hint=self._hint) from error


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def check_content(expected: str, arriving: Arriving) -> None:
    """Raise InvalidRequest for bytes that are not what their name says."""
    if arriving.sha256 != expected:
        raise InvalidRequest(
            f"the {arriving.size:,} bytes have the SHA-256 {arriving.sha256}, not {expected}",
            hint="Send them again, whole, under the SHA-256 that they have.",
        )
