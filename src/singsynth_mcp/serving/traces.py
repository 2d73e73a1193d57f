"""OpenTelemetry: where the spans go that the SDK makes of requests and jobs/traces.py of jobs.

A trace passes from the host through the proxy, its upstreams and the workers: W3C trace context in the `_meta` of
requests and in queued jobs. Nothing is recorded unless OTEL_EXPORTER_OTLP_ENDPOINT (or its _TRACES_ form) is set.
"""

from __future__ import annotations

import os

from singsynth_mcp.errors import InvalidRequest

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def export_traces(service: str) -> None:
    """Send this process's spans, as `service` or OTEL_SERVICE_NAME, where the environment says; else do nothing.

    Raises InvalidRequest where the packages for it are not installed.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        message = f"{_ENDPOINTS[0]} is set, but {error.name or 'its exporter'} is not installed"
        raise InvalidRequest(message, hint="Install it: pip install 'singsynth-mcp[traces]'.") from None
    resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", service)})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
