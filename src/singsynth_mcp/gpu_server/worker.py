"""A worker process: does the jobs that GPU servers queue, by the same functions that they run without a queue."""

from __future__ import annotations

import logging
import signal

import anyio

from singsynth_mcp.artifacts.tenants import tenant_store
from singsynth_mcp.contracts.tools import tools_of
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.gpu_server.tools import TOOLS
from singsynth_mcp.gpu_server.warming import ROLES, RoleChoice, open_models
from singsynth_mcp.jobs.engines import job_worker
from singsynth_mcp.jobs.worker import Perform
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.accounts import Accounts
from singsynth_mcp.serving.work import bind_work, performer
from singsynth_mcp.settings import Settings

logger = logging.getLogger(__name__)


async def run_worker(settings: Settings, role: RoleChoice = "all", concurrency: int = 1) -> None:
    """Open the models, then work until the process is told to stop (SIGTERM, SIGINT).

    Raises InvalidRequest without SINGSYNTH_REDIS, and for a voicebank to be warm that cannot be: UnknownVoicebank,
    InvalidVoicebank.
    """
    worker = job_worker(perform_with(settings), settings, surroundings=Accounts().working)
    stopping = anyio.Event()
    try:
        await anyio.to_thread.run_sync(open_models, settings, ROLES[role])
        async with anyio.create_task_group() as group:
            group.start_soon(_wait_for_signal, stopping)
            logger.info("working on %s jobs", role)
            await worker.run(ROLES[role], concurrency, stopping)
            group.cancel_scope.cancel()
    finally:
        await worker.close()


def perform_with(settings: Settings) -> Perform:
    """Return what does a tool's work over the settings' voicebanks and artifact store."""
    services = GpuServices(settings, tenant_store(settings, metrics.recalled))
    return performer(bind_work(tools_of("gpu"), TOOLS, services))


async def _wait_for_signal(stopping: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            logger.warning("told to stop: no new jobs; those at work are finished or given back")
            stopping.set()
