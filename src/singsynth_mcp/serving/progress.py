"""Progress of a call to its client: rising, with a heartbeat while nothing moves."""

from __future__ import annotations

from typing import Any

from mcp.server.context import ServerRequestContext

from singsynth_mcp.contracts.calling import Progress

HEARTBEAT_SECONDS = 5.0
_STEP = 1e-4
"""The protocol wants every report above the one before; a heartbeat moves this far."""


class ClientProgress:
    """Reports a call's progress to the client that asked for it; silent where it did not."""

    def __init__(self, ctx: ServerRequestContext[Any, Any]) -> None:
        self._session = ctx.session
        self._last = 0.0
        self._message = "waiting"

    async def report(self, progress: Progress) -> None:
        """Send a report: the fraction of 1, and what is being done."""
        self._message = f"{progress.stage}: {progress.message}" if progress.message else progress.stage
        await self._send(progress.fraction)

    async def beat(self) -> None:
        """Repeat the last report, a hair further."""
        await self._send(self._last)

    async def _send(self, fraction: float) -> None:
        self._last = max(fraction, self._last + _STEP)
        await self._session.report_progress(self._last, 1.0, self._message)
