"""Artifacts read from inside a worker thread, one blob at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from anyio import CancelScope, from_thread

from singsynth_mcp.artifacts.base import ArtifactStore, Entry, Manifest
from singsynth_mcp.errors import ArtifactError

if TYPE_CHECKING:
    from singsynth_mcp.performance.model import AudioPhrase

T = TypeVar("T")


class OnDemand(Sequence[T]):
    """An artifact's entries in the order of their start, each read when it is asked for and kept until the next is."""

    def __init__(self, entries: Sequence[Entry], read: Callable[[Entry], T]) -> None:
        self._entries = sorted(entries, key=lambda entry: entry.start_seconds)
        self._read = read
        self._last: tuple[Entry, T] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> OnDemand[T]: ...
    def __getitem__(self, index: int | slice) -> T | OnDemand[T]:
        if isinstance(index, slice):
            return OnDemand(self._entries[index], self._read)
        entry = self._entries[index]
        if self._last is None or self._last[0] is not entry:
            self._last = None  # two phrases at a time would be twice the memory
            self._last = entry, self._read(entry)
        return self._last[1]


def read_audio(store: ArtifactStore, entry: Entry) -> AudioPhrase:
    """Return a phrase's audio; to be called from a worker thread. Raises ArtifactsMissing."""
    from singsynth_mcp.performance.blobs import audio_from_bytes

    return audio_from_bytes(run_on_loop(store.get_blob, entry.blob))


def run_on_loop(function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Run an async function on the event loop from a worker thread, unless the work has been cancelled.

    Shielded: in a scope that is cancelled at this very moment anyio 4.16 would spin for ever (the cancellation is never
    delivered to the task that from_thread.run makes). What it runs must be short.
    """

    async def shielded() -> T:
        with CancelScope(shield=True):
            result = await function(*arguments)
        return result  # noqa: RET504 - in the scope it would be no return for mypy

    from_thread.check_cancelled()
    return from_thread.run(shielded)


async def song_title(manifest: Manifest, store: ArtifactStore) -> str:
    """Follow a performance, mel or audio to its score's title; empty where the store no longer holds the way."""
    try:
        while "title" not in manifest.header:
            above = manifest.header.get("score") or manifest.header.get("performance")
            if above is None:
                return ""
            manifest = await store.get(above)
        return str(manifest.header["title"] or "")
    except ArtifactError:
        return ""
