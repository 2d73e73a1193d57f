"""What our tools do, counted where it is done: in the call, in a job of this process, or in a worker."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio

from singsynth_mcp.contracts.arguments import load_tool, read_arguments
from singsynth_mcp.contracts.calling import OnProgress
from singsynth_mcp.contracts.common import Request, Result
from singsynth_mcp.contracts.tools import ToolSpec
from singsynth_mcp.errors import UnknownName
from singsynth_mcp.jobs.attempts import AttemptRules
from singsynth_mcp.jobs.base import JobEngine, Role
from singsynth_mcp.jobs.engines import doing_jobs
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.accounts import Accounts
from singsynth_mcp.serving.access.ledger import Use
from singsynth_mcp.serving.access.metering import METER
from singsynth_mcp.serving.definitions import dump
from singsynth_mcp.settings import Settings

if TYPE_CHECKING:
    from singsynth_mcp.jobs.worker import Perform

ToolFunction = Callable[[Any, OnProgress], Awaitable[Result]]
"""A tool bound to its services: `(request, on_progress) -> result`."""


@dataclass(frozen=True)
class ToolWork:
    """A tool of contracts/tools.py and the function that does its work."""

    spec: ToolSpec
    function: ToolFunction

    async def do(self, request: Request, on_progress: OnProgress) -> Result:
        """Do the work and count it; a recipe's is counted where its stages are done."""
        started, audio_seconds = time.monotonic(), 0.0
        try:
            result = await self.function(request, on_progress)
            if self.spec.name == "save_audio":
                audio_seconds = getattr(result, "seconds", None) or 0.0
            return result
        finally:
            seconds = time.monotonic() - started
            metrics.stage_done(self.spec.name, seconds)
            if self.spec.server != "proxy":
                METER.get().add(self.spec.name, Use(audio_seconds=audio_seconds, compute_seconds=seconds))


def bind_work(specs: Sequence[ToolSpec], targets: Mapping[str, str], services: Any) -> tuple[ToolWork, ...]:
    """Return the work of the tools of `specs` that `targets` (tool -> "module:function") implements.

    A function is imported at its first call, in a thread: that may load large libraries.
    `services` is a dataclass with a field `on_progress`, replaced for each call.
    """

    def function_of(target: str) -> ToolFunction:
        async def call(request: Request, on_progress: OnProgress) -> Result:
            function = await anyio.to_thread.run_sync(load_tool, target)
            result: Result = await function(request, replace(services, on_progress=on_progress))
            return result

        return call

    return tuple(ToolWork(spec, function_of(targets[spec.name])) for spec in specs if spec.name in targets)


@asynccontextmanager
async def doing_shared_jobs(
    role: Role,
    works: Iterable[ToolWork],
    settings: Settings,
    jobs: JobEngine,
    accounts: Accounts,
    attempts: AttemptRules | None = None,
) -> AsyncIterator[None]:
    """Do jobs of `role` that this server or another like it has queued; nothing where `jobs` does its own work."""
    if jobs.works_here:
        yield
        return
    async with doing_jobs(role, performer(works), settings, attempts=attempts, surroundings=accounts.working):
        yield


def performer(works: Iterable[ToolWork]) -> Perform:
    """Return what does queued jobs of these tools."""
    by_name = {work.spec.name: work for work in works}

    async def perform(tool: str, arguments: Mapping[str, Any], on_progress: OnProgress) -> dict[str, Any]:
        work = by_name.get(tool)
        if work is None:
            raise UnknownName(f"this worker has no tool {tool!r}", hint="Run workers of the servers' own version.")
        return dump(await work.do(read_arguments(work.spec, arguments), on_progress))

    return perform
