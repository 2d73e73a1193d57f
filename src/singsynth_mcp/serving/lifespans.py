"""What a server opens before its first connection and closes after its last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def closing(close: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Call `close` at the end."""
    try:
        yield
    finally:
        await close()
