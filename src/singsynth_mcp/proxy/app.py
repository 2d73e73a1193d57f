"""The proxy: every upstream's tools at one endpoint, and the recipes over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio

from singsynth_mcp.artifacts.tenants import tenant_store
from singsynth_mcp.contracts.calling import OnProgress
from singsynth_mcp.contracts.common import Result
from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.contracts.voicebanks import CheckVoicebankRequest
from singsynth_mcp.jobs.attempts import AttemptRules
from singsynth_mcp.jobs.base import JobEngine
from singsynth_mcp.jobs.engines import job_engine
from singsynth_mcp.proxy.caller import UpstreamCaller
from singsynth_mcp.proxy.config import UpstreamSpec, own_upstreams, read_upstreams, without_files
from singsynth_mcp.proxy.connect import Dial, connect
from singsynth_mcp.proxy.exchange import Exchange
from singsynth_mcp.proxy.files import RemoteFiles
from singsynth_mcp.proxy.forwarding import MergedPrompts, MergedResources, MergedTools
from singsynth_mcp.proxy.jobs import merged_job_tools
from singsynth_mcp.proxy.transfers import Transfers
from singsynth_mcp.proxy.upstreams import Upstreams
from singsynth_mcp.serving.access.accounts import accounts_of
from singsynth_mcp.serving.factory import Identity, SingSynthServer, create_server
from singsynth_mcp.serving.lifespans import pruning
from singsynth_mcp.serving.notices import Notices
from singsynth_mcp.serving.tools import SpecTool
from singsynth_mcp.serving.transfer import artifact_routes
from singsynth_mcp.serving.transports import Transport, serve
from singsynth_mcp.serving.work import ToolWork, doing_shared_jobs
from singsynth_mcp.settings import Settings

IDENTITY = Identity(
    "singsynth",
    "SingSynth",
    "Singing synthesis. sing turns a score with lyrics into an audio file in one call; parse_score, phonemize, "
    "align_phonemes_to_notes, predict_durations, predict_pitch, predict_variance, synthesize_audio, vocode and "
    "save_audio do it step by step. Long work answers with a job_id: call get_job with it.",
)
_GOODBYE_SECONDS = 15.0
"""For jobs to stop and children to end, even where the host has already gone."""
_ATTEMPTS = AttemptRules(pauses_seconds=())
"""The recipes repeat their stages themselves."""
OWN_TOOLS = ("sing", "check_voicebank", "get_job", "cancel_job", "list_jobs")


def build_server(
    settings: Settings,
    upstreams: dict[str, UpstreamSpec] | None = None,
    dial: Dial = connect,
    *,
    over_http: bool = False,
) -> SingSynthServer:
    """Return the proxy over `upstreams`; those that the settings name, or the package's own servers, when left out.

    Over HTTP its children read only the folders of SINGSYNTH_ROOTS, as they would when served so themselves, and with
    SINGSYNTH_REDIS its jobs are those of every proxy there. One over stdio belongs to its host, as do its jobs.
    Raises FileProblem and InvalidRequest for a configuration that cannot be read.
    """
    if upstreams is None:
        upstreams = read_upstreams(settings.upstreams) if settings.upstreams else own_upstreams()
    if over_http:
        upstreams = without_files(upstreams)
    notices = Notices()
    merged = Upstreams(upstreams, settings.cache, notices, frozenset(OWN_TOOLS), dial)
    store = tenant_store(settings)
    readable = (settings.roots or ()) if over_http else settings.readable_roots
    transfers = Transfers(store, merged)
    files = RemoteFiles(store, readable=readable, output=settings.output, serves=over_http)
    exchange = Exchange(merged, transfers, files)
    jobs = job_engine("proxy", settings, shared=over_http, attempts=_ATTEMPTS)
    caller = UpstreamCaller(merged, exchange)
    sing = ToolWork(TOOLS["sing"], partial(_sing, caller))
    check = ToolWork(TOOLS["check_voicebank"], partial(_check_voicebank, caller))
    prepare = None if jobs.works_here else partial(_with_score_here, files)
    recipes = (SpecTool(sing, jobs, prepare), SpecTool(check, jobs))
    own = (*recipes, *merged_job_tools(jobs, merged, exchange))
    accounts = accounts_of(settings, jobs.queued, is_proxy=True)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        queued = doing_shared_jobs("sing", (sing, check), settings, jobs, accounts, _ATTEMPTS)
        async with _running(merged, transfers, jobs), queued, pruning(settings, over_http=over_http):
            yield

    return create_server(
        IDENTITY,
        MergedTools(own, merged, exchange),
        resources=MergedResources(store, merged),
        prompts=MergedPrompts(merged),
        notices=notices,
        lifespan=running,
        web=partial(artifact_routes, store, settings.upload_max_bytes),
        accounts=accounts,
        has_jobs=True,
    )


def run(
    transport: Transport = "stdio", host: str = "127.0.0.1", port: int = 8765, *, config: Path | None = None
) -> None:
    """Serve until the client leaves or the process is told to stop; `config` goes before SINGSYNTH_UPSTREAMS."""
    upstreams = read_upstreams(config) if config else None
    build = partial(build_server, upstreams=upstreams, over_http=transport != "stdio")
    serve(build, transport, host, port)


async def _sing(caller: UpstreamCaller, request: SingRequest, on_progress: OnProgress) -> Result:
    from singsynth_mcp.recipes.sing import sing

    return await sing(request, caller, on_progress)


async def _check_voicebank(caller: UpstreamCaller, request: CheckVoicebankRequest, on_progress: OnProgress) -> Result:
    from singsynth_mcp.recipes.check_voicebank import check_voicebank, shortened

    return shortened(await check_voicebank(request, caller, on_progress))


async def _with_score_here(files: RemoteFiles, request: SingRequest) -> SingRequest:
    """Return the request as any proxy over the same store can do it: what its path names is an upload there."""
    source = request.model_dump(include={"path"}, exclude_none=True)
    return request.model_copy(update={"path": None} | await files.outgoing("parse_score", source))


@asynccontextmanager
async def _running(upstreams: Upstreams, transfers: Transfers, jobs: JobEngine) -> AsyncIterator[None]:
    upstreams.open()
    try:
        yield
    finally:
        with anyio.move_on_after(_GOODBYE_SECONDS, shield=True):
            await jobs.close()
            await upstreams.close()
            await transfers.close()
