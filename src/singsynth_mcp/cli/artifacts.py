"""`singsynth-mcp artifacts list|show|tenants|prune`: look into the artifact store, and empty it."""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import anyio
from cyclopts import Parameter

from singsynth_mcp.artifacts.base import StoredArtifact
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.artifacts.tenants import LOCAL, known_tenants, store_of
from singsynth_mcp.cli.printing import in_bytes, print_table
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.settings import Settings

_Tenant = Annotated[str, Parameter(help="Whose part of the store: that of a server's own user, or of a tenant.")]


def list_artifacts(
    *, kind: Annotated[str | None, Parameter(help="Only this kind: score, audio, …")] = None, tenant: _Tenant = LOCAL
) -> None:
    """List what the artifact store holds, the latest used first."""
    settings = Settings()
    found = [artifact for artifact in anyio.run(_all, settings, tenant) if kind in (None, artifact.kind)]
    place = f"{settings.bucket or settings.artifacts}{_of(tenant)}"
    if not found:
        print(f"Nothing in {place}")
        return
    rows = [(artifact.id, in_bytes(artifact.bytes), _when(artifact.modified)) for artifact in found]
    print(f"{len(rows)} in {place}")
    print_table(("id", "size", "last used"), rows)


def list_tenants() -> None:
    """List the tenants that have a part of the store: how many artifacts, their size, and when one was last used."""
    settings = Settings()
    held = anyio.run(_all_of_all, settings)
    rows = [
        (tenant, str(len(found)), in_bytes(sum(each.bytes for each in found)), _when(found[0].modified))
        for tenant, found in held.items()
        if found
    ]
    if not rows:
        print(f"Nothing in {settings.bucket or settings.artifacts}")
        return
    print_table(("tenant", "artifacts", "size", "last used"), rows)


def show(artifact: str, /, *, tenant: _Tenant = LOCAL) -> None:
    """Show one artifact's header and phrases as JSON."""
    manifest = anyio.run(store_of(Settings(), tenant).get, artifact)
    print(json_format.dumps(json_format.loads(manifest.to_json()), indent=2, ensure_ascii=False))


def prune(
    *,
    max_gb: Annotated[float | None, Parameter(help="Keep at most this much; the store's own limit otherwise.")] = None,
    max_days: Annotated[float | None, Parameter(help="Drop what was unused for longer; 0 drops everything.")] = None,
    tenant: _Tenant = LOCAL,
) -> None:
    """Drop what is over the store's limits, the longest unused first."""
    settings = Settings()
    store = store_of(settings, tenant)
    if not isinstance(store, FolderStore):
        hint = "docs/artifacts.md has the rule; the bucket's own tools empty it at once."
        raise InvalidRequest(f"{settings.bucket} is kept small by the bucket's lifecycle rule", hint=hint)
    max_bytes = None if max_gb is None else int(max_gb * 2**30)
    freed = anyio.run(lambda: store.prune(max_bytes=max_bytes, max_days=max_days))
    print(f"Freed {in_bytes(freed)} in {store.root}")


async def _all(settings: Settings, tenant: str) -> list[StoredArtifact]:
    return [artifact async for artifact in store_of(settings, tenant).list()]


async def _all_of_all(settings: Settings) -> dict[str, Sequence[StoredArtifact]]:
    return {tenant: await _all(settings, tenant) for tenant in await known_tenants(settings)}


def _of(tenant: str) -> str:
    return "" if tenant == LOCAL else f", of tenant {tenant}"


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")
