"""The dead-letter list: jobs that killed their workers, for an operator who has found out why."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from redis.exceptions import RedisError

from singsynth_mcp.errors import QueueUnavailable, UnknownJob
from singsynth_mcp.jobs.base import JobRecord
from singsynth_mcp.jobs.queues import Queues
from singsynth_mcp.jobs.table import JobTable

_Answer = TypeVar("_Answer")


class DeadJobs:
    """The list, of all servers and tenants. Every method raises QueueUnavailable while Redis is away."""

    def __init__(self, table: JobTable, queues: Queues) -> None:
        self._table = table
        self._queues = queues

    async def list(self) -> list[JobRecord]:
        """Return the jobs on the list, the latest first."""
        return [record for job_id in await _reached(self._table.dead()) if (record := await self._record(job_id))]

    async def retry(self, job_id: str) -> None:
        """Take a job off the list and queue it again, kept for whoever has its id. Raises UnknownJob."""
        revived = await _reached(self._table.revive(job_id))
        if revived is None:
            raise _not_dead(job_id)
        await _reached(self._queues.deliver(*revived))

    async def drop(self, job_id: str) -> None:
        """Take a job off the list; it stays failed until it is forgotten. Raises UnknownJob."""
        if not await _reached(self._table.bury(job_id)):
            raise _not_dead(job_id)

    async def close(self) -> None:
        """Close the connections."""
        await self._queues.close()
        await self._table.close()

    async def _record(self, job_id: str) -> JobRecord | None:
        return await _reached(self._table.record(job_id, place=False))


async def _reached(asking: Awaitable[_Answer]) -> _Answer:
    try:
        return await asking
    except RedisError as error:
        raise QueueUnavailable(f"the job queue cannot be reached ({type(error).__name__})") from error


def _not_dead(job_id: str) -> UnknownJob:
    return UnknownJob(
        f"there is no job {job_id!r} on the list", hint="`singsynth-mcp jobs dead` shows those there are."
    )
