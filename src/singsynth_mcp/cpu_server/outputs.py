"""Where results are written: names, the folders allowed, URLs."""

from __future__ import annotations

import re
from collections.abc import Collection
from mimetypes import guess_type
from pathlib import Path
from urllib.parse import quote

from singsynth_mcp.artifacts.files import store_file
from singsynth_mcp.artifacts.tenants import LOCAL, TENANT, tenant_folder
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.serving.paths import writable_file
from singsynth_mcp.settings import Settings

_NAME_LIMIT = 60


def output_format(output: str | None, format: str | None, formats: Collection[str], default: str) -> str:
    """Return the format that the argument or the output's extension names.

    Raises InvalidRequest: an extension that is none of `formats`, or another one than `format`.
    """
    extension = Path(output).suffix.lower().removeprefix(".") if output else ""
    if extension and extension not in formats:
        raise InvalidRequest(
            f"output {output!r} ends in .{extension}, which is no format that can be written",
            hint=f"Use one of {', '.join(formats)}.",
        )
    if format and extension and format != extension:
        raise InvalidRequest(
            f"format is {format!r} but output {output!r} ends in .{extension}", hint="Leave one of the two out."
        )
    return format or extension or default


def output_path(output: str | None, extension: str, own_name: str, services: CpuServices) -> Path:
    """Return the absolute path to write: `output`, relative to the output folder, or `own_name` there.

    Raises PathNotAllowed: outside the writable folders. Raises FileProblem: a directory, or no path at all.
    """
    folder = output_folder(services.settings)
    writable = services.writable if TENANT.get() == LOCAL else (folder,)
    return writable_file(output or f"{_file_name(own_name)}.{extension}", folder, writable, extension)


def output_folder(settings: Settings) -> Path:
    """Return where files are written: the output folder, or in it that of the tenant whose work is being done."""
    return tenant_folder(settings.output)


def output_url(path: Path, settings: Settings) -> str:
    """Return the public URL of a file in the output folder where one is configured, else its file:// URL."""
    folder = settings.output.resolve()
    if settings.public_url and path.is_relative_to(folder):
        return f"{settings.public_url.rstrip('/')}/{quote(path.relative_to(folder).as_posix())}"
    return path.as_uri()


async def delivered(path: Path, services: CpuServices) -> dict[str, str]:
    """Return by which `url` a file that was written is to be had and, where clients are elsewhere, by which `sha256`.

    In front of a bucket it is put there. Raises StorageProblem, StorageUnavailable.
    """
    settings = services.settings
    media_type = guess_type(path.name)[0] or "application/octet-stream"
    url = None if settings.public_url else await services.store.publish(path, media_type)
    if url is not None:
        return {"url": url}
    facts = {"url": output_url(path, settings)}
    return facts | ({"sha256": await store_file(services.store, path)} if services.serves_files else {})


def _file_name(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:_NAME_LIMIT] or "song"
