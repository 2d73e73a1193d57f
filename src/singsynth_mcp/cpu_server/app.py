"""The CPU server's tools bound to MCP."""

from __future__ import annotations

from functools import partial

from singsynth_mcp.artifacts.tenants import tenant_store
from singsynth_mcp.contracts.tools import tools_of
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.tools import TOOLS
from singsynth_mcp.jobs.inprocess import InProcessJobs
from singsynth_mcp.jobs.tenants import TenantJobs
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.accounts import accounts_of
from singsynth_mcp.serving.factory import Identity, SingSynthServer, create_server
from singsynth_mcp.serving.jobtools import job_tools
from singsynth_mcp.serving.lifespans import closing
from singsynth_mcp.serving.resources import ArtifactResources
from singsynth_mcp.serving.sources import ToolTable
from singsynth_mcp.serving.tools import bind
from singsynth_mcp.serving.transfer import artifact_routes
from singsynth_mcp.serving.transports import Transport, serve
from singsynth_mcp.settings import Settings

IDENTITY = Identity(
    "singsynth-cpu",
    "SingSynth: scores, lyrics, media",
    "Reads and edits scores, turns lyrics into phonemes on notes, saves and inspects audio. Start with parse_score.",
)


def build_server(settings: Settings, *, over_http: bool = False) -> SingSynthServer:
    """Return the CPU server. Over HTTP its tools read only the folders of SINGSYNTH_ROOTS."""
    store = tenant_store(settings, metrics.recalled)
    readable = (settings.roots or ()) if over_http else settings.readable_roots
    services = CpuServices(settings, store, readable=readable, writable=(settings.output,), serves_files=over_http)
    jobs = TenantJobs(InProcessJobs("cpu"))
    tools = (*bind(tools_of("cpu"), TOOLS, services, jobs), *job_tools(jobs))
    return create_server(
        IDENTITY,
        ToolTable(tools),
        resources=ArtifactResources(store),
        lifespan=lambda: closing(jobs.close),
        web=partial(artifact_routes, store, settings.upload_max_bytes),
        accounts=accounts_of(settings, jobs.queued, writes=over_http),
    )


def run(transport: Transport = "stdio", host: str = "127.0.0.1", port: int = 8766) -> None:
    """Serve until the client leaves or the process is told to stop."""
    serve(partial(build_server, over_http=transport != "stdio"), transport, host, port)
