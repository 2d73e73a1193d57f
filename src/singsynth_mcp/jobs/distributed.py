"""The job engine of many processes: jobs stand in Redis, workers elsewhere do them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import get_args

import anyio
from redis.exceptions import RedisError

from singsynth_mcp.artifacts.tenants import TENANT
from singsynth_mcp.contracts.calling import OnProgress, Progress
from singsynth_mcp.errors import QueueUnavailable, UnknownJob
from singsynth_mcp.jobs.base import JobRecord, NewJob, Role, Work
from singsynth_mcp.jobs.queues import Queues
from singsynth_mcp.jobs.table import JobTable

_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.3
_LOOKS_PER_SECOND = 500
"""Of all calls of this process that wait, together: a thousand of them look every two seconds."""
_ORDERS_KEPT = 1024


@dataclass
class _Order:
    """What this process has handed in: with it a job can be handed in again to a Redis that lost it."""

    new: NewJob
    kept: bool = False
    calls: list[str] = field(default_factory=list)
    ended: JobRecord | None = None
    """How the job ended, once that is known here: a Redis that forgets does not change it."""


class DistributedJobs:
    """A JobEngine over the job table and the queues. Waiting looks at the table, seldom once it takes long."""

    def __init__(self, server: str, table: JobTable, queues: Queues, *, word_seconds: float = 10.0) -> None:
        """Word of attached calls is given every `word_seconds`."""
        self._server = server
        self._table = table
        self._queues = queues
        self._word_seconds = word_seconds
        self._orders: dict[str, _Order] = {}
        self._waiting = 0
        self._moved: dict[str, str] = {}
        """Ids that a Redis without memory forgot → the job of the same key that another process had handed in."""

    async def submit(self, new: NewJob, work: Work) -> str:
        """Attach to the live job of the same key, or queue a new one; return its id. `work` is done by a worker.

        Raises QueueFull, QueueUnavailable.
        """
        async with _reaching_redis():
            return await self._hand_in(f"{self._server}-{secrets.token_hex(6)}", _Order(new), secrets.token_hex(8))

    async def wait(self, job_id: str, seconds: float, on_progress: OnProgress) -> JobRecord:
        """Wait until the job ends or `seconds` have passed, reporting its progress.

        Raises UnknownJob, and QueueUnavailable where Redis is away at the end of that time.
        """
        self._waiting += 1
        try:
            return await self._wait(job_id, seconds, on_progress)
        finally:
            self._waiting -= 1

    async def _wait(self, job_id: str, seconds: float, on_progress: OnProgress) -> JobRecord:
        until = anyio.current_time() + seconds
        pause, next_word = _FIRST_PAUSE_SECONDS, 0.0
        reported: Progress | None = None
        while True:
            left = until - anyio.current_time()
            try:
                record = await self._find(job_id, place=left <= 0)
                if record.ended or left <= 0:
                    return record
                if anyio.current_time() >= next_word:
                    await self._give_word(job_id)
                    next_word = anyio.current_time() + self._word_seconds
            except RedisError as error:
                if left <= 0:
                    raise _away(error) from error
            else:
                if record.progress is not None and record.progress != reported:
                    reported = record.progress
                    await on_progress(reported)
            await anyio.sleep(max(min(max(pause, self._waiting / _LOOKS_PER_SECOND), left), 0.0))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    async def leave(self, job_id: str, *, keep: bool) -> None:
        """Detach a call that submitted; `keep` where the job goes on for whoever has the id.

        Raises UnknownJob, and QueueUnavailable where the job cannot be kept; else a call that Redis does not hear of
        is forgotten there by itself.
        """
        order = self._orders.get(job_id)
        call = order.calls.pop() if order is not None and order.calls else ""
        if order is not None:
            order.kept = order.kept or keep
        try:
            known = await self._table.leave(self._moved.get(job_id, job_id), call, keep=keep)
        except RedisError as error:
            if keep:
                raise _away(error) from error
            return
        if not known and order is None:
            raise _unknown(job_id)

    async def cancel(self, job_id: str) -> JobRecord:
        """Give a kept job up; it stops unless calls are still attached. Raises UnknownJob, QueueUnavailable."""
        async with _reaching_redis():
            if job_id in self._orders:
                self._orders[job_id].kept = False
            if not await self._table.give_up(self._moved.get(job_id, job_id)):
                raise _unknown(job_id)
            return await self._find(job_id)

    async def records(self) -> list[JobRecord]:
        """Return the tenant's jobs at servers of this name, the newest first. Raises QueueUnavailable."""
        async with _reaching_redis():
            return await self._table.records(self._server, TENANT.get())

    async def queued(self) -> dict[Role, int]:
        """Return how many jobs wait in each role's queue, of all servers. Raises QueueUnavailable."""
        async with _reaching_redis():
            return await self._table.queued(get_args(Role))

    @property
    def works_here(self) -> bool:
        """Never: whoever takes a job up does it."""
        return False

    async def close(self) -> None:
        """Detach this process's calls and close the connections; jobs that somebody keeps go on."""
        with suppress(RedisError, QueueUnavailable, UnknownJob):
            for job_id, order in list(self._orders.items()):
                for _ in list(order.calls):
                    await self.leave(job_id, keep=False)
        with suppress(RedisError):
            await self._queues.close()
        await self._table.close()

    async def _find(self, job_id: str, *, place: bool = True) -> JobRecord:
        """Return a job's record; hand it in again where Redis has lost it. Raises UnknownJob, RedisError."""
        order = self._orders.get(job_id)
        if order is not None and order.ended is not None:
            return order.ended
        record = await self._table.record(self._moved.get(job_id, job_id), place=place)
        if record is None and order is not None and (order.calls or order.kept):
            await self._hand_in_again(job_id, order)
            record = await self._table.record(self._moved.get(job_id, job_id))
        if record is None:
            raise _unknown(job_id)
        record = replace(record, job_id=job_id)
        if record.ended and order is not None:
            order.ended = record
        return record

    async def _hand_in_again(self, job_id: str, order: _Order) -> None:
        attached = bool(order.calls)
        call = order.calls.pop() if attached else secrets.token_hex(8)
        await self._hand_in(job_id, order, call)
        if order.kept:
            await self._table.leave(self._moved.get(job_id, job_id), "" if attached else call, keep=True)
        if not attached:
            order.calls.remove(call)

    async def _hand_in(self, job_id: str, order: _Order, call: str) -> str:
        """Return the id under which callers know the job: their own where Redis gave it to another process's."""
        held, delivery = await self._table.submit(job_id, order.new, call)
        known_as = job_id if job_id in self._orders else held
        if known_as != held:
            self._moved[known_as] = held
        mine = self._orders.setdefault(known_as, order)
        mine.calls.append(call)
        while len(self._orders) > _ORDERS_KEPT:
            forgotten = next(iter(self._orders))
            del self._orders[forgotten]
            self._moved.pop(forgotten, None)
        if delivery:
            await self._queues.deliver(order.new.role, delivery)
        return known_as

    async def _give_word(self, job_id: str) -> None:
        """Say that calls are still attached, and have a job that waits delivered if that was lost."""
        held = self._moved.get(job_id, job_id)
        order = self._orders.get(job_id)
        if order is None:
            return
        await self._table.attach(held, order.calls)
        if delivery := await self._table.delivery(held):
            await self._queues.deliver(order.new.role, delivery)


@asynccontextmanager
async def _reaching_redis() -> AsyncIterator[None]:
    try:
        yield
    except RedisError as error:
        raise _away(error) from error


def _away(error: RedisError) -> QueueUnavailable:
    return QueueUnavailable(f"the job queue cannot be reached ({type(error).__name__})")


def _unknown(job_id: str) -> UnknownJob:
    hint = "Jobs are forgotten a day after their end: list_jobs lists those known."
    return UnknownJob(f"there is no job {job_id!r} on this server", hint=hint)
