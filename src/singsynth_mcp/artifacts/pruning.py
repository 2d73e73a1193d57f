"""Keeping the folder store within its size and age, least recently used first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from singsynth_mcp.artifacts.arriving import TEMPORARY_PREFIX
from singsynth_mcp.artifacts.base import Manifest

_GRACE_S = 3600.0
"""A blob younger than this may belong to a manifest that another process is about to write."""


def prune_folder(root: Path, *, max_bytes: int, max_days: float) -> int:
    """Drop artifacts over the limits, then blobs and memo entries that nothing kept needs; return the bytes freed.

    Artifacts are kept from the latest used on while they and their blobs fit `max_bytes` and were used within
    `max_days`. Blobs used within the last hour stay, unless `max_days` is 0.
    """
    now = time.time()
    oldest = now - max_days * 86_400
    newest_first = sorted(_files(root / "manifests"), key=lambda item: item[1], reverse=True)
    kept_blobs: set[str] = set()
    held = freed = 0
    for path, used, size in newest_first:
        blobs = _blobs_of(path)
        cost = size + sum(_size(_blob(root, name)) for name in blobs - kept_blobs)
        if used < oldest or held + cost > max_bytes:
            freed += _remove(path, size)
            continue
        held += cost
        kept_blobs |= blobs
    grace = 0.0 if max_days == 0 else _GRACE_S
    for path, used, size in _files(root / "blobs"):
        if path.name not in kept_blobs and used <= now - grace:
            freed += _remove(path, size)
    for path, _, size in _files(root / "memo"):
        if not _still_there(root, path):
            freed += _remove(path, size)
    return freed


def _files(folder: Path) -> Iterator[tuple[Path, float, int]]:
    """Yield path, time of last use and size; also of temporary files that a killed process left."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            stat = path.stat()
            if not path.is_file():
                continue
            if path.name.startswith(TEMPORARY_PREFIX):
                if stat.st_mtime < time.time() - _GRACE_S:
                    path.unlink(missing_ok=True)
                continue
            yield path, stat.st_mtime, stat.st_size


def _blobs_of(path: Path) -> set[str]:
    try:
        return {entry.blob for entry in Manifest.from_json(path.read_bytes()).entries}
    except (FileNotFoundError, ValueError):  # another process prunes too; a crash left it damaged
        return set()


def _still_there(root: Path, memo: Path) -> bool:
    try:
        value = memo.read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    return _blob(root, value).is_file() or (root / "manifests" / f"{value}.json").is_file()


def _blob(root: Path, name: str) -> Path:
    return root / "blobs" / name[:2] / name


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _remove(path: Path, size: int) -> int:
    path.unlink(missing_ok=True)
    return size
