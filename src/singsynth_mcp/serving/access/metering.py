"""What each call used, on its way to whoever writes it down.

A server that faces clients writes to its ledger. One behind a proxy owes its work to the proxy: what a tenant used
since the last answer goes with the next one, in the result's `_meta`, so that work whose caller went away is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from singsynth_mcp.artifacts.tenants import TENANT
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.serving.access.callers import CALLER
from singsynth_mcp.serving.access.ledger import Ledger, Line, Use, today
from singsynth_mcp.serving.access.limits import Quotas

USAGE_META_KEY = "singsynth/usage"
_JOBS_REMEMBERED = 4096


class Meter:
    """Counts the work of one server."""

    def __init__(self, ledger: Ledger | None = None, *, behind_proxy: bool = True) -> None:
        """Write to `ledger`; with `behind_proxy` only what others than a proxy use."""
        self.ledger = ledger
        self.quotas = Quotas(ledger)
        self._behind_proxy = behind_proxy
        self._owed: dict[str, dict[str, Use]] = {}
        """Tenant → tool → what was used."""
        self._counted: OrderedDict[str, None] = OrderedDict()

    def add(self, tool: str, use: Use) -> None:
        """Count what was used just now, for whoever is being answered or worked for."""
        if self._behind_proxy and CALLER.get().is_proxy:
            if use.audio_seconds or use.compute_seconds:
                owed = self._owed.setdefault(TENANT.get(), {})
                owed[tool] = owed.get(tool, Use()) + use
        elif self.ledger is not None:
            caller = CALLER.get().name
            self.ledger.add(Line(today().isoformat(), TENANT.get(), caller, tool, use))
            self.quotas.count(caller, use)

    def add_job(self, job_id: str, tool: str, use: Use) -> None:
        """Count a job that another process did, once however many ask for it."""
        if job_id not in self._counted:
            self._counted[job_id] = None
            if len(self._counted) > _JOBS_REMEMBERED:
                self._counted.popitem(last=False)
            self.add(tool, use)

    def settle(self) -> dict[str, Any] | None:
        """Return what the tenant has used since the last answer, as it stands in a result's `_meta`; it is paid."""
        owed = self._owed.pop(TENANT.get(), None)
        if owed is None:
            return None
        return {
            tool: {"audio_seconds": round(use.audio_seconds, 3), "compute_seconds": round(use.compute_seconds, 6)}
            for tool, use in owed.items()
        }

    def take_over(self, meta: Mapping[str, Any] | None) -> None:
        """Count what an upstream's answer says that tools of this package have used for the tenant."""
        told = (meta or {}).get(USAGE_META_KEY)
        for tool, use in told.items() if isinstance(told, dict) else ():
            if tool in TOOLS and isinstance(use, dict):
                audio, compute = (_seconds(use.get(f"{what}_seconds")) for what in ("audio", "compute"))
                self.add(tool, Use(audio_seconds=audio, compute_seconds=compute))


METER: ContextVar[Meter] = ContextVar("METER", default=Meter())  # noqa: B039 - one nobody asks to settle
"""The meter of the server that answers, in its calls and in the jobs that they start."""


@contextmanager
def metered_by(meter: Meter) -> Iterator[None]:
    """Count with `meter` what the calls and jobs within use."""
    token = METER.set(meter)
    try:
        yield
    finally:
        METER.reset(token)


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < float("inf") else 0.0
