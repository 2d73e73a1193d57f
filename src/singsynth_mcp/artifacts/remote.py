"""The artifacts of another server of ours, over its HTTP routes: what is needed to copy from and to it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from singsynth_mcp.artifacts.base import Kind, Manifest
from singsynth_mcp.artifacts.files import pieces_of
from singsynth_mcp.artifacts.ids import check_kind, missing_blob, unknown_artifact
from singsynth_mcp.artifacts.tenants import LOCAL, TENANT, TENANT_HEADER
from singsynth_mcp.errors import InvalidRequest, SingSynthError, ToolFailed, UpstreamUnavailable
from singsynth_mcp.side_by_side import side_by_side

if TYPE_CHECKING:
    import httpx2

_LOOKS_AT_ONCE = 16
_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
_IDLE_SECONDS = 2.0
"""After this a connection is not used again: servers close theirs after five, perhaps just as we write."""


class RemoteStore:
    """A Shelf (see copying.py) at the server whose MCP endpoint is `url`."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        """`headers` are those of its MCP endpoint: they carry the token."""
        self._url = urlsplit(url)
        self._headers = dict(headers)

    @cached_property
    def _web(self) -> httpx2.AsyncClient:
        import httpx2

        base = urlunsplit((self._url.scheme, self._url.netloc, self._url.path.rpartition("/")[0], "", ""))
        timeout = httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
        limits = httpx2.Limits(keepalive_expiry=_IDLE_SECONDS)
        return httpx2.AsyncClient(base_url=base, headers=self._headers, timeout=timeout, limits=limits)

    async def close(self) -> None:
        """Close the connections."""
        if "_web" in self.__dict__:
            await self._web.aclose()
            del self.__dict__["_web"]

    async def get(self, artifact_id: str, *kinds: Kind) -> Manifest:
        """Return a manifest. Raises UnknownArtifact, WrongArtifactKind, UpstreamUnavailable."""
        check_kind(artifact_id, kinds)
        async with self._asking("GET", f"artifacts/{artifact_id}") as answer:
            if answer.status_code == 404:
                raise unknown_artifact(artifact_id, kinds)
            manifest = Manifest.from_json(await answer.aread())
        if manifest.id != artifact_id:
            raise unknown_artifact(artifact_id, kinds)
        return manifest

    async def put(self, manifest: Manifest) -> str:
        """Store a manifest and return its id. Raises UpstreamUnavailable, ToolFailed (a full disk there)."""
        async with self._asking("PUT", f"artifacts/{manifest.id}", content=manifest.to_json()):
            return manifest.id

    async def missing_blobs(self, hashes: list[str]) -> list[str]:
        """Return those of `hashes` that it lacks. Raises UpstreamUnavailable."""
        missing: set[str] = set()

        async def look(name: str) -> None:
            async with self._asking("HEAD", f"artifacts/{name}") as answer:
                if answer.status_code == 404:
                    missing.add(name)

        await side_by_side(look, dict.fromkeys(hashes), _LOOKS_AT_ONCE)
        return [name for name in hashes if name in missing]

    async def stream_blob(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """Yield a blob's bytes in pieces, unchecked. Raises ArtifactsMissing before the first."""
        async with self._asking("GET", f"artifacts/{sha256}") as answer:
            if answer.status_code == 404:
                raise missing_blob(sha256)
            async for piece in answer.aiter_bytes():
                yield piece

    async def receive_blob(self, sha256: str, pieces: AsyncIterator[bytes]) -> None:
        """Send a blob there. Raises InvalidRequest for another hash, ToolFailed (a full disk), UpstreamUnavailable."""
        async with self._asking("PUT", f"artifacts/{sha256}", content=pieces):
            return

    async def upload(self, file: Path) -> str:
        """Send a file and return the upload's id. Raises OSError, ToolFailed (too large), UpstreamUnavailable."""
        route = f"uploads/{quote(file.name, safe='')}"
        async with self._asking("PUT", route, content=pieces_of(file)) as answer:
            facts = json.loads(await answer.aread())
        return str(facts["upload"])

    @asynccontextmanager
    async def _asking(self, method: str, route: str, **body: Any) -> AsyncIterator[httpx2.Response]:
        """Ask; the answer is good, or a 404 to GET and HEAD."""
        import httpx2

        place = f"{self._url.scheme}://{self._url.netloc}"
        try:
            async with self._web.stream(method, route, headers=_for_whom(), **body) as answer:
                if not answer.is_success and not (answer.status_code == 404 and method != "PUT"):
                    raise _refused(place, method, route, answer.status_code, await answer.aread())
                yield answer
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            message = f"artifacts cannot be exchanged with {place}: {reason}"
            raise UpstreamUnavailable(
                message, hint="Check the upstream's address in the proxy's configuration."
            ) from error


def _for_whom() -> dict[str, str]:
    tenant = TENANT.get()
    return {} if tenant == LOCAL else {TENANT_HEADER: tenant}


def _refused(place: str, method: str, route: str, status: int, body: bytes) -> SingSynthError:
    """Return the error that the other server told, else what its status says."""
    try:
        error = json.loads(body)["error"]
        if error["code"] == InvalidRequest.code:
            return InvalidRequest(f"{place}: {error['message']}", hint=str(error.get("hint", "")))
        return ToolFailed(
            str(error["code"]),
            f"{place}: {error['message']}",
            hint=str(error.get("hint", "")),
            retryable=bool(error.get("retryable")),
        )
    except (ValueError, KeyError, TypeError):
        hint = "Check its token (the upstream's Authorization header)." if status in (401, 403) else ""
        return UpstreamUnavailable(f"{place} answered {method} {route} with HTTP {status}", hint=hint)
