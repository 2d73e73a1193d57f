"""`singsynth-mcp jobs dead|retry|drop`: the jobs in Redis that killed their workers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import anyio

from singsynth_mcp.cli.printing import print_table
from singsynth_mcp.jobs.base import JobRecord
from singsynth_mcp.settings import Settings

if TYPE_CHECKING:
    from singsynth_mcp.jobs.dead import DeadJobs

_Answer = TypeVar("_Answer")


def dead() -> None:
    """List the jobs that were given up because their workers died, the latest first."""

    async def show(jobs: DeadJobs) -> list[JobRecord]:
        return await jobs.list()

    found = anyio.run(_with_list, show)
    if not found:
        print("No job has killed its workers")
        return
    print_table(("job", "tool", "tenant", "asked for"), [_row(record) for record in found])


def retry(job: str, /) -> None:
    """Queue a job of the list again; its three attempts begin anew, and its id is the old one."""
    anyio.run(_with_list, lambda jobs: jobs.retry(job))
    print(f"Queued {job} again")


def drop(job: str, /) -> None:
    """Take a job off the list."""
    anyio.run(_with_list, lambda jobs: jobs.drop(job))
    print(f"Dropped {job}")


async def _with_list(act: Callable[[DeadJobs], Awaitable[_Answer]]) -> _Answer:
    from singsynth_mcp.jobs.engines import dead_jobs

    jobs = dead_jobs(Settings())
    try:
        return await act(jobs)
    finally:
        await jobs.close()


def _row(record: JobRecord) -> tuple[str, ...]:
    asked = datetime.fromtimestamp(record.submitted_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return record.job_id, record.tool, record.tenant, asked
