"""The queues that wake workers: one docket for each role. The one file that knows docket.

A delivery says only that there is work; which job it stands for, and whether that is still wanted, stands in the job
table. Docket delivers again what a worker that died had taken, and what it lost with its lease: any delivery may come
twice. Its messages are pickled: whoever can write to this Redis can run code in the workers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any

import anyio

from singsynth_mcp.jobs.base import Role

_TASK = "work_on"
_LONGEST_PAUSE = timedelta(seconds=1)
_POLL = timedelta(milliseconds=20)
"""How often a busy worker looks whether it has a hand free: what a short job waits for between two others. (An idle
one waits for Redis to speak; that costs .9 % of a core instead of .7 % at docket's own 250 ms.)"""
logger = logging.getLogger(__name__)
Handle = Callable[[str], Awaitable[None]]


class Queues:
    """The dockets `<space>:<role>`, opened when first used. Their streams are `<space>:<role>:stream`."""

    def __init__(self, url: str, space: str, *, redelivery_seconds: float = 60.0) -> None:
        self._url = url
        self._space = space
        self._redelivery = timedelta(seconds=redelivery_seconds)
        self._dockets: dict[Role, Any] = {}
        self._stack = AsyncExitStack()
        self._opening = anyio.Lock()

    async def deliver(self, role: Role, delivery: str) -> None:
        """Have a worker take up work; nothing happens where this delivery is on its way. Raises RedisError."""
        docket = await self._docket(role)
        await docket.add(_TASK, key=delivery)(delivery)

    async def serve(self, role: Role, concurrency: int, handle: Handle, stopping: anyio.Event) -> None:
        """Give deliveries to `handle`, so many at once, until `stopping`; then wait for those that were begun.

        While Redis is away it waits for it.
        """
        from docket import Worker
        from redis.exceptions import RedisError

        docket = None
        while docket is None:
            try:
                docket = await self._docket(role)
            except RedisError as error:
                logger.warning("waiting for Redis: %s", type(error).__name__)
                with anyio.move_on_after(_LONGEST_PAUSE.total_seconds()):
                    await stopping.wait()
                if stopping.is_set():
                    return

        async def work_on(delivery: str) -> None:
            await handle(delivery)

        docket.register(work_on, names=[_TASK])
        resolution = min(self._redelivery / 8, timedelta(milliseconds=250))
        worker = Worker(
            docket,
            concurrency=concurrency,
            redelivery_timeout=self._redelivery,
            reconnection_delay=min(self._redelivery / 4, _LONGEST_PAUSE),
            minimum_check_interval=min(resolution, _POLL),
            scheduling_resolution=resolution,
            schedule_automatic_tasks=False,
        )
        async with worker:
            running = asyncio.create_task(worker.run_forever(), name=f"{role} queue")
            stopped = asyncio.create_task(stopping.wait())
            try:
                await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped.cancel()
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running

    async def close(self) -> None:
        """Close the connections."""
        self._dockets.clear()
        await self._stack.aclose()

    async def _docket(self, role: Role) -> Any:
        async with self._opening:
            if role not in self._dockets:
                from docket import Docket

                docket = Docket(f"{self._space}:{role}", self._url, execution_ttl=timedelta(0))
                docket.register(_elsewhere, names=[_TASK])
                self._dockets[role] = await self._stack.enter_async_context(docket)
            return self._dockets[role]


async def _elsewhere(delivery: str) -> None:
    """Stand for the work where jobs are only handed in."""
