"""How an HTTP server stops: no new calls, answers to those under way, then everything is left in order."""

from __future__ import annotations

import math
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import anyio

DRAIN_SECONDS = 25.0
_ON_ITS_WAY_SECONDS = 0.2
"""For an answer to pass through its stream once it has been given."""


class CallsUnderWay:
    """The tool calls that a server has not answered yet."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = anyio.Event()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one for as long as it takes."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            self._changed.set()

    async def end(self) -> None:
        """Return when there are none."""
        while self._count:
            self._changed = anyio.Event()
            await self._changed.wait()


async def serve_until_told(
    app: Any, listener: socket.socket, drain_seconds: float, calls: CallsUnderWay, end_listening: Callable[[], None]
) -> int:
    """Serve an ASGI app until a signal says stop, and return that signal; calls have `drain_seconds` to be answered.

    Streams that stay open for as long as their clients like are ended: those of subscriptions (`end_listening`) at
    once, those of older clients, which also bring answers, when there are no calls. A second Ctrl-C waits for nobody.
    """
    import uvicorn
    from sse_starlette.sse import AppStatus

    class Server(uvicorn.Server):
        """uvicorn's, which would raise the signal anew when it has stopped, and so end the process at once."""

        told = 0

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True
            self.told = sig

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            end_listening()
            async with anyio.create_task_group() as group:
                group.start_soon(end_streams)
                await super().shutdown(sockets)
                group.cancel_scope.cancel()

    async def end_streams() -> None:
        with anyio.move_on_after(drain_seconds):
            await calls.end()
            await anyio.sleep(_ON_ITS_WAY_SECONDS)
        AppStatus.should_exit = True

    patience = math.ceil(drain_seconds) + 1
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=patience)
    server = Server(config)
    AppStatus.enable_automatic_graceful_drain = False  # it cuts answers off
    try:
        await server.serve(sockets=[listener])
    finally:
        AppStatus.should_exit = False
        AppStatus.enable_automatic_graceful_drain = True
    return server.told
