"""What a server does round each tool call beside answering it: whose it is, whether they may, and what it cost."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import mcp_types as types

from singsynth_mcp.artifacts.tenants import working_for
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.jobs.base import NewJob, Role
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.callers import TENANT_META_KEY, Caller, answering, on_account
from singsynth_mcp.serving.access.ledger import Ledger, Use
from singsynth_mcp.serving.access.metering import USAGE_META_KEY, Meter, metered_by
from singsynth_mcp.serving.sources import Context
from singsynth_mcp.settings import Settings

logger = logging.getLogger(__name__)
_ABOUT_JOBS = frozenset({"get_job", "cancel_job", "list_jobs"})
"""Work that was begun within a quota may be fetched after its end."""
_OTHERS_TOLD_APART = 500
Answer = types.CallToolResult | types.InputRequiredResult


async def _nothing_queued() -> Mapping[Role, int]:
    return {}


@dataclass(frozen=True)
class Accounts:
    """One server's."""

    meter: Meter = field(default_factory=Meter)
    is_proxy: bool = False
    """A proxy goes by tokens alone; a server behind one believes it which tenant a request is for."""
    queued: Callable[[], Awaitable[Mapping[Role, int]]] = _nothing_queued
    """Role → jobs that wait."""
    others: set[str] = field(default_factory=set)
    """Tools of other servers that have answered."""

    @contextmanager
    def answering(self, ctx: Context) -> Iterator[Caller]:
        """Answer a request as its caller's, for its tenant, on this server's meter. Raises TenantRefused."""
        with answering(ctx, believes_tenants=not self.is_proxy) as caller, metered_by(self.meter):
            yield caller

    @contextmanager
    def working(self, new: NewJob, waited_seconds: float) -> Iterator[None]:
        """Do a queued job's work on this server's meter, for whoever asked for it, perhaps of another server."""
        metrics.job_started(new.role, waited_seconds)
        with working_for(new.tenant), on_account(new.account), metered_by(self.meter):
            yield

    async def call(self, ctx: Context, tool: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do a tool call's work within its caller's quota, and count it.

        Raises TenantRefused, QuotaExceeded, and what `work` raises.
        """
        started, outcome = time.monotonic(), "error"
        name = self._name_of(tool)
        with self.answering(ctx) as caller:
            if tool not in _ABOUT_JOBS:
                await self.meter.quotas.check(caller)
            self.meter.add(name, Use(requests=1))
            try:
                answer = await work()
                outcome = "error" if isinstance(answer, types.CallToolResult) and answer.is_error else "ok"
            finally:
                seconds = time.monotonic() - started
                if outcome == "error":
                    self.meter.add(name, Use(errors=1))
                metrics.tool_called(name, outcome, seconds)
                logger.info("%s: %s in %.3f s", name, outcome, seconds)
            if outcome == "ok" and len(self.others) < _OTHERS_TOLD_APART:
                self.others.add(tool)
            named = TENANT_META_KEY in (ctx.meta or {})
            owed = self.meter.settle() if named and not self.is_proxy else None
            return answer if owed is None else _with_usage(answer, owed)

    def _name_of(self, tool: str) -> str:
        """Return under which name a tool is counted: what clients make up must not become lines and series."""
        return tool if tool in TOOLS or tool in self.others else "other"


def accounts_of(
    settings: Settings,
    queued: Callable[[], Awaitable[Mapping[Role, int]]],
    *,
    is_proxy: bool = False,
    writes: bool = True,
) -> Accounts:
    """Return a server's accounts; one that only ever has a proxy or host as its client `writes` nothing itself.

    Raises FileProblem for a ledger that cannot be written.
    """
    ledger = Ledger(settings.ledger) if settings.ledger is not None and writes else None
    return Accounts(Meter(ledger, behind_proxy=not is_proxy), is_proxy, queued)


def _with_usage(answer: Answer, owed: dict[str, Any]) -> Answer:
    return answer.model_copy(update={"meta": {**(answer.meta or {}), USAGE_META_KEY: owed}})
