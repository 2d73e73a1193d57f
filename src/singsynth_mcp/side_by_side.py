"""Work on many things at once, told as if it had gone in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

from singsynth_mcp.errors import first_error

_Item = TypeVar("_Item")


async def side_by_side(work: Callable[[_Item], Awaitable[None]], items: Iterable[_Item], at_once: int) -> None:
    """Do `work` for each item, begun in order, `at_once` of them at a time.

    The first error ends what is at work, and is raised itself, out of the task group's.
    """
    waiting = deque(items)
    if not waiting:
        return

    async def take() -> None:
        while waiting:
            await work(waiting.popleft())

    try:
        async with anyio.create_task_group() as group:
            for _ in range(at_once):
                group.start_soon(take)
    except BaseExceptionGroup as errors:
        raise first_error(errors) from errors
