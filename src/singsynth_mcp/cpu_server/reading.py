"""Artifacts read from inside a worker thread, one blob at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, TypeVar, overload

from anyio import CancelScope, from_thread, to_thread
from anyio.from_thread import BlockingPortal

from singsynth_mcp.artifacts.base import ArtifactStore, Entry, Manifest
from singsynth_mcp.errors import ArtifactError, first_error

if TYPE_CHECKING:
    from singsynth_mcp.performance.model import AudioPhrase

T = TypeVar("T")


class OnDemand(Sequence[T]):
    """An artifact's entries in the order of their start, each kept from before it is asked for until the next is.

    `read` begins to read an entry. For a worker thread: asking waits until it is read. Raises what the reading raises.
    """

    def __init__(self, entries: Sequence[Entry], read: Callable[[Entry], Future[T]]) -> None:
        self._entries = sorted(entries, key=lambda entry: entry.start_seconds)
        self._read = read
        self._reading: dict[int, Future[T]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> OnDemand[T]: ...
    def __getitem__(self, index: int | slice) -> T | OnDemand[T]:
        if isinstance(index, slice):
            return OnDemand(self._entries[index], self._read)
        from_thread.check_cancelled()
        first = range(len(self))[index]
        wanted = range(first, min(first + 2, len(self)))  # more at a time would be more memory
        self._reading = {i: self._reading.get(i) or self._read(self._entries[i]) for i in wanted}
        try:
            return self._reading[first].result()
        except CancelledError:
            from_thread.check_cancelled()
            raise


async def read_audio(store: ArtifactStore, entry: Entry) -> AudioPhrase:
    """Return a phrase's audio. Raises ArtifactsMissing."""
    from singsynth_mcp.performance.blobs import audio_from_bytes

    return await to_thread.run_sync(audio_from_bytes, await store.get_blob(entry.blob))


async def with_portal(function: Callable[[BlockingPortal], T]) -> T:
    """Run a function in a worker thread, with a portal through which it starts async ones and goes on meanwhile.

    Raises what the function raises, out of the portal's group.
    """
    try:
        async with BlockingPortal() as portal:
            made = await to_thread.run_sync(function, portal)
    except BaseExceptionGroup as errors:
        raise first_error(errors) from errors
    return made


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
