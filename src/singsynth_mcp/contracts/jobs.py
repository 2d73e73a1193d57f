"""get_job, cancel_job and list_jobs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from singsynth_mcp.contracts.common import JobResult, Request, Result, State, WaitSeconds


class GetJobRequest(Request):
    """Arguments of get_job."""

    job_id: str
    wait_seconds: WaitSeconds = 20


class CancelJobRequest(Request):
    """Arguments of cancel_job."""

    job_id: str


class ListJobsRequest(Request):
    """Arguments of list_jobs: none."""


class GetJobResult(JobResult):
    """A job's state and, when done, its tool's result."""

    tool: str | None = None
    result: dict[str, Any] | None = Field(default=None, description="The tool's structured result, when done")
    submitted_at: str | None = Field(default=None, description="When it was asked for (UTC)")
    ready: list[str] | None = None
    ready_seconds: float | None = None


class JobRow(BaseModel):
    """A job in a listing."""

    job_id: str
    tool: str
    state: State
    progress: float | None = None
    stage: str | None = None


class ListJobsResult(Result):
    """What list_jobs returns, the newest first."""

    jobs: list[JobRow] | None = None
    total: int | None = None
