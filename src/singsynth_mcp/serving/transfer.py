"""Artifacts over plain HTTP, beside MCP: for servers that share neither a disk nor a bucket, and for uploads.

    GET, HEAD, PUT /artifacts/<SHA-256>            a blob
    GET, HEAD, PUT /artifacts/<kind>-<12 digits>   a manifest
    PUT            /uploads/<file name>            a file of a client; the answer has its id
    POST           /uploads                        {name, sha256}: leave to put it straight into the bucket

Whoever may call the server's tools may use these routes: they lie behind the same guard, which knows whose request it
is.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from singsynth_mcp.artifacts.arriving import Arriving
from singsynth_mcp.artifacts.base import ArtifactStore, Manifest
from singsynth_mcp.artifacts.files import chained, store_file, upload_of
from singsynth_mcp.artifacts.ids import is_artifact_id, is_sha256, unknown_artifact
from singsynth_mcp.artifacts.texts import announce_texts
from singsynth_mcp.errors import (
    ArtifactError,
    ArtifactsMissing,
    InvalidRequest,
    SingSynthError,
    StorageProblem,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

_MANIFEST_BYTES = 4 * 2**20
_ASKED_BYTES = 10_000
_STATUSES: tuple[tuple[type[SingSynthError], int], ...] = (
    (ArtifactError, 404),
    (StorageUnavailable, 503),
    (StorageProblem, 507),
)


class TooLarge(SingSynthError):
    """A body above the server's limit; nothing of it was kept."""

    code = "too_large"
    usual_hint = "The server's operator sets the limit in SINGSYNTH_UPLOAD_MAX_BYTES."


def artifact_routes(store: ArtifactStore, max_bytes: int) -> list[Route]:
    """Return the routes over `store`; a body may have `max_bytes`."""
    from starlette.routing import Route

    door = _Door(store, max_bytes)
    return [
        Route("/artifacts/{name}", _answering(door.send), methods=["GET", "HEAD"]),
        Route("/artifacts/{name}", _answering(door.receive), methods=["PUT"]),
        Route("/uploads/{name}", _answering(door.upload), methods=["PUT"]),
        Route("/uploads", _answering(door.invite), methods=["POST"]),
    ]


class _Door:
    def __init__(self, store: ArtifactStore, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes

    async def send(self, request: Request) -> Response:
        """Answer a blob or a manifest."""
        from starlette.responses import Response, StreamingResponse

        name = _name(request)
        if is_artifact_id(name):
            data = (await self._store.get(name)).to_json()
            return Response(data, media_type="application/json")
        if request.method == "HEAD":
            if await self._store.missing_blobs([name]):
                raise ArtifactsMissing(f"this server lacks blob {name}", hashes=[name])
            return Response(media_type="application/octet-stream")
        pieces = self._store.stream_blob(name)
        first = await anext(pieces, b"")  # what is missing is said by the status, before anything is sent
        return StreamingResponse(chained(first, pieces), media_type="application/octet-stream")

    async def receive(self, request: Request) -> Response:
        """Store a blob or a manifest."""
        from starlette.responses import Response

        name = _name(request)
        if is_artifact_id(name):
            body = b"".join([piece async for piece in _limited(request, min(self._max_bytes, _MANIFEST_BYTES))])
            manifest = read_manifest(body, name)
            await self._store.put(manifest)
            if manifest.kind == "voicebank":
                await announce_texts(self._store, manifest)
        else:
            await self._store.receive_blob(name, _limited(request, self._max_bytes))
        return Response(status_code=201)

    async def upload(self, request: Request) -> Response:
        """Store a client's file and answer its id."""
        place = Path(tempfile.gettempdir(), "singsynth-upload")
        arriving = await to_thread.run_sync(Arriving, place)
        try:
            async for piece in _limited(request, self._max_bytes):
                await to_thread.run_sync(arriving.write, piece)
            if arriving.size == 0:
                raise InvalidRequest("the upload is empty", hint="Send the file's bytes as the body.")
            await to_thread.run_sync(arriving.settle)
            sha256 = await store_file(self._store, arriving.temporary)
        finally:
            arriving.drop()
        upload = await self._store.put(upload_of(sha256, request.path_params["name"]))
        return _json({"upload": upload, "bytes": arriving.size, "sha256": sha256}, 201)

    async def invite(self, request: Request) -> Response:
        """Answer an upload's id, and where its bytes are to be put."""
        body = b"".join([piece async for piece in _limited(request, _ASKED_BYTES)])
        try:
            asked = json.loads(body)
            name, sha256 = str(asked["name"]), str(asked["sha256"])
        except (ValueError, KeyError, TypeError):
            name = sha256 = ""
        if not is_sha256(sha256):
            hint = 'Send {"name": "song.mxl", "sha256": "<64 hex digits>"}.'
            raise InvalidRequest("an upload is announced by its name and SHA-256", hint=hint)
        invitation = await self._store.invite(sha256)
        if invitation is None:
            hint = f"PUT the file to /uploads/{name or '<file name>'} here."
            raise InvalidRequest("this server's artifacts lie in no bucket that takes uploads", hint=hint)
        upload = await self._store.put(upload_of(sha256, name))
        where = {"method": "PUT", "url": invitation.url, "headers": dict(invitation.headers)}
        return _json({"upload": upload, **where, "seconds": invitation.seconds}, 200)


def read_manifest(data: bytes, artifact_id: str) -> Manifest:
    """Return the manifest that `data` holds. Raises InvalidRequest for any other than `artifact_id`."""
    try:
        manifest = Manifest.from_json(data)
        sound = isinstance(manifest.header, dict) and all(
            is_sha256(entry.blob) and isinstance(entry.start_seconds, float | int) for entry in manifest.entries
        )
        if sound and manifest.id == artifact_id:
            return manifest
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise InvalidRequest(f"the body is not the manifest of {artifact_id}", hint="Send it as another server gave it.")


def _name(request: Request) -> str:
    """Return the name in the path. Raises UnknownArtifact for what is neither a hash nor an id."""
    name: str = request.path_params["name"]
    if not is_sha256(name) and not is_artifact_id(name):
        raise unknown_artifact(name[:80], ())
    return name


async def _limited(request: Request, most: int) -> AsyncIterator[bytes]:
    """Yield a request's body. Raises TooLarge, at once where the request says how much it is."""
    said = request.headers.get("content-length", "0")
    size = 0
    if said.isdecimal() and int(said) > most:
        raise TooLarge(f"{int(said):,} bytes are more than the {most:,} that this server takes")
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise TooLarge(f"more than the {most:,} bytes that this server takes")
        yield piece


def _answering(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return a route's work; what a user can cause is answered as JSON with the status that says it."""
    from starlette.requests import ClientDisconnect

    async def answer(request: Request) -> Response:
        try:
            return await work(request)
        except TooLarge as error:
            return _json({"error": error.as_dict()}, 413)
        except ClientDisconnect:
            return _json({}, 400)  # nobody reads it, and nothing was kept
        except SingSynthError as error:
            status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 400)
            return _json({"error": error.as_dict()}, status)

    return answer


def _json(facts: dict[str, Any], status: int) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(facts, status)
