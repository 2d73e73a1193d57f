"""Queued work: one interface; inprocess.py is the engine of one process, distributed.py the one on Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from singsynth_mcp.artifacts.tenants import LOCAL
from singsynth_mcp.contracts.calling import OnProgress, Progress
from singsynth_mcp.contracts.common import State

Role = Literal["sing", "inference", "vocoder", "media"]
Work = Callable[[OnProgress], Awaitable[dict[str, Any]]]
"""Does a tool's work and returns its structured result; a SingSynthError fails the job, cancellation cancels it."""
Priority = Literal["waiting", "background"]
"""Whether somebody waits for the answer (hosts give up after a minute) or will ask for it later."""


@dataclass(frozen=True)
class NewJob:
    """Work to be queued."""

    key: str
    """Hash of the tool and its arguments: equal keys are one job."""
    tool: str
    role: Role
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The tool's arguments as JSON values, for an engine whose workers are other processes."""
    client: str = ""
    """Who asks; clients take turns."""
    priority: Priority = "waiting"
    tenant: str = LOCAL
    """For whom it is done."""
    trace: Mapping[str, str] = field(default_factory=dict)
    """The W3C trace context of who asks, for an engine whose workers are other processes."""
    account: Mapping[str, Any] = field(default_factory=dict)
    """On whose account it is, in the words of the servers that count the work."""


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
    submitted_at: float = 0.0
    """In seconds since 1970, by the clock of who keeps the jobs."""
    queued_seconds: float = 0.0
    """From its submission to its start, or until now."""
    run_seconds: float | None = None
    """From its start to its end, or until now; None before it starts."""
    tenant: str = LOCAL

    @property
    def ended(self) -> bool:
        """True when the job is done, failed or cancelled."""
        return self.state not in ("queued", "running")


class JobEngine(Protocol):
    """Runs work in the order of its role's queue; equal keys join one job; no state in sessions.

    A call attaches to a job by `submit` and leaves it by `leave`; what it left behind with `keep` belongs to whoever
    has the id, until `cancel`. Work stops when no call is attached and nobody keeps it.
    """

    async def submit(self, new: NewJob, work: Work) -> str:
        """Attach to the live job of the same key, or queue a new one; return its id.

        Raises QueueFull, which says how long the queue is, and QueueUnavailable.
        """

    async def wait(self, job_id: str, seconds: float, on_progress: OnProgress) -> JobRecord:
        """Wait until the job ends or `seconds` have passed, reporting its progress. Raises UnknownJob."""

    async def leave(self, job_id: str, *, keep: bool) -> None:
        """Detach a call that submitted; `keep` where the job goes on for whoever has the id. Raises UnknownJob."""

    async def cancel(self, job_id: str) -> JobRecord:
        """Give a kept job up; it stops unless calls are still attached. Raises UnknownJob."""

    async def records(self) -> list[JobRecord]:
        """Return the jobs of the tenant whose work is being done (`TENANT`), the newest first."""

    async def queued(self) -> dict[Role, int]:
        """Return how many jobs of all tenants wait in each role's queue."""

    @property
    def works_here(self) -> bool:
        """Whether this process, and no other, does the work."""

    async def close(self) -> None:
        """Cancel what only this process runs or waits for, and wait for it to end."""
