"""get_job, cancel_job and list_jobs over a JobEngine, and the waiting that all long calls share."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import anyio
import mcp_types as types

from singsynth_mcp.contracts.arguments import read_arguments
from singsynth_mcp.contracts.jobs import JobRow
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import ToolFailed
from singsynth_mcp.jobs.base import JobEngine, JobRecord
from singsynth_mcp.serving.access.ledger import Use
from singsynth_mcp.serving.access.metering import METER
from singsynth_mcp.serving.definitions import define
from singsynth_mcp.serving.progress import HEARTBEAT_SECONDS, ClientProgress
from singsynth_mcp.serving.results import failure, success
from singsynth_mcp.serving.sources import Context, ServedTool

_LISTED = 40


async def wait_with_heartbeat(jobs: JobEngine, job_id: str, seconds: float, progress: ClientProgress) -> JobRecord:
    """Wait for a job up to `seconds`, telling the client every few seconds that it is alive. Raises UnknownJob."""
    deadline = anyio.current_time() + seconds
    while True:
        left = deadline - anyio.current_time()
        record = await jobs.wait(job_id, max(min(left, HEARTBEAT_SECONDS), 0.0), progress.report)
        if record.ended or left <= HEARTBEAT_SECONDS:
            return record
        await progress.beat()


def count_elsewhere(jobs: JobEngine, record: JobRecord) -> None:
    """Count the work of a job that a worker has done; what servers do, they count while it is done."""
    by_worker = not jobs.works_here and TOOLS[record.tool].server == "gpu"
    if record.ended and by_worker and record.run_seconds is not None:
        METER.get().add_job(record.job_id, record.tool, Use(compute_seconds=record.run_seconds))


def answer(record: JobRecord) -> types.CallToolResult:
    """Return a job's record as the answer of the tool whose job it is."""
    if record.state == "failed":
        return failed(record)
    if record.state == "done" and record.result is not None:
        return success(record.result)
    return success(facts_of(record))


def failed(record: JobRecord, **facts: Any) -> types.CallToolResult:
    """Return a failed job's error as a result."""
    error = record.error or {}
    known = ToolFailed(
        error.get("code", "internal_error"),
        error.get("message", "the job failed"),
        hint=error.get("hint", ""),
        retryable=error.get("retryable", False),
        **error.get("details", {}),
    )
    return failure(known, job_id=record.job_id, **facts)


def facts_of(record: JobRecord) -> dict[str, Any]:
    """Return what is known of a job beside its result and error, as the fields of JobResult."""
    facts: dict[str, Any] = {"state": record.state, "job_id": record.job_id, "position": record.position}
    facts["queued_seconds"] = round(record.queued_seconds, 2)
    if record.run_seconds is not None:
        facts["run_seconds"] = round(record.run_seconds, 2)
    if record.progress is not None:
        facts |= {"progress": round(record.progress.fraction, 3), "stage": record.progress.stage}
        if record.progress.ready:
            facts |= {"ready": list(record.progress.ready), "ready_seconds": record.progress.ready_seconds}
    return {name: value for name, value in facts.items() if value is not None}


class JobTool:
    """One of the three tools about jobs."""

    def __init__(self, name: str, jobs: JobEngine) -> None:
        self.name = name
        self._spec = TOOLS[name]
        self._jobs = jobs
        self._act = {"get_job": self._get, "cancel_job": self._cancel, "list_jobs": self._list}[name]

    @cached_property
    def definition(self) -> types.Tool:
        """The tool as tools/list shows it."""
        return define(self._spec)

    async def call(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Run the tool. Raises SingSynthError."""
        return await self._act(read_arguments(self._spec, params.arguments or {}), ClientProgress(ctx))

    async def _get(self, request: Any, progress: ClientProgress) -> types.CallToolResult:
        record = await wait_with_heartbeat(self._jobs, request.job_id, request.wait_seconds, progress)
        count_elsewhere(self._jobs, record)
        at = {"submitted_at": datetime.fromtimestamp(record.submitted_at, UTC).isoformat(timespec="milliseconds")}
        if record.state == "failed":
            times = {name: value for name, value in facts_of(record).items() if name.endswith("_seconds")}
            return failed(record, **at, **times)
        return success(facts_of(record) | at | {"tool": record.tool, "result": record.result})

    async def _cancel(self, request: Any, progress: ClientProgress) -> types.CallToolResult:
        record = await self._jobs.cancel(request.job_id)
        return success(facts_of(record) | {"tool": record.tool, "result": record.result})

    async def _list(self, request: Any, progress: ClientProgress) -> types.CallToolResult:
        records = await self._jobs.records()
        rows = [
            {key: value for key, value in (facts_of(each) | {"tool": each.tool}).items() if key in JobRow.model_fields}
            for each in records[:_LISTED]
        ]
        return success({"state": "done", "jobs": rows, "total": len(records)})


def job_tools(jobs: JobEngine) -> tuple[ServedTool, ...]:
    """Return get_job, cancel_job and list_jobs of an engine."""
    return tuple(JobTool(name, jobs) for name in ("get_job", "cancel_job", "list_jobs"))
