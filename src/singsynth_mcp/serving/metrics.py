"""Figures for Prometheus. The one file that knows prometheus_client; nothing is imported or counted before `start`.

With PROMETHEUS_MULTIPROC_DIR set, every process of this machine counts into that folder, the proxy's children and the
workers too, and any one of them shows the sums.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.jobs.base import Role

_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SHORT_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 45.0)
_LONG_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class Instruments:
    """What is counted and measured."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = CollectorRegistry()
        at: dict[str, Any] = {"registry": self.registry}
        self.calls = Counter("singsynth_tool_calls", "Tool calls answered", ["tool", "outcome"], **at)
        self.call_seconds = Histogram(
            "singsynth_tool_call_seconds", "From a tool call to its answer", ["tool"], buckets=_SHORT_SECONDS, **at
        )
        self.errors = Counter("singsynth_errors", "Errors that tools answered", ["code"], **at)
        self.waits = Histogram(
            "singsynth_job_wait_seconds", "From a job's submission to its start", ["role"], buckets=_LONG_SECONDS, **at
        )
        self.stages = Histogram(
            "singsynth_stage_seconds", "How long a tool's own work took", ["tool"], buckets=_LONG_SECONDS, **at
        )
        self.recalls = Counter("singsynth_memo_recalls", "Questions whether work was done before", ["answer"], **at)
        self.refusals = Counter("singsynth_http_refusals", "HTTP requests not let in", ["status"], **at)
        self.queued = Gauge("singsynth_jobs_queued", "Jobs that wait", ["role"], multiprocess_mode="livemax", **at)


_instruments: Instruments | None = None


def start(*, shown: bool) -> None:
    """Count from now on, where that is `shown` by this process or by another one of this machine."""
    global _instruments
    if _instruments is None and (shown or os.environ.get(_SHARED_FOLDER)):
        _instruments = Instruments()


def tool_called(tool: str, outcome: str, seconds: float) -> None:
    """Count an answered tool call."""
    if _instruments is not None:
        _instruments.calls.labels(tool, outcome).inc()
        _instruments.call_seconds.labels(tool).observe(seconds)


def tool_failed(code: str) -> None:
    """Count an error that a tool answered."""
    if _instruments is not None:
        _instruments.errors.labels(code).inc()


def job_started(role: str, waited_seconds: float) -> None:
    """Measure how long a job waited."""
    if _instruments is not None:
        _instruments.waits.labels(role).observe(waited_seconds)


def stage_done(tool: str, seconds: float) -> None:
    """Measure how long a tool worked."""
    if _instruments is not None:
        _instruments.stages.labels(tool).observe(seconds)


async def look_at_queues(queued: Callable[[], Awaitable[Mapping[Role, int]]]) -> None:
    """Measure how many jobs wait in each role's queue."""
    if _instruments is not None:
        for role, count in (await queued()).items():
            _instruments.queued.labels(role).set(count)


def recalled(hit: bool) -> None:
    """Count a look into the memo."""
    if _instruments is not None:
        _instruments.recalls.labels("hit" if hit else "miss").inc()


def refused(status: int) -> None:
    """Count an HTTP request that was not let in."""
    if _instruments is not None:
        _instruments.refusals.labels(str(status)).inc()


def page() -> tuple[bytes, str]:
    """Return the figures as Prometheus reads them, and their content type."""
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return generate_latest(_registry()), CONTENT_TYPE_LATEST


def serve_page(host: str, port: int) -> int:
    """Show the figures over HTTP from a thread, for a process that serves nothing else; return the port.

    Raises InvalidRequest where the port cannot be used.
    """
    from prometheus_client import start_http_server

    start(shown=True)
    try:
        server, _ = start_http_server(port, host, _registry())
    except OSError as error:
        message = f"port {port} on {host} cannot be used: {error.strerror or error}"
        raise InvalidRequest(message, hint="Choose another with --metrics-port.") from None
    return int(server.server_address[1])


def _registry() -> Any:
    assert _instruments is not None, "start comes first"
    if not os.environ.get(_SHARED_FOLDER):
        return _instruments.registry
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
