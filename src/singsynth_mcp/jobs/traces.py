"""OpenTelemetry spans of jobs: in the trace of who asked, in whichever process the work is done.

The API alone; it does nothing until an operator installs and configures an exporter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace

_TRACER = "singsynth_mcp"


def trace_context() -> dict[str, str]:
    """Return the W3C trace context (traceparent, tracestate) of what is being done now; empty without a trace."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


@contextmanager
def job_span(tool: str, role: str, asked_in: Mapping[str, str] | None = None) -> Iterator[None]:
    """Do a job's work as a span, under the current one or under `asked_in`, the context of another process."""
    context = propagate.extract(asked_in) if asked_in else None
    attributes = {"singsynth.tool": tool, "singsynth.role": role}
    tracer = trace.get_tracer(_TRACER)
    # Exceptions are not recorded: their texts may quote lyrics.
    with tracer.start_as_current_span(
        f"job {tool}", context=context, attributes=attributes, record_exception=False, set_status_on_exception=False
    ):
        yield
