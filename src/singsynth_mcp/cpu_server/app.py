"""The CPU server's tools bound to MCP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from singsynth_mcp.artifacts.tenants import tenant_store
from singsynth_mcp.contracts.tools import tools_of
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.tools import TOOLS
from singsynth_mcp.jobs.engines import job_engine
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.accounts import accounts_of
from singsynth_mcp.serving.factory import Identity, SingSynthServer, create_server
from singsynth_mcp.serving.jobtools import job_tools
from singsynth_mcp.serving.lifespans import closing, pruning
from singsynth_mcp.serving.resources import ArtifactResources
from singsynth_mcp.serving.sources import ToolTable
from singsynth_mcp.serving.tools import SpecTool
from singsynth_mcp.serving.transfer import artifact_routes
from singsynth_mcp.serving.transports import Transport, serve
from singsynth_mcp.serving.work import bind_work, doing_shared_jobs
from singsynth_mcp.settings import Settings

IDENTITY = Identity(
    "singsynth-cpu",
    "SingSynth: scores, lyrics, media",
    "Reads and edits scores, turns lyrics into phonemes on notes, saves and inspects audio. Start with parse_score.",
)


def build_server(settings: Settings, *, over_http: bool = False) -> SingSynthServer:
    """Return the CPU server.

    Over HTTP its tools read only the folders of SINGSYNTH_ROOTS, and with SINGSYNTH_REDIS its jobs are those of every
    CPU server there. One over stdio belongs to the process that started it, as do its jobs.
    """
    store = tenant_store(settings, metrics.recalled)
    readable = (settings.roots or ()) if over_http else settings.readable_roots
    services = CpuServices(settings, store, readable=readable, writable=(settings.output,), serves_files=over_http)
    jobs = job_engine("cpu", settings, shared=over_http)
    works = bind_work(tools_of("cpu"), TOOLS, services)
    accounts = accounts_of(settings, jobs.queued, writes=over_http)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        queued = doing_shared_jobs("media", works, settings, jobs, accounts)
        async with closing(jobs.close), queued, pruning(settings, over_http=over_http):
            yield

    return create_server(
        IDENTITY,
        ToolTable((*(SpecTool(work, jobs) for work in works), *job_tools(jobs))),
        resources=ArtifactResources(store),
        lifespan=running,
        web=partial(artifact_routes, store, settings.upload_max_bytes),
        accounts=accounts,
        has_jobs=True,
    )


def run(transport: Transport = "stdio", host: str = "127.0.0.1", port: int = 8766) -> None:
    """Serve until the client leaves or the process is told to stop."""
    serve(partial(build_server, over_http=transport != "stdio"), transport, host, port)
