"""`singsynth-mcp artifacts list|show|prune`: look into the artifact store, and empty it."""

from __future__ import annotations

import json as json_format
from datetime import datetime
from typing import Annotated

import anyio
from cyclopts import Parameter

from singsynth_mcp.artifacts.base import ArtifactStore, StoredArtifact
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.artifacts.opening import open_store
from singsynth_mcp.cli.printing import in_bytes, print_table
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.settings import Settings


def list_artifacts(*, kind: Annotated[str | None, Parameter(help="Only this kind: score, audio, …")] = None) -> None:
    """List what the artifact store holds, the latest used first."""
    settings = Settings()
    place = settings.bucket or settings.artifacts
    found = [artifact for artifact in anyio.run(_all, open_store(settings)) if kind in (None, artifact.kind)]
    if not found:
        print(f"Nothing in {place}")
        return
    rows = [
        (artifact.id, in_bytes(artifact.bytes), datetime.fromtimestamp(artifact.modified).strftime("%Y-%m-%d %H:%M"))
        for artifact in found
    ]
    print(f"{len(rows)} in {place}")
    print_table(("id", "size", "last used"), rows)


def show(artifact: str, /) -> None:
    """Show one artifact's header and phrases as JSON."""
    manifest = anyio.run(open_store(Settings()).get, artifact)
    print(json_format.dumps(json_format.loads(manifest.to_json()), indent=2, ensure_ascii=False))


def prune(
    *,
    max_gb: Annotated[float | None, Parameter(help="Keep at most this much; the store's own limit otherwise.")] = None,
    max_days: Annotated[float | None, Parameter(help="Drop what was unused for longer; 0 drops everything.")] = None,
) -> None:
    """Drop what is over the store's limits, the longest unused first."""
    settings = Settings()
    if settings.bucket is not None:
        hint = "docs/artifacts.md has the rule; the bucket's own tools empty it at once."
        raise InvalidRequest(f"{settings.bucket} is kept small by the bucket's lifecycle rule", hint=hint)
    store = FolderStore.from_settings(settings)
    max_bytes = None if max_gb is None else int(max_gb * 2**30)
    freed = anyio.run(lambda: store.prune(max_bytes=max_bytes, max_days=max_days))
    print(f"Freed {in_bytes(freed)} in {store.root}")


async def _all(store: ArtifactStore) -> list[StoredArtifact]:
    return [artifact async for artifact in store.list()]
