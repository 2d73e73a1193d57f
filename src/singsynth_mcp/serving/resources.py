"""Artifacts as MCP resources: singsynth://artifacts/<id>, whole where small, else blob by blob."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

import mcp_types as types

from singsynth_mcp.artifacts.base import ArtifactStore, Manifest
from singsynth_mcp.errors import InvalidRequest, UnknownArtifact
from singsynth_mcp.serving.results import ARTIFACT_URI, ResultTooLarge
from singsynth_mcp.serving.sources import Context

WHOLE_LIMIT_BYTES = 500_000
_MIME_TYPES = {"picture": "image/png"}
_WRAPPING_BYTES = 200
"""Of the JSON round a blob."""
_ENTRIES_SHOWN = 1000


class ArtifactResources:
    """A ResourceSource over an artifact store."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    async def list_resources(self) -> list[types.Resource]:
        """Return none: artifacts are named by the results of tools."""
        return []

    async def list_templates(self) -> list[types.ResourceTemplate]:
        """Return the templates of an artifact and of one of its blobs."""
        whole = "A score, phonemes, performance, mel, audio or picture: whole up to 500 kB, else a summary"
        return [
            types.ResourceTemplate(name="artifact", uri_template=f"{ARTIFACT_URI}{{id}}", description=whole),
            types.ResourceTemplate(
                name="artifact-part",
                uri_template=f"{ARTIFACT_URI}{{id}}/{{n}}",
                description="The n-th blob (phrase) of an artifact, from 1",
            ),
        ]

    async def read(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """Read an artifact or one of its blobs. Raises UnknownArtifact, InvalidRequest, ResultTooLarge."""
        return await read_artifact(self._store, str(params.uri))

    async def follow(self, uri: str) -> None:
        """Do nothing: an artifact never changes."""


async def read_artifact(store: ArtifactStore, uri: str) -> types.ReadResourceResult:
    """Read singsynth://artifacts/<id>[/<n>]. Raises UnknownArtifact, InvalidRequest, ResultTooLarge."""
    if not uri.startswith(ARTIFACT_URI):
        raise UnknownArtifact(f"there is no resource {uri}", hint=f"Resources are {ARTIFACT_URI}<id>.")
    artifact_id, _, number = uri.removeprefix(ARTIFACT_URI).partition("/")
    manifest = await store.get(artifact_id)
    if number:
        return types.ReadResourceResult(contents=[await _part(store, manifest, uri, number)])
    contents = await _whole(store, manifest, uri)
    return types.ReadResourceResult(contents=contents)


async def _part(
    store: ArtifactStore, manifest: Manifest, uri: str, number: str
) -> types.TextResourceContents | types.BlobResourceContents:
    count = len(manifest.entries)
    if not number.isdecimal() or not 1 <= int(number) <= count:
        raise InvalidRequest(f"{manifest.id} has no part {number!r}", hint=f"Its parts are 1 to {count}.")
    data = await store.get_blob(manifest.entries[int(number) - 1].blob)
    if len(data) > WHOLE_LIMIT_BYTES:
        message = f"part {number} of {manifest.id} has {len(data):,} bytes; {WHOLE_LIMIT_BYTES:,} are the most"
        raise ResultTooLarge(message, hint="save_audio writes an audio to a file; inspect_performance shows numbers.")
    return _contents(manifest, uri, data)


async def _whole(
    store: ArtifactStore, manifest: Manifest, uri: str
) -> Sequence[types.TextResourceContents | types.BlobResourceContents]:
    """Return the blobs where they fit together; a JSON summary with the URIs of the parts otherwise."""
    blobs: list[bytes] = []
    size = 0
    if len(manifest.entries) * _WRAPPING_BYTES > WHOLE_LIMIT_BYTES:
        return [_summary(manifest, uri)]
    for entry in manifest.entries:
        data = await store.get_blob(entry.blob)
        size += len(data) + _WRAPPING_BYTES
        if size > WHOLE_LIMIT_BYTES:
            return [_summary(manifest, uri)]
        blobs.append(data)
    if len(blobs) == 1:
        return [_contents(manifest, uri, blobs[0])]
    parts = [_contents(manifest, f"{uri}/{number}", data) for number, data in enumerate(blobs, start=1)]
    return [_summary(manifest, uri), *parts]


def _summary(manifest: Manifest, uri: str) -> types.TextResourceContents:
    parts = [
        {"uri": f"{uri}/{number}", "start_seconds": entry.start_seconds}
        for number, entry in enumerate(manifest.entries[:_ENTRIES_SHOWN], start=1)
    ]
    document = {"id": manifest.id, "kind": manifest.kind, "parts": parts, "total": len(manifest.entries)}
    text = json.dumps(document | {"header": dict(manifest.header)}, ensure_ascii=False)
    return types.TextResourceContents(uri=uri, mime_type="application/json", text=text)


def _contents(manifest: Manifest, uri: str, data: bytes) -> types.TextResourceContents | types.BlobResourceContents:
    if manifest.kind in ("score", "phonemes"):
        return types.TextResourceContents(uri=uri, mime_type="application/json", text=data.decode())
    mime_type = _MIME_TYPES.get(manifest.kind, "application/octet-stream")
    return types.BlobResourceContents(uri=uri, mime_type=mime_type, blob=base64.b64encode(data).decode())
