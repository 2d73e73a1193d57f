"""The GPU server's tools bound to MCP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from singsynth_mcp.artifacts.tenants import tenant_store
from singsynth_mcp.contracts.tools import tools_of
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.gpu_server.tools import TOOLS
from singsynth_mcp.gpu_server.warming import ROLES, RoleChoice, warming
from singsynth_mcp.jobs.base import Role
from singsynth_mcp.jobs.engines import job_engine
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.accounts import accounts_of
from singsynth_mcp.serving.factory import Identity, SingSynthServer, create_server
from singsynth_mcp.serving.jobtools import job_tools
from singsynth_mcp.serving.lifespans import closing, pruning
from singsynth_mcp.serving.resources import ArtifactResources
from singsynth_mcp.serving.sources import ToolTable
from singsynth_mcp.serving.tools import bind
from singsynth_mcp.serving.transfer import artifact_routes
from singsynth_mcp.serving.transports import Transport, serve
from singsynth_mcp.settings import Settings

IDENTITY = Identity(
    "singsynth-gpu",
    "SingSynth: voices",
    "Gives a performance durations, pitch and variance, and turns it into audio. list_voicebanks says who can sing.",
)
_VOCODER_TOOLS = frozenset({"vocode"})


def build_server(settings: Settings, *, role: RoleChoice = "all", over_http: bool = False) -> SingSynthServer:
    """Return the GPU server; `role` leaves it only the tools of that queue, so that two of them never collide.

    Over HTTP it opens its models at the start, unless workers have them, and is ready when that is done.
    """
    store = tenant_store(settings, metrics.recalled)
    jobs = job_engine("gpu" if role == "all" else role, settings)
    specs = [spec for spec in tools_of("gpu") if role == "all" or (spec.name in _VOCODER_TOOLS) == (role == "vocoder")]
    tools = (*bind(specs, TOOLS, GpuServices(settings, store), jobs), *job_tools(jobs))
    warm_roles: tuple[Role, ...] = ROLES[role] if over_http and settings.redis is None else ()

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        warm = warming(settings, warm_roles, server.readiness)
        async with closing(jobs.close), warm, pruning(settings, over_http=over_http):
            yield

    server = create_server(
        IDENTITY,
        ToolTable(tools),
        resources=ArtifactResources(store),
        lifespan=running,
        web=partial(artifact_routes, store, settings.upload_max_bytes),
        accounts=accounts_of(settings, jobs.queued, writes=over_http),
        has_jobs=True,
    )
    return server


def run(transport: Transport = "stdio", host: str = "127.0.0.1", port: int = 8767, *, role: RoleChoice = "all") -> None:
    """Serve until the client leaves or the process is told to stop."""
    serve(partial(build_server, role=role, over_http=transport != "stdio"), transport, host, port)
