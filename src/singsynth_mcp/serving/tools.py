"""Our tools as MCP tools: schemas from the contracts, short calls at once, long ones as jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import anyio
import mcp_types as types

from singsynth_mcp.artifacts.base import memo_key
from singsynth_mcp.contracts.arguments import read_arguments
from singsynth_mcp.contracts.calling import OnProgress
from singsynth_mcp.contracts.common import JobRequest, Request, Result
from singsynth_mcp.contracts.tools import ToolSpec
from singsynth_mcp.errors import DeadlineExceeded
from singsynth_mcp.jobs.base import JobEngine, NewJob, Role
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.callers import CALLER, account_of
from singsynth_mcp.serving.definitions import define, dump
from singsynth_mcp.serving.jobtools import answer, count_elsewhere, wait_with_heartbeat
from singsynth_mcp.serving.progress import ClientProgress
from singsynth_mcp.serving.results import success
from singsynth_mcp.serving.sources import Context, ServedTool, client_of
from singsynth_mcp.serving.work import ToolWork, bind_work

Prepare = Callable[[Any], Awaitable[Any]]
"""`request -> request`."""
DEADLINE_SECONDS = 45.0
"""No call blocks longer, whatever its tool: desktop hosts give up after about 60 s."""


class SpecTool:
    """A tool of ours as MCP has it."""

    def __init__(self, work: ToolWork, jobs: JobEngine, prepare: Prepare | None = None) -> None:
        """`prepare` makes a request one that any process can do, before it is queued."""
        self.name = work.spec.name
        self._work = work
        self._spec = work.spec
        self._jobs = jobs
        self._prepare = prepare

    @cached_property
    def definition(self) -> types.Tool:
        """The tool as tools/list shows it."""
        return define(self._spec)

    async def call(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Run the tool. Raises SingSynthError."""
        request = read_arguments(self._spec, params.arguments or {})
        progress = ClientProgress(ctx)
        if isinstance(request, JobRequest) or self._spec.job:
            return await self._call_as_job(request, client_of(ctx), progress)
        result = await _within_deadline(self.name, self._work.do(request, progress.report))
        return success(dump(result), first_row=_first_row(request))

    async def _call_as_job(self, request: Request, client: str, progress: ClientProgress) -> types.CallToolResult:
        submitted, role = time.monotonic(), role_of(self._spec)
        if self._prepare is not None:
            request = await self._prepare(request)

        async def work(on_progress: OnProgress) -> dict[str, Any]:
            metrics.job_started(role, time.monotonic() - submitted)
            return dump(await self._work.do(request, on_progress))

        arguments = request.model_dump(mode="json", exclude={"wait_seconds"})
        wait_seconds = getattr(request, "wait_seconds", 20.0)
        new = NewJob(
            memo_key(self.name, arguments),
            self.name,
            role,
            arguments,
            client=client,
            priority="waiting" if wait_seconds else "background",
            account=account_of(CALLER.get()),
        )
        job_id = await self._jobs.submit(new, work)
        await self._look_at_queues()
        keep = False
        try:
            record = await wait_with_heartbeat(self._jobs, job_id, wait_seconds, progress)
            keep = not record.ended
        finally:
            with anyio.CancelScope(shield=True):
                await self._jobs.leave(job_id, keep=keep)
                await self._look_at_queues()
        count_elsewhere(self._jobs, record)
        return answer(record)

    async def _look_at_queues(self) -> None:
        if self._jobs.works_here:  # elsewhere it would be a question to Redis at each call
            await metrics.look_at_queues(self._jobs.queued)


def bind(
    specs: Sequence[ToolSpec], targets: Mapping[str, str], services: Any, jobs: JobEngine
) -> tuple[ServedTool, ...]:
    """Return the tools of `specs` that `targets` (tool -> "module:function") implements: see `bind_work`."""
    return tuple(SpecTool(work, jobs) for work in bind_work(specs, targets, services))


def role_of(spec: ToolSpec) -> Role:
    """Return the queue in which a tool's jobs wait."""
    if spec.name == "vocode":
        return "vocoder"
    roles: dict[str, Role] = {"gpu": "inference", "proxy": "sing"}
    return roles.get(spec.server, "media")


def _first_row(request: Request) -> int:
    window = getattr(request, "range", None)
    return int(window.split("-")[0]) if window else 1


async def _within_deadline(tool: str, work: Awaitable[Result]) -> Result:
    """Return what `work` gives; the caller does not wait for a thread of it that is slow to stop."""
    scope = anyio.CancelScope()  # threads see the cancellation of a scope, never that of a task

    async def bounded() -> Result | None:
        with scope:
            return await work
        return None

    task = asyncio.ensure_future(bounded())
    try:
        await asyncio.wait({task}, timeout=DEADLINE_SECONDS)
    except asyncio.CancelledError:
        scope.cancel()
        task.add_done_callback(_forget)
        raise
    if task.done() and (result := task.result()) is not None:
        return result
    scope.cancel()
    task.add_done_callback(_forget)
    message = f"{tool} took longer than {DEADLINE_SECONDS:g} seconds"
    raise DeadlineExceeded(message, hint="Give it less at a time, e.g. fewer parts or a shorter score.")


def _forget(task: asyncio.Future[Any]) -> None:
    """Take a late outcome, so that nobody complains that it was never looked at."""
    if not task.cancelled():
        task.exception()
