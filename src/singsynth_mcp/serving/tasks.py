"""MCP's Tasks extension over the job tools: for clients that declare it, a job that outlasts its call is a task.

The task's id is the job's, so that get_job, cancel_job and list_jobs know it too. Clients that do not declare the
extension (with each request; only the newest protocol era can) see nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.serving.access.accounts import Accounts
from singsynth_mcp.serving.results import success
from singsynth_mcp.serving.sources import Context, ToolSource

EXTENSION = "io.modelcontextprotocol/tasks"
_AT_ONCE_SECONDS = 2.0
"""What is done within it needs no task."""
_POLL_MS = 2000
_TTL_MS = 3_600_000
_STATES = {"queued": "working", "running": "working", "cancelled": "cancelled"}


class TaskParams(types.RequestParams):
    """Parameters of tasks/get, tasks/cancel and tasks/update."""

    task_id: str = Field(alias="taskId", max_length=200)


class Tasks:
    """The extension of one server."""

    def __init__(self, tools: ToolSource, accounts: Accounts) -> None:
        self._tools = tools
        self._accounts = accounts
        self.handlers = {"tasks/get": self._get, "tasks/cancel": self._cancel, "tasks/update": self._update}

    def asked(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolRequestParams:
        """Return a call with which a declaring client does not wait for what will be a task."""
        given = dict(params.arguments or {})
        waits = given.get("wait_seconds", float("inf"))
        if not _may_be_task(ctx, params.name) or not isinstance(waits, int | float) or waits <= _AT_ONCE_SECONDS:
            return params
        return params.model_copy(update={"arguments": given | {"wait_seconds": _AT_ONCE_SECONDS}})

    async def answered(
        self, ctx: Context, name: str, answer: types.CallToolResult | types.InputRequiredResult
    ) -> types.CallToolResult | types.InputRequiredResult | dict[str, Any]:
        """Return a call's answer, as a new task where it is a job that goes on and the client declares tasks."""
        facts = (getattr(answer, "structured_content", None) or {}) if _may_be_task(ctx, name) else {}
        if facts.get("state") not in ("queued", "running") or "job_id" not in facts:
            return answer
        task = _task(await self._job(ctx, "get_job", str(facts["job_id"])))
        task = {name: value for name, value in task.items() if name != "result"}
        return {**task, "resultType": "task"}

    async def _get(self, ctx: Context, params: TaskParams) -> dict[str, Any]:
        return _task(await self._job(ctx, "get_job", params.task_id))

    async def _cancel(self, ctx: Context, params: TaskParams) -> dict[str, Any]:
        await self._job(ctx, "cancel_job", params.task_id)
        return {}

    async def _update(self, ctx: Context, params: TaskParams) -> dict[str, Any]:
        """Acknowledge: jobs never ask, and answers to what was not asked are to be passed over."""
        await self._job(ctx, "get_job", params.task_id)
        return {}

    async def _job(self, ctx: Context, tool: str, job_id: str) -> types.CallToolResult:
        """Return a job tool's answer about a job of the caller's. Raises MCPError."""
        if not declares_tasks(ctx):
            needed: dict[str, Any] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
            message = f"the client does not declare {EXTENSION}"
            raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, message, needed)
        arguments: dict[str, Any] = {"job_id": job_id} | ({"wait_seconds": 0} if tool == "get_job" else {})
        params = types.CallToolRequestParams(name=tool, arguments=arguments)
        try:
            with self._accounts.answering(ctx):
                answer = await self._tools.call_tool(ctx, params)
        except SingSynthError as error:
            raise MCPError(types.INVALID_PARAMS, str(error), error.as_dict()) from None
        assert isinstance(answer, types.CallToolResult), "jobs do not ask"
        if answer.is_error and "job_id" not in (answer.structured_content or {}):
            told = (answer.structured_content or {}).get("error") or {}
            raise MCPError(types.INTERNAL_ERROR, str(told.get("message", f"{tool} failed")), told)
        return answer


def declares_tasks(ctx: Context) -> bool:
    """Return whether the client takes tasks in answer to this request."""
    declared = ctx.session.client_capabilities
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS and EXTENSION in ((declared and declared.extensions) or {})


def _may_be_task(ctx: Context, tool: str) -> bool:
    return tool in TOOLS and TOOLS[tool].job and declares_tasks(ctx)


def _task(answer: types.CallToolResult) -> dict[str, Any]:
    """Return what get_job says as a task; a tool's own error is the result of a task that is complete."""
    facts: Mapping[str, Any] = answer.structured_content or {}
    now = datetime.now(UTC)
    created = datetime.fromisoformat(facts["submitted_at"]) if "submitted_at" in facts else now
    lasted = float(facts.get("queued_seconds", 0.0)) + float(facts.get("run_seconds", 0.0))
    task = {
        "taskId": facts["job_id"],
        "status": _STATES.get(str(facts.get("state")), "completed"),
        "createdAt": _instant(created),
        "lastUpdatedAt": _instant(created + timedelta(seconds=lasted)),
        "ttlMs": _TTL_MS,
        "pollIntervalMs": _POLL_MS,
    }
    if task["status"] == "working":
        place, stage = facts.get("position"), facts.get("stage", "at work")
        done = f"{stage}: {100 * float(facts.get('progress', 0.0)):.0f} %"
        return {**task, "statusMessage": done if place is None else f"{place}. in the queue"}
    if task["status"] == "cancelled":
        return task
    result = answer if answer.is_error else success(facts.get("result") or {})
    return {**task, "result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
