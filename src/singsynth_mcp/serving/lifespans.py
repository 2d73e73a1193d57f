"""What a server opens before its first connection and closes after its last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import anyio

from singsynth_mcp.artifacts.tenants import prune_tenants
from singsynth_mcp.settings import Settings


@asynccontextmanager
async def closing(close: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Call `close` at the end."""
    try:
        yield
    finally:
        await close()


def pruning(settings: Settings, *, over_http: bool) -> AbstractAsyncContextManager[None]:
    """Keep the tenants' artifacts within their limits meanwhile; over stdio there are none but the host's own."""
    return _pruning(settings) if over_http else nullcontext()


@asynccontextmanager
async def _pruning(settings: Settings) -> AsyncIterator[None]:
    async with anyio.create_task_group() as group:
        group.start_soon(prune_tenants, settings)
        yield
        group.cancel_scope.cancel()
