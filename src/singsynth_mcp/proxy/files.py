"""Files in front of a server elsewhere: a `path` goes there as an upload, what it writes comes here.

Paths are of the proxy's machine, whose host was started by the user; a server with a URL sees another disk.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

from anyio import to_thread

from singsynth_mcp.artifacts.arriving import Arriving, check_content
from singsynth_mcp.artifacts.base import ArtifactStore, memo_key
from singsynth_mcp.artifacts.copying import Shelf
from singsynth_mcp.artifacts.files import hash_of_file, store_file, upload_of
from singsynth_mcp.artifacts.tenants import tenant_folder
from singsynth_mcp.errors import UpstreamUnavailable
from singsynth_mcp.serving.paths import readable_file, writable_file

_READ = frozenset({"parse_score"})
_WRITE = frozenset({"save_audio", "export", "render_score", "inspect_performance"})
_WEB = ("http://", "https://")
_ELSEWHERE = "Give another output, or free some space."
_JOBS_REMEMBERED = 1024


class RemoteFiles:
    """Sends files to upstreams elsewhere and fetches theirs."""

    def __init__(self, store: ArtifactStore, *, readable: tuple[Path, ...], output: Path, serves: bool) -> None:
        """Take `serves` for true where the proxy's own clients are elsewhere, and get files from it by their hash."""
        self._store = store
        self._readable = readable
        self._output = output
        self._serves = serves
        self._wanted: OrderedDict[str, str] = OrderedDict()
        """Job → the `output` of the call that it belongs to."""

    async def outgoing(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return a call's arguments as a server elsewhere can use them.

        Raises PathNotAllowed and FileProblem for a path that may not be read or written here.
        """
        sent = dict(arguments)
        if tool in _READ and isinstance(sent.get("path"), str):
            file = await to_thread.run_sync(readable_file, sent.pop("path"), self._readable)
            sha256 = await store_file(self._store, file)
            sent["upload"] = await self._store.put(upload_of(sha256, file.name))
        if tool in _WRITE and isinstance(sent.get("output"), str):
            # Others may call their files the same there: a name for each set of arguments is one for each content.
            target = self._target(sent["output"])
            sent["output"] = f"{target.stem}-{memo_key(tool, sent)[:8]}{target.suffix}"
        return sent

    async def incoming(
        self, tool: str | None, facts: Mapping[str, Any], shelf: Shelf, output: str | None = None
    ) -> dict[str, Any]:
        """Return a result with its file here: at `output`, else by its own name in the output folder.

        Raises UpstreamUnavailable where it cannot be fetched, StorageProblem where it cannot be written.
        """
        job_id = facts.get("job_id")
        if isinstance(job_id, str) and output is not None and facts.get("state") in ("queued", "running"):
            self._wanted[job_id] = output
            if len(self._wanted) > _JOBS_REMEMBERED:
                self._wanted.popitem(last=False)
        there = facts.get("path") or facts.get("picture")
        if tool not in _WRITE or not isinstance(there, str):
            return dict(facts)
        output = output or self._wanted.get(str(job_id))
        name = there.replace("\\", "/").rpartition("/")[2]
        target = self._target(output or name)
        if not target.suffix:
            target = target.with_name(target.name + Path(name).suffix)
        await fetch_file(facts, shelf, target)
        here = {"path": str(target)} if "path" in facts else {}
        url = facts.get("url")
        if isinstance(url, str) and not url.startswith(_WEB):
            here["url"] = target.as_uri()
        return {**facts, **here} | ({"picture": str(target)} if "picture" in facts else {})

    async def offered(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return a result with the hash by which a client elsewhere gets its file from this proxy."""
        path = facts.get("path") or facts.get("picture")
        is_served = str(facts.get("url", "")).startswith(_WEB)
        if is_served or not self._serves or not isinstance(path, str) or not _is_file(path):
            return dict(facts)
        return {**facts, "sha256": await store_file(self._store, Path(path))}

    def _target(self, output: str) -> Path:
        """Return where a file goes that a call names. Raises PathNotAllowed outside the output folder, FileProblem."""
        folder = tenant_folder(self._output)
        return writable_file(output, folder, (folder,))


async def fetch_file(facts: Mapping[str, Any], shelf: Shelf, target: Path) -> None:
    """Put the file that a result is about at `target`, whole or not at all; one that is there already stays.

    Raises UpstreamUnavailable, ArtifactsMissing where it cannot be had, StorageProblem where it cannot be written.
    """
    sha256, url = facts.get("sha256"), str(facts.get("url", ""))
    if await to_thread.run_sync(_holds, target, sha256):
        return
    arriving = await to_thread.run_sync(partial(Arriving, target, place=str(target), hint=_ELSEWHERE))
    try:
        if sha256 is not None:
            async with aclosing(shelf.stream_blob(str(sha256))) as pieces:
                await _write(arriving, pieces)
            check_content(str(sha256), arriving)
        elif url.startswith(_WEB):
            await _download(url, arriving)
        else:
            message = f"the file is {facts.get('path')} on the upstream's machine, which does not serve it"
            raise UpstreamUnavailable(message, hint="Serve its output folder and set SINGSYNTH_PUBLIC_URL there.")
        await to_thread.run_sync(_keep, arriving, target)
    finally:
        arriving.drop()


async def _download(url: str, arriving: Arriving) -> None:
    """Fetch from where the upstream has put it: its bucket, a CDN, or what serves its folder."""
    import httpx2

    try:
        async with httpx2.AsyncClient(timeout=60) as web, web.stream("GET", url, follow_redirects=True) as answer:
            answer.raise_for_status()
            await _write(arriving, answer.aiter_bytes())
    except httpx2.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise UpstreamUnavailable(f"the file cannot be fetched from {url.partition('?')[0]}: {reason}") from error


async def _write(arriving: Arriving, pieces: AsyncIterator[bytes]) -> None:
    async for piece in pieces:
        await to_thread.run_sync(arriving.write, piece)


def _keep(arriving: Arriving, target: Path) -> None:
    arriving.keep()
    target.chmod(0o644)  # temporary files are for nobody else


def _holds(path: Path, sha256: str | None) -> bool:
    return sha256 is not None and path.is_file() and hash_of_file(path) == sha256


def _is_file(path: str) -> bool:
    return Path(path).is_file()
