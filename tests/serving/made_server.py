"""A server of real contracts with made work, for tests of serving alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from singsynth_mcp.artifacts.tenants import tenant_store
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
