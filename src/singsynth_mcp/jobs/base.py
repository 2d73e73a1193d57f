"""Queued work: one interface; the in-process engine is inprocess.py, the distributed one comes later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from singsynth_mcp.contracts.calling import OnProgress, Progress
from singsynth_mcp.contracts.common import State

Role = Literal["sing", "inference", "vocoder", "media"]
Work = Callable[[OnProgress], Awaitable[dict[str, Any]]]
"""Does a tool's work and returns its structured result; a SingSynthError fails the job, cancellation cancels it."""


@dataclass(frozen=True)
class JobRecord:
    """A job as callers see it."""

    job_id: str
    """`<server>-<12 hex>`: the server's name is how the proxy finds it again."""
    tool: str
    state: State
    progress: Progress | None = None
    position: int | None = None
    """Place in its role's queue while queued, from 1."""
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class JobEngine(Protocol):
    """Runs work in the order of its role's queue; equal keys join one job; no state in sessions."""

    async def submit(self, key: str, tool: str, role: Role, work: Work) -> str:
        """Queue work and return its job id; joins the live or finished job of the same key."""

    async def wait(self, job_id: str, seconds: float, on_progress: OnProgress) -> JobRecord:
        """Wait until the job ends or `seconds` have passed, reporting its progress. Raises UnknownJob."""

    async def cancel(self, job_id: str) -> JobRecord:
        """Detach this caller; the work stops when the last one has left. Raises UnknownJob."""

    async def records(self) -> list[JobRecord]:
        """Return the jobs known, the newest first."""
