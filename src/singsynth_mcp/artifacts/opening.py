"""Which store the settings ask for: a folder, or a bucket."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from anyio import to_thread

from singsynth_mcp.artifacts.base import ArtifactStore
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.settings import Settings

if TYPE_CHECKING:
    from singsynth_mcp.artifacts.s3 import S3Store


def open_store(settings: Settings, scope: str = "") -> ArtifactStore:
    """Return the store that the settings name, or the part of it that `scope` (a/b) names; nothing is opened yet.

    Raises InvalidRequest where a bucket is asked for without its package.
    """
    if settings.bucket is None:
        return FolderStore.from_settings(settings, scope)
    return _bucket_store(settings, scope)


async def scopes(settings: Settings, folder: str) -> list[str]:
    """Return the names of the store's scopes `folder/<name>`. Raises as open_store; StorageUnavailable."""
    if settings.bucket is not None:
        return await _bucket_store(settings).folders(folder)
    place = settings.artifacts / folder
    return await to_thread.run_sync(lambda: [each.name for each in place.iterdir()] if place.is_dir() else [])


def _bucket_store(settings: Settings, scope: str = "") -> S3Store:
    if find_spec("aiobotocore") is None:
        message = "SINGSYNTH_ARTIFACTS names a bucket, but aiobotocore is not installed"
        raise InvalidRequest(message, hint="Install it: pip install 'singsynth-mcp[s3]'.")
    from singsynth_mcp.artifacts.s3 import S3Store

    return S3Store.from_settings(settings, scope)
