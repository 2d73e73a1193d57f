"""`sing --url`: the score goes to a running proxy, the file comes back."""

from __future__ import annotations

import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from singsynth_mcp.api import Choices
from singsynth_mcp.contracts.calling import OnProgress
from singsynth_mcp.contracts.sing import SingResult
from singsynth_mcp.errors import FileProblem, StorageProblem, UpstreamUnavailable
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
    arguments["base64"] = await to_thread.run_sync(_encode, score)
    if output is not None:
        arguments.setdefault("format", output.suffix.lstrip(".").lower() or "wav")
    async with _caller(url) as caller:
        result = SingResult.model_validate(await caller.call("sing", arguments, on_progress))
    if output is None:
        return result
    target = await to_thread.run_sync(_fetch, result, output)
    return result.model_copy(update={"path": str(target), "url": target.as_uri()})


@asynccontextmanager
async def _caller(url: str) -> AsyncIterator[UpstreamCaller]:
    from singsynth_mcp.proxy.caller import UpstreamCaller
    from singsynth_mcp.proxy.config import UpstreamSpec
    from singsynth_mcp.proxy.upstreams import Upstreams
    from singsynth_mcp.serving.notices import Notices

    settings = Settings()
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
    spec = UpstreamSpec(url=url, transport="sse" if url.rstrip("/").endswith("/sse") else "http", headers=headers)
    upstreams = Upstreams({"proxy": spec}, settings.cache, Notices(), frozenset())
    try:
        await upstreams["proxy"].listing()  # says why, where it cannot be reached
        yield UpstreamCaller(upstreams)
    finally:
        await upstreams.close()


def _encode(score: Path) -> str:
    try:
        return base64.b64encode(score.read_bytes()).decode("ascii")
    except OSError as error:
        raise FileProblem(f"cannot read {score}: {error.strerror}", hint="Give the path of a MusicXML file.") from error


def _fetch(result: SingResult, output: Path) -> Path:
    """Bring the file here, whole or not at all, and return its path."""
    target = output.expanduser().absolute()
    made = Path(result.path) if result.path else None
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", delete=False) as file:
            temporary = Path(file.name)
        try:
            if made is not None and made.is_file() and made.stat().st_size == result.bytes:
                shutil.copyfile(made, temporary)
            else:
                _download(result, temporary)
            temporary.chmod(0o644)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        hint = f"The proxy keeps it as {result.path}. Give another --output."
        raise StorageProblem(f"cannot write {target}: {error.strerror or error}", hint=hint) from error
    return target


def _download(result: SingResult, target: Path) -> None:
    if not (result.url or "").startswith(("http://", "https://")):
        message = f"the file is {result.path} on the proxy's machine, which does not serve it"
        raise UpstreamUnavailable(message, hint="Serve its output folder and set SINGSYNTH_PUBLIC_URL there.")
    import httpx2

    try:
        with (
            httpx2.stream("GET", str(result.url), timeout=60, follow_redirects=True) as answer,
            target.open("wb") as file,
        ):
            answer.raise_for_status()
            for block in answer.iter_bytes():
                file.write(block)
    except httpx2.HTTPError as error:
        message = f"cannot download {result.url}: {error}"
        raise UpstreamUnavailable(message, hint="Check SINGSYNTH_PUBLIC_URL on the proxy's machine.") from error
