"""`sing --url`: the score goes to a running proxy, the file comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from singsynth_mcp.api import Choices
from singsynth_mcp.artifacts.remote import RemoteStore
from singsynth_mcp.contracts.calling import OnProgress
from singsynth_mcp.contracts.sing import SingResult
from singsynth_mcp.errors import FileProblem
from singsynth_mcp.proxy.files import fetch_file
from singsynth_mcp.settings import Settings

if TYPE_CHECKING:
    from singsynth_mcp.proxy.caller import UpstreamCaller


async def sing_remotely(
    url: str, score: Path, output: Path | None, choices: Choices, on_progress: OnProgress
) -> SingResult:
    """Sing a score on the proxy at `url` and put the file where `output` says.

    Raises SingSynthError: what the proxy answered; UpstreamUnavailable when it cannot be reached; FileProblem and
    StorageProblem for the files on this side.
    """
    arguments: dict[str, Any] = {name: value for name, value in choices.items() if value is not None}
    if output is not None:
        arguments.setdefault("format", output.suffix.lstrip(".").lower() or "wav")
    async with _connected(url) as (caller, remote):
        try:
            arguments["upload"] = await remote.upload(score)
        except OSError as error:
            message = f"cannot read {score}: {error.strerror}"
            raise FileProblem(message, hint="Give the path of a score file.") from error
        result = SingResult.model_validate(await caller.call("sing", arguments, on_progress))
        if output is None:
            return result
        target = await to_thread.run_sync(lambda: output.expanduser().absolute())
        await fetch_file(result.model_dump(exclude_none=True), remote, target)
    return result.model_copy(update={"path": str(target), "url": target.as_uri()})


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[tuple[UpstreamCaller, RemoteStore]]:
    from singsynth_mcp.proxy.caller import UpstreamCaller
    from singsynth_mcp.proxy.config import UpstreamSpec
    from singsynth_mcp.proxy.upstreams import Upstreams
    from singsynth_mcp.serving.notices import Notices

    settings = Settings()
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
    spec = UpstreamSpec(url=url, transport="sse" if url.rstrip("/").endswith("/sse") else "http", headers=headers)
    remote = RemoteStore(url, headers)
    upstreams = Upstreams({"proxy": spec}, settings.cache, Notices(), frozenset())
    try:
        await upstreams["proxy"].listing()  # says why, where it cannot be reached
        yield UpstreamCaller(upstreams), remote
    finally:
        await remote.close()
        await upstreams.close()
