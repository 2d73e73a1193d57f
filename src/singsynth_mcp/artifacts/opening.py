"""Which store the settings ask for: a folder, or a bucket."""

from __future__ import annotations

from importlib.util import find_spec

from singsynth_mcp.artifacts.base import ArtifactStore
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.settings import Settings


def open_store(settings: Settings, scope: str = "") -> ArtifactStore:
    """Return the store that the settings name, or the part of it that `scope` (a/b) names; nothing is opened yet.

    Raises InvalidRequest where a bucket is asked for without its package.
    """
    if settings.bucket is None:
        return FolderStore(
            settings.artifacts / scope,
            max_bytes=settings.artifacts_max_bytes,
            max_days=settings.artifacts_max_days,
        )
    if find_spec("aiobotocore") is None:
        message = "SINGSYNTH_ARTIFACTS names a bucket, but aiobotocore is not installed"
        raise InvalidRequest(message, hint="Install it: pip install 'singsynth-mcp[s3]'.")
    from singsynth_mcp.artifacts.s3 import S3Store

    return S3Store.from_settings(settings, scope)
