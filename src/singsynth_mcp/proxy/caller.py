"""The recipes' ToolCaller over the upstreams: a call waits through the job that it may become."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types as types
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError

from singsynth_mcp.contracts.calling import OnProgress, Progress, ignore_progress
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import SingSynthError, ToolFailed, UpstreamUnavailable
from singsynth_mcp.proxy.upstreams import AnyUpstream, Upstreams
from singsynth_mcp.serving.access.metering import METER

if TYPE_CHECKING:
    from singsynth_mcp.proxy.exchange import Exchange

_WAIT_SECONDS = 45.0
_GOODBYE_SECONDS = 2.0


class UpstreamCaller:
    """Calls the tools of this package wherever they are."""

    def __init__(self, upstreams: Upstreams, exchange: Exchange | None = None) -> None:
        """`exchange` moves what a call needs and makes; without it, what an upstream answers is all there is."""
        self._upstreams = upstreams
        self._exchange = exchange

    async def call(
        self, name: str, arguments: Mapping[str, Any], on_progress: OnProgress = ignore_progress
    ) -> dict[str, Any]:
        """Return the tool's finished structured result.

        Raises ToolFailed (the tool's own error), UpstreamUnavailable, UpstreamDied; what `exchange` raises.
        """
        upstream = await self._find(name)
        if self._exchange is None:
            return await _finish(upstream, name, arguments, on_progress)

        async def ask(arguments: dict[str, Any]) -> dict[str, Any]:
            return await _finish(upstream, name, arguments, on_progress)

        facts = await self._exchange.call(upstream.name, name, arguments, ask, lambda _: None)
        return await self._exchange.result(upstream.name, name, facts, arguments.get("output"))

    async def _find(self, name: str) -> AnyUpstream:
        upstream = (await self._upstreams.catalogue()).stages.get(name)
        if upstream is None:
            upstream = (await self._upstreams.catalogue(fresh=True)).stages.get(name)
        if upstream is None:
            hint = "Add the server that has it to the proxy's configuration, or run `singsynth-mcp doctor`."
            raise UpstreamUnavailable(f"no upstream server has the tool {name!r}", hint=hint)
        return self._upstreams[upstream]


async def _finish(
    upstream: AnyUpstream, name: str, arguments: Mapping[str, Any], on_progress: OnProgress
) -> dict[str, Any]:
    """Call a tool and wait through the job that it may become."""
    waiting: dict[str, Any] = {"wait_seconds": _WAIT_SECONDS} if name in TOOLS and TOOLS[name].job else {}
    answer = await call_tool(upstream, name, {**arguments, **waiting}, on_progress)
    job_id = answer.get("job_id")
    try:
        while answer.get("state") in ("queued", "running"):
            waiting = {"job_id": job_id, "wait_seconds": _WAIT_SECONDS}
            answer = await call_tool(upstream, "get_job", waiting, on_progress)
    except anyio.get_cancelled_exc_class():
        # Before there is an id the protocol's own cancellation has reached the upstream.
        if job_id is not None:
            with anyio.move_on_after(_GOODBYE_SECONDS, shield=True), suppress(SingSynthError):
                await call_tool(upstream, "cancel_job", {"job_id": job_id}, ignore_progress)
        raise
    if answer.get("state") == "cancelled":
        raise ToolFailed("cancelled", f"{name} was cancelled", retryable=True)
    result = answer.get("result")
    return dict(result) if isinstance(result, dict) else answer


async def call_tool(
    upstream: AnyUpstream, name: str, arguments: Mapping[str, Any], on_progress: OnProgress = ignore_progress
) -> dict[str, Any]:
    """Return a tool's structured answer, a job's id included. Raises ToolFailed, UpstreamUnavailable, UpstreamDied."""

    async def report(progress: float, total: float | None, message: str | None) -> None:
        stage, _, what = (message or name).partition(": ")
        await on_progress(Progress(min(progress / (total or 1.0), 1.0), stage, what))

    def question(session: ClientSession) -> Any:
        callback = None if on_progress is ignore_progress else report
        return session.call_tool(name, dict(arguments), progress_callback=callback)

    try:
        result: types.CallToolResult = await upstream.request(question, job_id=str(arguments.get("job_id", "")))
    except MCPError as refusal:
        raise ToolFailed("upstream_error", f"{name} on {upstream.name!r}: {refusal.error.message}") from None
    METER.get().take_over(result.meta)
    facts = dict(result.structured_content or {})
    if result.is_error:
        error = facts.get("error") or {}
        text = " ".join(block.text for block in result.content if isinstance(block, types.TextContent))
        raise ToolFailed(
            error.get("code", "tool_failed"),
            error.get("message", text or f"{name} failed"),
            hint=error.get("hint", ""),
            retryable=error.get("retryable", False),
            **(error.get("details") or {}),
        )
    return facts
