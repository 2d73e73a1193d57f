"""The job engine of one process: a queue for each role, a task for each running job."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from singsynth_mcp.artifacts.tenants import TENANT
from singsynth_mcp.contracts.calling import OnProgress, Progress
from singsynth_mcp.contracts.common import State
from singsynth_mcp.errors import UnknownJob
from singsynth_mcp.jobs.attempts import AttemptRules, attempt
from singsynth_mcp.jobs.base import JobRecord, NewJob, Priority, Role, Work
from singsynth_mcp.jobs.turns import Turns

AT_ONCE: Mapping[Role, int] = {"inference": 1, "vocoder": 1, "media": 2, "sing": 2}
"""Jobs of a role that one process does side by side."""
QUEUE_LIMIT = 256
_FINISHED_KEPT = 256
_FINISHED_KEPT_BYTES = 16 * 2**20
"""Of results as text: one of save_audio may carry its file."""


@dataclass(eq=False)
class _Job:
    job_id: str
    new: NewJob
    work: Work
    priority: Priority
    submitted: float
    submitted_at: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None
    state: State = "queued"
    progress: Progress | None = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    size: int = 0
    """Of the result as text, in characters."""
    attached: int = 0
    kept: bool = False
    task: asyncio.Task[None] | None = None
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    """Stops the work: a worker thread sees the cancellation of a scope, never that of a task."""
    context: Context = field(default_factory=copy_context)
    """Of who asked first: the work is done for its tenant and in its trace, whenever its turn comes."""
    changed: anyio.Event = field(default_factory=anyio.Event)
    """Set, and replaced, at every change."""

    @property
    def client(self) -> str:
        return self.new.client

    @property
    def live(self) -> bool:
        return self.state in ("queued", "running")

    def update(self, state: State | None = None) -> None:
        self.state = state or self.state
        self.changed.set()
        self.changed = anyio.Event()


class InProcessJobs:
    """A JobEngine whose jobs end with the process. Finished ones are kept, the latest 256 up to 16 MB."""

    def __init__(
        self,
        server: str,
        at_once: Mapping[Role, int] = AT_ONCE,
        *,
        queue_limit: int = QUEUE_LIMIT,
        rules: AttemptRules | None = None,
    ) -> None:
        """`queue_limit` jobs wait in each role's queue; the next one is refused."""
        self._server = server
        self._at_once = at_once
        self._queue_limit = queue_limit
        self._rules = rules or AttemptRules()
        self._jobs: dict[str, _Job] = {}
        self._by_key: dict[str, _Job] = {}
        self._queues: dict[Role, list[_Job]] = {role: [] for role in at_once}
        self._turns: dict[Role, Turns] = {role: Turns() for role in at_once}
        self._running: dict[Role, set[_Job]] = {role: set() for role in at_once}

    async def submit(self, new: NewJob, work: Work) -> str:
        """Attach to the live job of the same key, or queue a new one; return its id. Raises QueueFull."""
        job = self._by_key.get(new.key)
        if job is None:
            queue = self._queues[new.role]
            if len(queue) >= self._queue_limit:
                raise self._turns[new.role].refusal(new.role, len(queue), self._at_once[new.role])
            job = _Job(f"{self._server}-{secrets.token_hex(6)}", new, work, new.priority, anyio.current_time())
            self._jobs[job.job_id] = self._by_key[new.key] = job
            queue.append(job)
            self._start_next(new.role)
        elif new.priority == "waiting":
            job.priority = "waiting"
        job.attached += 1
        return job.job_id

    async def wait(self, job_id: str, seconds: float, on_progress: OnProgress) -> JobRecord:
        """Wait until the job ends or `seconds` have passed, reporting its progress. Raises UnknownJob."""
        job = self._find(job_id)
        reported: Progress | None = None
        with anyio.move_on_after(seconds):
            while job.live:
                changed = job.changed
                if job.progress is not None and job.progress is not reported:
                    reported = job.progress
                    await on_progress(reported)
                await changed.wait()
        return self._record(job)

    async def leave(self, job_id: str, *, keep: bool) -> None:
        """Detach a call that submitted; `keep` where the job goes on for whoever has the id. Raises UnknownJob."""
        job = self._find(job_id)
        job.attached -= 1
        job.kept = job.kept or keep
        self._stop_if_abandoned(job)

    async def cancel(self, job_id: str) -> JobRecord:
        """Give a kept job up; it stops unless calls are still attached. Raises UnknownJob."""
        job = self._find(job_id)
        job.kept = False
        self._stop_if_abandoned(job)
        return self._record(job)

    async def records(self) -> list[JobRecord]:
        """Return the tenant's jobs, the newest first."""
        tenant = TENANT.get()
        return [self._record(job) for job in reversed(self._jobs.values()) if job.new.tenant == tenant]

    async def queued(self) -> dict[Role, int]:
        """Return how many jobs wait in each role's queue."""
        return {role: len(queue) for role, queue in self._queues.items()}

    @property
    def works_here(self) -> bool:
        """Always."""
        return True

    async def close(self) -> None:
        """Cancel what is queued or running and wait for it to end."""
        tasks = [job.task for jobs in self._running.values() for job in jobs if job.task is not None]
        for job in list(self._by_key.values()):
            self._stop(job)
        if tasks:
            await asyncio.wait(tasks)

    def _find(self, job_id: str) -> _Job:
        try:
            return self._jobs[job_id]
        except KeyError:
            message = f"there is no job {job_id!r} on this server"
            hint = "Jobs end with their server and old ones are forgotten: list_jobs lists those known."
            raise UnknownJob(message, hint=hint) from None

    def _record(self, job: _Job) -> JobRecord:
        position = None
        if job.state == "queued":
            role = job.new.role
            position = self._turns[role].order(self._queues[role]).index(job) + 1
        now = anyio.current_time()
        until = now if job.ended is None else job.ended
        return JobRecord(
            job.job_id,
            job.new.tool,
            job.state,
            job.progress,
            position,
            job.result,
            job.error,
            submitted_at=job.submitted_at,
            queued_seconds=(until if job.started is None else job.started) - job.submitted,
            run_seconds=None if job.started is None else until - job.started,
            tenant=job.new.tenant,
        )

    def _start_next(self, role: Role) -> None:
        queue, running, turns = self._queues[role], self._running[role], self._turns[role]
        while queue and len(running) < self._at_once[role]:
            job = turns.order(queue)[0]
            queue.remove(job)
            turns.took(job.client)
            running.add(job)
            job.state = "running"
            job.started = anyio.current_time()
            job.task = asyncio.create_task(self._run(job), name=job.job_id, context=job.context)
            job.task.add_done_callback(partial(self._free_place, job))
            for waiting in queue:
                waiting.update()

    async def _run(self, job: _Job) -> None:
        async def on_progress(progress: Progress) -> None:
            job.progress = progress
            job.update()

        if not job.live:
            return
        with job.scope:
            try:
                outcome = await attempt(job.new.tool, job.work, on_progress, self._rules)
            except asyncio.CancelledError:
                self._end(job, "cancelled")
                raise
            job.result, job.error = outcome.result, outcome.error
            self._end(job, "failed" if outcome.result is None else "done")

    def _free_place(self, job: _Job, task: asyncio.Task[None]) -> None:
        self._running[job.new.role].discard(job)
        self._start_next(job.new.role)

    def _stop_if_abandoned(self, job: _Job) -> None:
        if job.live and not job.kept and job.attached <= 0:
            self._stop(job)

    def _stop(self, job: _Job) -> None:
        """Callers see the job as cancelled at once; its place in the queue is free when its task has ended."""
        if job.task is None:
            self._queues[job.new.role].remove(job)
        else:
            job.scope.cancel()
        self._end(job, "cancelled")

    def _end(self, job: _Job, state: State) -> None:
        if not job.live:
            return
        del self._by_key[job.new.key]
        job.ended = anyio.current_time()
        if job.started is not None and state == "done":
            self._turns[job.new.role].lasted(job.ended - job.started)
        job.update(state)
        job.size = len(json.dumps(job.result))
        kept = 0
        finished = [each for each in self._jobs.values() if not each.live]
        for count, each in enumerate(reversed(finished), start=1):
            kept += each.size
            if each is not job and (count > _FINISHED_KEPT or kept > _FINISHED_KEPT_BYTES):
                del self._jobs[each.job_id]
