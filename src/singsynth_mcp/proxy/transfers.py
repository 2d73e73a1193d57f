"""What an upstream lacks, copied to it: from the proxy's own store, or from the other upstreams that have it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from singsynth_mcp.artifacts.base import ArtifactStore
from singsynth_mcp.artifacts.copying import Shelf, copy_artifact, copy_blobs
from singsynth_mcp.artifacts.ids import is_artifact_id, is_sha256
from singsynth_mcp.artifacts.remote import RemoteStore
from singsynth_mcp.artifacts.texts import announce_texts
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import ArtifactsMissing, ToolFailed, UnknownArtifact, UnknownVoicebank, VoicebankMismatch
from singsynth_mcp.proxy.caller import call_tool
from singsynth_mcp.proxy.merge import is_ours
from singsynth_mcp.proxy.shelves import SharedShelf
from singsynth_mcp.proxy.upstreams import Upstreams

logger = logging.getLogger(__name__)
_INFO = "get_voicebank_info"
MOST_ROUNDS = 4
"""In which a call may find that it lacks something: nearly always one, since all ids of the call go together."""


class Transfers:
    """Copies artifacts between the stores of a proxy and its upstreams.

    An upstream that is a child of the proxy shares its store; one with a URL has routes for its own.
    """

    def __init__(self, store: ArtifactStore, upstreams: Upstreams) -> None:
        self._store = store
        self._upstreams = upstreams
        self._remote: dict[str, RemoteStore] = {}
        self._shared: dict[str, SharedShelf] = {}

    def shelf(self, upstream: str) -> Shelf:
        """Return where an upstream's artifacts are."""
        urls = self._upstreams[upstream].urls
        if not urls:
            return self._store
        if len(urls) == 1:
            return self._at(urls[0], upstream)
        if upstream not in self._shared:
            self._shared[upstream] = SharedShelf(
                lambda: [self._at(url, upstream) for url in self._upstreams[upstream].urls]
            )
        return self._shared[upstream]

    def _at(self, url: str, upstream: str) -> RemoteStore:
        if url not in self._remote:
            self._remote[url] = RemoteStore(url, self._upstreams[upstream].spec.headers)
        return self._remote[url]

    async def supply(self, upstream: str, tool: str, error: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
        """Copy what a tool of `upstream` said it lacks; return whether anything was, so that calling again can help.

        Raises what keeps the upstream from taking it: UpstreamUnavailable, ToolFailed, StorageProblem.
        """
        if (
            error.get("code") == UnknownVoicebank.code and tool in TOOLS and TOOLS[tool].server == "cpu"
        ):  # the gpu server needs all of it
            return await self._supply_texts(upstream, str((error.get("details") or {}).get("voicebank")))
        if error.get("code") == VoicebankMismatch.code:
            # For the next phonemize, which the error asks for; what was made with the old texts stays refused.
            reader = self._upstreams.merged().stages.get("phonemize", upstream)
            await self._supply_texts(reader, str((error.get("details") or {}).get("voicebank")))
            return False
        return await self._supply_artifacts(upstream, error, arguments)

    async def _supply_artifacts(self, upstream: str, error: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
        details = error.get("details") or {}
        target, sources = self.shelf(upstream), self._sources(upstream)
        copied = False
        if error.get("code") == UnknownArtifact.code:
            for artifact_id in dict.fromkeys([str(details.get("id")), *_ids_in(arguments)]):
                if is_artifact_id(artifact_id):
                    copied = await copy_artifact(artifact_id, sources, target) or copied
        elif error.get("code") == ArtifactsMissing.code:
            hashes = [name for name in details.get("hashes", ()) if is_sha256(str(name))]
            copied = await copy_blobs(hashes, sources, target)
        if copied:
            logger.info("copied to upstream %s what it lacked", upstream)
        return copied

    async def _supply_texts(self, upstream: str, voicebank: str) -> bool:
        """Copy a voicebank's text files from the server that sings with it."""
        owner = self._upstreams.merged().stages.get(_INFO)
        if owner is None or owner == upstream:
            return False
        try:
            info = await call_tool(self._upstreams[owner], _INFO, {"voicebank": voicebank, "stage": "texts"})
        except ToolFailed:
            return False  # that one does not have it either
        texts, target = str(info.get("texts")), self.shelf(upstream)
        if not is_artifact_id(texts):
            return False
        await copy_artifact(texts, [self.shelf(owner), *self._sources(upstream)], target)
        if target is self._store:
            await announce_texts(self._store, await self._store.get(texts, "voicebank"))
        return True

    async def close(self) -> None:
        """Close the connections."""
        for remote in self._remote.values():
            await remote.close()

    def _sources(self, upstream: str) -> list[Shelf]:
        """Return the other places to look in, the proxy's own first, each once."""
        target = self.shelf(upstream)
        others = [self.shelf(name) for name in self._upstreams.names_with(is_ours) if name != upstream]
        shelves = {id(shelf): shelf for shelf in (self._store, *others)}
        return [shelf for shelf in shelves.values() if shelf is not target]


def _ids_in(value: Any) -> Iterator[str]:
    """Yield the artifact ids in a call's arguments, at any depth."""
    if isinstance(value, str):
        if is_artifact_id(value):
            yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _ids_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _ids_in(each)
