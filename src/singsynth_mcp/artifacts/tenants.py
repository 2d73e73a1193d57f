"""Whose work is being done, and a store for each of them: what one tenant makes, no other can name, read or recall.

A tenant's store is another folder or prefix (`<root>/tenants/<tenant>/…`; `local`, the only one without a proxy that
tells tenants apart, has the root itself), so every blob, manifest and memo key begins with its tenant.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path

import anyio

from singsynth_mcp.artifacts.base import ArtifactStore, Invitation, Kind, Manifest, StoredArtifact
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.artifacts.opening import open_store, scopes
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.settings import Settings

LOCAL = "local"
"""The tenant of a process that serves its own user."""
TENANT: ContextVar[str] = ContextVar("TENANT", default=LOCAL)
"""Whose call or job is being worked on."""
TENANT_PATTERN = r"[a-z0-9][a-z0-9_-]{0,62}"
"""What a tenant may be called: the name becomes part of paths and keys."""
TENANT_HEADER = "singsynth-tenant"
"""Of HTTP requests that are no MCP: the tenant that a proxy asks for."""
_FOLDER = "tenants"
_STORES_KEPT = 256
_PRUNE_LOOK_SECONDS = 3600.0
logger = logging.getLogger(__name__)


@contextmanager
def working_for(tenant: str) -> Iterator[None]:
    """Do what follows for `tenant`. Raises ValueError for what is no name of one."""
    if re.fullmatch(TENANT_PATTERN, tenant) is None:
        raise ValueError(f"{tenant!r} is no name of a tenant")
    token = TENANT.set(tenant)
    try:
        yield
    finally:
        TENANT.reset(token)


def store_of(settings: Settings, tenant: str) -> ArtifactStore:
    """Return one tenant's store by itself. Raises InvalidRequest for what is no name of a tenant."""
    if re.fullmatch(TENANT_PATTERN, tenant) is None:
        hint = (
            "Lower-case letters, digits, - and _, at most 63; `singsynth-mcp artifacts tenants` lists those there are."
        )
        raise InvalidRequest(f"{tenant!r} is no name of a tenant", hint=hint)
    return open_store(settings, _scope(tenant))


def _scope(tenant: str) -> str:
    return "" if tenant == LOCAL else f"{_FOLDER}/{tenant}"


async def known_tenants(settings: Settings) -> list[str]:
    """Return the tenants that have a part of the store, `local` first. Raises StorageProblem, StorageUnavailable."""
    found = await scopes(settings, _FOLDER)
    return [LOCAL, *sorted(name for name in found if re.fullmatch(TENANT_PATTERN, name))]


async def prune_tenants(settings: Settings) -> None:
    """Keep every tenant's part of a folder store within its limits, also of those who come no more. Never returns.

    A store is pruned while it is written to; a bucket has its lifecycle rule.
    """
    while settings.bucket is None:
        try:
            for tenant in await known_tenants(settings):
                await FolderStore.from_settings(settings, _scope(tenant)).prune_when_due()
        except OSError as error:
            logger.warning("the tenants' artifacts cannot be looked at: %s", error)
        await anyio.sleep(_PRUNE_LOOK_SECONDS)


def tenant_folder(folder: Path) -> Path:
    """Return the folder itself, or in it that of the tenant whose work is being done."""
    tenant = TENANT.get()
    return folder if tenant == LOCAL else folder / tenant


class TenantStore:
    """An ArtifactStore that is, at each call, the store of the tenant whose work is being done."""

    def __init__(
        self, open_store: Callable[[str], ArtifactStore], on_recall: Callable[[bool], None] | None = None
    ) -> None:
        """`open_store(tenant)` returns that tenant's own; it is called again for one long unused.

        `on_recall` is told whether the memo knew.
        """
        self._open_store = open_store
        self._on_recall = on_recall
        self._stores: dict[str, ArtifactStore] = {}

    @property
    def own(self) -> ArtifactStore:
        """The store of the tenant whose work is being done."""
        tenant = TENANT.get()
        store = self._stores.pop(tenant, None) or self._open_store(tenant)
        self._stores[tenant] = store
        if len(self._stores) > _STORES_KEPT:
            del self._stores[next(iter(self._stores))]
        return store

    async def put_blob(self, data: bytes) -> str:
        """Store bytes and return their SHA-256. Raises StorageProblem when they cannot be written."""
        return await self.own.put_blob(data)

    async def get_blob(self, sha256: str) -> bytes:
        """Return a blob's bytes. Raises ArtifactsMissing with the hash when the tenant has none such."""
        return await self.own.get_blob(sha256)

    def stream_blob(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """Yield a blob's bytes in pieces, unchecked. Raises ArtifactsMissing before the first."""
        return self.own.stream_blob(sha256)

    async def receive_blob(self, sha256: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a blob as it arrives. Raises InvalidRequest for another hash, StorageProblem."""
        await self.own.receive_blob(sha256, pieces)

    async def missing_blobs(self, hashes: list[str]) -> list[str]:
        """Return those of `hashes` that the tenant's store lacks."""
        return await self.own.missing_blobs(hashes)

    async def put(self, manifest: Manifest) -> str:
        """Store a manifest and return its id. Raises StorageProblem."""
        return await self.own.put(manifest)

    async def get(self, artifact_id: str, *kinds: Kind) -> Manifest:
        """Return a manifest of one of `kinds`. Raises UnknownArtifact (another tenant's too), WrongArtifactKind."""
        return await self.own.get(artifact_id, *kinds)

    async def recall(self, key: str) -> str | None:
        """Return what the tenant's memo holds for `key`, or None."""
        known = await self.own.recall(key)
        if self._on_recall is not None:
            self._on_recall(known is not None)
        return known

    async def remember(self, key: str, value: str) -> None:
        """Note in the tenant's memo that the work named by `key` gave `value`."""
        await self.own.remember(key, value)

    def list(self) -> AsyncIterator[StoredArtifact]:
        """Yield the tenant's artifacts, the latest used first."""
        return self.own.list()

    async def publish(self, path: Path, media_type: str) -> str | None:
        """Put a saved file where the tenant can download it and return its URL; None without such a place."""
        return await self.own.publish(path, media_type)

    async def invite(self, sha256: str) -> Invitation | None:
        """Return leave to put this blob by HTTP, past this server; None without such a door."""
        return await self.own.invite(sha256)


def tenant_store(settings: Settings, on_recall: Callable[[bool], None] | None = None) -> TenantStore:
    """Return the store that the settings name, a part of it for each tenant; each is pruned to the limits by itself."""
    return TenantStore(partial(store_of, settings), on_recall)
