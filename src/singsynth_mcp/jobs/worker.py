"""What a worker process does with the queues: takes jobs up, does their work, and gives them back when it must go."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import anyio
from redis.exceptions import RedisError

from singsynth_mcp.artifacts.tenants import working_for
from singsynth_mcp.contracts.calling import OnProgress, Progress
from singsynth_mcp.jobs.attempts import AttemptRules, Outcome, attempt
from singsynth_mcp.jobs.base import NewJob, Role
from singsynth_mcp.jobs.queues import Queues
from singsynth_mcp.jobs.table import JobTable
from singsynth_mcp.jobs.traces import job_span

Perform = Callable[[str, Mapping[str, Any], OnProgress], Awaitable[dict[str, Any]]]
"""`(tool, arguments, on_progress)`: does a tool's work and returns its structured result."""
Surroundings = Callable[[NewJob, float], AbstractContextManager[Any]]
"""`(job, seconds it waited)`: what stands round its work, for those who count it."""
logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class WorkerRules:
    """A worker's own patience."""

    watch_seconds: float = 1.0
    """How often it is asked whether a job is still wanted, beside each report of progress."""
    drain_seconds: float = 25.0
    """Told to stop, it lets jobs run on for so long before it gives them back."""
    pause_seconds: float = 0.5
    """Between attempts to reach Redis."""


def _nothing(new: NewJob, waited_seconds: float) -> AbstractContextManager[None]:
    return nullcontext()


class JobWorker:
    """Runs jobs of some roles until it is told to stop."""

    def __init__(
        self,
        table: JobTable,
        queues: Queues,
        perform: Perform,
        rules: WorkerRules,
        attempts: AttemptRules | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._table = table
        self._queues = queues
        self._perform = perform
        self._rules = rules
        self._attempts = attempts or AttemptRules()
        self._surroundings = surroundings or _nothing
        self._scopes: set[anyio.CancelScope] = set()
        self._leaving = False

    async def run(self, roles: Sequence[Role], concurrency: int, stopping: anyio.Event) -> None:
        """Work until `stopping`; then take nothing new, and give back what is not done in time."""

        async def serve(role: Role) -> None:
            async def handle(delivery: str) -> None:
                await self._work_on(role, delivery)

            await self._queues.serve(role, concurrency, handle, stopping)

        async with anyio.create_task_group() as group:
            group.start_soon(self._give_back_late_jobs, stopping)
            async with anyio.create_task_group() as serving:
                for role in roles:
                    serving.start_soon(serve, role)
            group.cancel_scope.cancel()

    async def close(self) -> None:
        """Close the connections."""
        await self._queues.close()
        await self._table.close()

    async def _give_back_late_jobs(self, stopping: anyio.Event) -> None:
        await stopping.wait()
        await anyio.sleep(self._rules.drain_seconds)
        self._leaving = True
        for scope in self._scopes:
            scope.cancel()

    async def _work_on(self, role: Role, delivery: str) -> None:
        run = secrets.token_hex(8)
        word, job_id, new, left_seconds, waited_seconds = await self._insist(lambda: self._table.begin(delivery, run))
        if word == "crashed":
            logger.error("%s killed its worker too often and is given up", job_id)
        if new is None:
            return
        with self._surroundings(new, waited_seconds):
            outcome = await self._attempt(job_id, run, new, left_seconds)
        if outcome is not None:
            await self._insist(lambda: self._table.end(job_id, run, outcome.result, outcome.error))
        elif self._leaving:
            again = await self._insist(lambda: self._table.put_back(job_id, run))
            if again:
                logger.warning("%s is given back: this worker stops", job_id)
                await self._insist(lambda: self._queues.deliver(role, again))

    async def _attempt(self, job_id: str, run: str, new: NewJob, seconds: float) -> Outcome | None:
        """Return how the work ended, None where it was stopped."""
        outcome: Outcome | None = None

        async def work(on_progress: OnProgress) -> dict[str, Any]:
            with working_for(new.tenant), job_span(new.tool, new.role, new.trace):
                return await self._perform(new.tool, new.arguments, on_progress)

        async def go_on(progress: Progress | None = None) -> None:
            try:
                wanted = await self._table.go_on(job_id, run, progress)
            except RedisError:
                return  # the work does not depend on it
            if not wanted:
                scope.cancel()

        async def watch() -> None:
            while True:
                await anyio.sleep(self._rules.watch_seconds)
                await go_on()

        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            if self._leaving:  # taken up at the last moment
                scope.cancel()
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(watch)
                    outcome = await attempt(new.tool, work, go_on, replace(self._attempts, deadline_seconds=seconds))
                    group.cancel_scope.cancel()
            finally:
                self._scopes.discard(scope)
        return outcome

    async def _insist(self, act: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Do what must not be lost while Redis is away; a step that is done twice does nothing the second time."""
        while True:
            try:
                return await act()
            except RedisError as error:
                logger.warning("waiting for Redis: %s", type(error).__name__)
                await anyio.sleep(self._rules.pause_seconds)
