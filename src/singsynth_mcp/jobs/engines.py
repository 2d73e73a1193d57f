"""Which engine the settings ask for: jobs of this process, or of many through Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.jobs.attempts import AttemptRules
from singsynth_mcp.jobs.base import JobEngine
from singsynth_mcp.jobs.inprocess import InProcessJobs
from singsynth_mcp.jobs.tenants import TenantJobs
from singsynth_mcp.settings import Settings

if TYPE_CHECKING:
    from singsynth_mcp.jobs.queues import Queues
    from singsynth_mcp.jobs.table import JobTable
    from singsynth_mcp.jobs.worker import JobWorker, Perform

_SPACE = "singsynth"


def job_engine(server: str, settings: Settings) -> JobEngine:
    """Return the engine for a server's jobs. Raises InvalidRequest where Redis is asked for without its packages."""
    if settings.redis is None:
        rules = AttemptRules(deadline_seconds=settings.job_deadline_seconds)
        return TenantJobs(InProcessJobs(server, queue_limit=settings.queue_limit, rules=rules))
    table, queues = _shared(settings)
    from singsynth_mcp.jobs.distributed import DistributedJobs

    return TenantJobs(DistributedJobs(server, table, queues))


def job_worker(perform: Perform, settings: Settings) -> JobWorker:
    """Return what does queued jobs. Raises InvalidRequest without SINGSYNTH_REDIS or the packages for it."""
    table, queues = _shared(settings)
    from singsynth_mcp.jobs.worker import JobWorker, WorkerRules

    watch = min(1.0, settings.redelivery_seconds / 4)
    rules = WorkerRules(watch_seconds=watch, drain_seconds=settings.drain_seconds, pause_seconds=watch / 2)
    return JobWorker(table, queues, perform, rules)


def _shared(settings: Settings) -> tuple[JobTable, Queues]:
    if settings.redis is None:
        hint = "Set SINGSYNTH_REDIS to the Redis that the gpu servers use, e.g. redis://queue:6379/0."
        raise InvalidRequest("workers take their jobs from Redis, and none is named", hint=hint)
    url = settings.redis.get_secret_value()
    try:
        from redis.asyncio import Redis

        from singsynth_mcp.jobs.queues import Queues
        from singsynth_mcp.jobs.table import JobTable, TableRules
    except ImportError as error:
        message = f"SINGSYNTH_REDIS is set, but {error.name or 'its client'} is not installed"
        raise InvalidRequest(message, hint="Install it: pip install 'singsynth-mcp[redis]'.") from None
    rules = TableRules(queue_limit=settings.queue_limit, deadline_seconds=settings.job_deadline_seconds)
    try:
        redis = Redis.from_url(url, decode_responses=True, socket_connect_timeout=5, socket_timeout=20)
    except ValueError as error:
        raise InvalidRequest(f"SINGSYNTH_REDIS is no address of a Redis: {error}") from None
    return JobTable(redis, _SPACE, rules), Queues(url, _SPACE, redelivery_seconds=settings.redelivery_seconds)
