"""Jobs told apart by tenant: equal work of two tenants is two jobs, and another tenant's id is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from singsynth_mcp.artifacts.tenants import LOCAL, TENANT
from singsynth_mcp.contracts.calling import OnProgress, ignore_progress
from singsynth_mcp.errors import UnknownJob
from singsynth_mcp.jobs.base import JobEngine, JobRecord, NewJob, Role, Work
from singsynth_mcp.jobs.traces import job_span, trace_context

_OWNERS_REMEMBERED = 4096


class TenantJobs:
    """A JobEngine over another one, for whichever tenant's work is being done."""

    def __init__(self, engine: JobEngine) -> None:
        self._engine = engine
        self._owners: dict[str, str] = {}
        """Job → tenant, of the latest submitted here: waiting for these asks nobody whose they are."""

    async def submit(self, new: NewJob, work: Work) -> str:
        """Attach to the tenant's live job of the same key, or queue a new one; return its id.

        Raises QueueFull, QueueUnavailable.
        """
        tenant = TENANT.get()

        async def traced(on_progress: OnProgress) -> dict[str, Any]:
            with job_span(new.tool, new.role):
                return await work(on_progress)

        client = new.client if tenant == LOCAL else tenant  # tenants take turns, however many clients one has
        owned = replace(new, key=f"{tenant}/{new.key}", client=client, tenant=tenant, trace=trace_context())
        job_id = await self._engine.submit(owned, traced)
        self._owners[job_id] = tenant
        if len(self._owners) > _OWNERS_REMEMBERED:
            del self._owners[next(iter(self._owners))]
        return job_id

    async def wait(self, job_id: str, seconds: float, on_progress: OnProgress) -> JobRecord:
        """Wait until the job ends or `seconds` have passed, reporting its progress. Raises UnknownJob."""
        await self._check(job_id)
        return await self._engine.wait(job_id, seconds, on_progress)

    async def leave(self, job_id: str, *, keep: bool) -> None:
        """Detach a call that submitted; `keep` where the job goes on for whoever has the id. Raises UnknownJob."""
        await self._engine.leave(job_id, keep=keep)

    async def cancel(self, job_id: str) -> JobRecord:
        """Give a kept job up; it stops unless calls are still attached. Raises UnknownJob."""
        await self._check(job_id)
        return await self._engine.cancel(job_id)

    async def records(self) -> list[JobRecord]:
        """Return the tenant's jobs, the newest first."""
        return await self._engine.records()

    async def queued(self) -> dict[Role, int]:
        """Return how many jobs of all tenants wait in each role's queue."""
        return await self._engine.queued()

    @property
    def works_here(self) -> bool:
        """Whether this process, and no other, does the work."""
        return self._engine.works_here

    async def close(self) -> None:
        """Cancel what only this process runs or waits for, and wait for it to end."""
        await self._engine.close()

    async def _check(self, job_id: str) -> None:
        owner = self._owners.get(job_id)
        if owner is None:
            owner = (await self._engine.wait(job_id, 0.0, ignore_progress)).tenant
        if owner != TENANT.get():
            message = f"there is no job {job_id!r} on this server"
            hint = "Jobs end with their server and old ones are forgotten: list_jobs lists those known."
            raise UnknownJob(message, hint=hint)
