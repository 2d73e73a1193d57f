"""A server of real contracts with made work, for tests of serving alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio

from singsynth_mcp.artifacts.tenants import tenant_store
from singsynth_mcp.contracts.audio import AudioResult
from singsynth_mcp.contracts.calling import OnProgress, Progress
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.jobs.inprocess import InProcessJobs
from singsynth_mcp.jobs.tenants import TenantJobs
from singsynth_mcp.serving.factory import Identity, SingSynthServer, create_server
from singsynth_mcp.serving.jobtools import job_tools
from singsynth_mcp.serving.lifespans import closing
from singsynth_mcp.serving.resources import ArtifactResources
from singsynth_mcp.serving.sources import ToolTable
from singsynth_mcp.serving.tools import SpecTool
from singsynth_mcp.serving.transfer import artifact_routes
from singsynth_mcp.serving.work import ToolWork
from singsynth_mcp.settings import Settings


class Vocoder:
    """vocode that waits to be let through."""

    def __init__(self) -> None:
        self.started = anyio.Event()
        self.open = anyio.Event()
        self.stopped = anyio.Event()
        self.runs = 0

    async def __call__(self, request: Any, on_progress: OnProgress) -> AudioResult:
        self.runs += 1
        self.started.set()
        try:
            await on_progress(Progress(0.25, "vocode", "phrase 1 of 4"))
            await self.open.wait()
        except anyio.get_cancelled_exc_class():
            self.stopped.set()
            raise
        return AudioResult(id="audio-0123456789ab", seconds=3.5, sample_rate=44100)


def made_server(**functions: Callable[..., Awaitable[Any]]) -> SingSynthServer:
    """Return a server whose tools (named as in the contracts) do `functions`: `(request, on_progress) -> result`."""
    jobs = TenantJobs(InProcessJobs("made"))
    store = tenant_store(Settings())
    tools = [SpecTool(ToolWork(TOOLS[name], function), jobs) for name, function in functions.items()]
    return create_server(
        Identity("made", "Made"),
        ToolTable((*tools, *job_tools(jobs))),
        resources=ArtifactResources(store),
        lifespan=lambda: closing(jobs.close),
        web=partial(artifact_routes, store, 2**20),
        has_jobs=True,
    )
