"""Which engine the settings ask for: jobs of this process, or of many through Redis; and who does the latter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.jobs.attempts import AttemptRules
from singsynth_mcp.jobs.base import JobEngine, Role
from singsynth_mcp.jobs.inprocess import AT_ONCE, InProcessJobs
from singsynth_mcp.jobs.tenants import TenantJobs
from singsynth_mcp.settings import Settings

if TYPE_CHECKING:
    from singsynth_mcp.jobs.dead import DeadJobs
    from singsynth_mcp.jobs.queues import Queues
    from singsynth_mcp.jobs.table import JobTable
    from singsynth_mcp.jobs.worker import JobWorker, Perform, Surroundings

_SPACE = "singsynth"
_CONNECTIONS = 32
"""Of one process; further questions wait for one that is free."""
_ANSWER_SECONDS = 20.0
_GOODBYE_SECONDS = 10.0
"""For jobs to be given back; of what a Redis that is away does not hear, it hears by silence."""


def job_engine(
    server: str, settings: Settings, *, shared: bool = True, attempts: AttemptRules | None = None
) -> JobEngine:
    """Return the engine for a server's jobs: the one on Redis where the settings name one and the jobs are `shared`.

    `attempts` says how often work of this process is tried. Raises InvalidRequest where Redis is asked for without its
    packages.
    """
    if settings.redis is None or not shared:
        rules = _within_deadline(attempts, settings)
        return TenantJobs(InProcessJobs(server, queue_limit=settings.queue_limit, rules=rules))
    table, queues = _shared(settings)
    from singsynth_mcp.jobs.distributed import DistributedJobs

    return TenantJobs(DistributedJobs(server, table, queues))


def job_worker(
    perform: Perform,
    settings: Settings,
    *,
    drain_seconds: float | None = None,
    attempts: AttemptRules | None = None,
    surroundings: Surroundings | None = None,
) -> JobWorker:
    """Return what does queued jobs; `drain_seconds` instead of the settings'.

    Raises InvalidRequest without SINGSYNTH_REDIS or the packages for it.
    """
    table, queues = _shared(settings)
    from singsynth_mcp.jobs.worker import JobWorker, WorkerRules

    watch = min(1.0, settings.redelivery_seconds / 4)
    drain = settings.drain_seconds if drain_seconds is None else drain_seconds
    rules = WorkerRules(watch_seconds=watch, drain_seconds=drain, pause_seconds=watch / 2)
    return JobWorker(table, queues, perform, rules, attempts, surroundings)


def dead_jobs(settings: Settings) -> DeadJobs:
    """Return the list of jobs that killed their workers. Raises InvalidRequest as `job_worker`."""
    table, queues = _shared(settings)
    from singsynth_mcp.jobs.dead import DeadJobs

    return DeadJobs(table, queues)


@asynccontextmanager
async def doing_jobs(
    role: Role,
    perform: Perform,
    settings: Settings,
    *,
    attempts: AttemptRules | None = None,
    surroundings: Surroundings | None = None,
) -> AsyncIterator[None]:
    """Do queued jobs of `role` beside what else this process does; at the end give back those that are not done.

    Raises InvalidRequest as `job_worker`.
    """
    worker = job_worker(perform, settings, drain_seconds=0.0, attempts=attempts, surroundings=surroundings)
    stopping = anyio.Event()
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(worker.run, (role,), AT_ONCE[role], stopping)
            try:
                yield
            finally:
                stopping.set()
                group.cancel_scope.deadline = anyio.current_time() + _GOODBYE_SECONDS
    finally:
        await worker.close()


def _within_deadline(attempts: AttemptRules | None, settings: Settings) -> AttemptRules:
    return replace(attempts or AttemptRules(), deadline_seconds=settings.job_deadline_seconds)


def _shared(settings: Settings) -> tuple[JobTable, Queues]:
    if settings.redis is None:
        hint = "Set SINGSYNTH_REDIS to the Redis that the servers use, e.g. redis://queue:6379/0."
        raise InvalidRequest("workers take their jobs from Redis, and none is named", hint=hint)
    url = settings.redis.get_secret_value()
    try:
        from redis.asyncio import BlockingConnectionPool, Redis

        from singsynth_mcp.jobs.queues import Queues
        from singsynth_mcp.jobs.table import JobTable, TableRules
    except ImportError as error:
        message = f"SINGSYNTH_REDIS is set, but {error.name or 'its client'} is not installed"
        raise InvalidRequest(message, hint="Install it: pip install 'singsynth-mcp[redis]'.") from None
    rules = TableRules(queue_limit=settings.queue_limit, deadline_seconds=settings.job_deadline_seconds)
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_ANSWER_SECONDS,
            decode_responses=True,
            socket_connect_timeout=5,
            socket_timeout=_ANSWER_SECONDS,
        )
    except ValueError as error:
        raise InvalidRequest(f"SINGSYNTH_REDIS is no address of a Redis: {error}") from None
    return JobTable(Redis.from_pool(pool), _SPACE, rules), Queues(
        url, _SPACE, redelivery_seconds=settings.redelivery_seconds
    )
