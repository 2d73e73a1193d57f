"""One trace from the host through the proxy into its servers, as a collector sees it."""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
import anyio.to_thread
import pytest
from mcp import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.processes import environment, python

TRACE = "0af7651916cd43dd8448eb211c80319c"
LYRIC = "ひみつ"
EXPECTED = {
    ("singsynth", "tools/call parse_score"),
    ("singsynth-cpu", "tools/call parse_score"),
    ("singsynth", "tools/call export"),
    ("singsynth-cpu", "tools/call export"),
    ("singsynth-cpu", "job export"),
}
NOTES = '{"notes": [{"pitch": "C4", "beats": 1, "lyric": "%s"}]}'


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes], threading.Semaphore]]:
    """Take what is exported; yield the address, the requests, and a semaphore that counts them."""
    received: list[bytes] = []
    came = threading.Semaphore(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            came.release()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", received, came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def spans_of(received: list[bytes]) -> set[tuple[str, str]]:
    """Return service and name of the spans of our trace."""
    found = set()
    for body in received:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            )
            for scope in resource.scope_spans:
                found |= {(service, span.name) for span in scope.spans if span.trace_id.hex() == TRACE}
    return found


@pytest.mark.slow
async def test_a_call_is_one_trace_from_the_host_to_the_server_that_does_it(tmp_path):
    with collector() as (url, received, came):
        cpu = {"command": sys.executable, "args": ["-m", "singsynth_mcp", "cpu"]}
        exporting = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "50"})
        config = tmp_path / "upstreams.json"
        config.write_text(json.dumps({"mcpServers": {"cpu": cpu | {"env": exporting}}}), encoding="utf-8")
        async with Client(
            python("-m", "singsynth_mcp", "proxy", "--config", str(config), env=exporting), mode="auto"
        ) as client:
            meta = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
            score = await client.call_tool("parse_score", {"text": NOTES % LYRIC}, meta=meta)
            arguments = {"score": score.structured_content["id"], "format": "musicxml"}
            done = await client.call_tool("export", arguments, meta=meta)
            while not spans_of(received) >= EXPECTED:
                await anyio.to_thread.run_sync(came.acquire, abandon_on_cancel=True)
        assert not done.is_error, done.content
    assert LYRIC.encode() not in b"".join(received)
