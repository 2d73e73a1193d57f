"""get_job, cancel_job and list_jobs of the proxy: its own jobs, and those of the upstreams by the id's prefix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError

from singsynth_mcp.contracts.arguments import read_arguments
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import SingSynthError, ToolFailed, UnknownJob
from singsynth_mcp.jobs.base import JobEngine
from singsynth_mcp.proxy.exchange import Exchange
from singsynth_mcp.proxy.forwarding import error_in, forward_call
from singsynth_mcp.proxy.merge import Route, is_ours
from singsynth_mcp.proxy.replicas import is_unknown_job
from singsynth_mcp.proxy.upstreams import AnyUpstream, Upstreams
from singsynth_mcp.serving.definitions import define
from singsynth_mcp.serving.jobtools import JobTool
from singsynth_mcp.serving.results import failure, success, with_facts
from singsynth_mcp.serving.sources import Context, ServedTool


class ForwardedJobTool:
    """get_job or cancel_job: here for the proxy's jobs, else asked of the upstream whose job it is."""

    def __init__(self, name: str, jobs: JobEngine, upstreams: Upstreams, exchange: Exchange) -> None:
        self.name = name
        self._own = JobTool(name, jobs)
        self._upstreams = upstreams
        self._exchange = exchange

    @property
    def definition(self) -> types.Tool:
        """The tool as tools/list shows it."""
        return self._own.definition

    async def call(
        self, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Run the tool. Raises SingSynthError, MCPError."""
        request: Any = read_arguments(TOOLS[self.name], params.arguments or {})
        prefix = request.job_id.rpartition("-")[0]
        if prefix == "proxy":
            return await self._own.call(ctx, params)
        for upstream in await self._candidates(prefix):
            result = await forward_call(self._upstreams[upstream], Route(upstream, self.name), ctx, params)
            if not isinstance(result, types.CallToolResult):
                return result
            if not is_unknown_job(result):
                return await self._with_file_here(upstream, request.job_id, result)
        hint = "Jobs end with their server and old ones are forgotten: list_jobs lists those known."
        raise UnknownJob(f"there is no job {request.job_id!r} on any server", hint=hint)

    async def _with_file_here(self, upstream: str, job_id: str, result: types.CallToolResult) -> types.CallToolResult:
        facts = dict(result.structured_content or {})
        done = facts.get("result")
        if (error := error_in(result)) is not None and await self._exchange.supply(upstream, error):
            told = {name: error[name] for name in ("code", "message")} | (error.get("details") or {})
            hint = "The proxy has copied it there meanwhile: call the tool again."
            return failure(ToolFailed(**told, hint=hint, retryable=True), job_id=job_id)
        if result.is_error or not isinstance(done, dict):
            return result
        moved = await self._exchange.result(upstream, facts.get("tool"), {**done, "job_id": job_id})
        moved = {name: value for name, value in moved.items() if name in done or name != "job_id"}
        return result if moved == done else with_facts(result, facts | {"result": moved})

    async def _candidates(self, prefix: str) -> list[str]:
        """Return the upstreams with jobs of ours: the one of that name first, or all that may have the id."""
        names = await upstreams_with_jobs(self._upstreams)
        return sorted(names, key=lambda name: name != prefix) if prefix else []


class MergedJobList:
    """list_jobs: the proxy's jobs, then those of the upstreams that answer."""

    name = "list_jobs"

    def __init__(self, jobs: JobEngine, upstreams: Upstreams) -> None:
        self._own = JobTool(self.name, jobs)
        self._upstreams = upstreams

    @cached_property
    def definition(self) -> types.Tool:
        """The tool as tools/list shows it."""
        return define(TOOLS[self.name])

    async def call(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Run the tool. Raises SingSynthError."""
        own = await self._own.call(ctx, params)
        answers: dict[str, list[dict[str, Any]]] = {"": [dict(own.structured_content or {})]}

        async def ask(name: str, member: AnyUpstream) -> None:
            try:
                result = await forward_call(member, Route(name, self.name), ctx, params)
            except (SingSynthError, MCPError):
                return
            if isinstance(result, types.CallToolResult):
                answers[name].append(dict(result.structured_content or {}))

        names = await upstreams_with_jobs(self._upstreams)
        async with anyio.create_task_group() as group:
            for name in names:
                answers[name] = []
                for member in self._upstreams[name].members:
                    group.start_soon(ask, name, member)
        listings = [_together(each) for each in answers.values()]
        rows = [row for found, _ in listings for row in found]
        return success({"state": "done", "jobs": rows, "total": sum(total for _, total in listings)})


def _together(answers: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Return the jobs that the replicas of a server list, each once, and how many there are.

    Replicas over one Redis all list the same jobs, others only their own.
    """
    rows = [row for answer in answers for row in answer.get("jobs") or ()]
    distinct = {row["job_id"]: row for row in rows}
    totals = [answer.get("total", 0) for answer in answers]
    return list(distinct.values()), max(totals, default=0) if len(distinct) < len(rows) else sum(totals)


def merged_job_tools(jobs: JobEngine, upstreams: Upstreams, exchange: Exchange) -> tuple[ServedTool, ...]:
    """Return the three tools about jobs."""
    return (
        ForwardedJobTool("get_job", jobs, upstreams, exchange),
        ForwardedJobTool("cancel_job", jobs, upstreams, exchange),
        MergedJobList(jobs, upstreams),
    )


async def upstreams_with_jobs(upstreams: Upstreams) -> list[str]:
    """Return the upstreams that are servers of this package."""
    await upstreams.catalogue()
    return upstreams.names_with(lambda tool: tool.name == "get_job" and is_ours(tool))
