from __future__ import annotations

import httpx2
import pytest

from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.transports import http_app
from tests.serving.made_server import made_server


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_probes_need_no_token_and_hear_what_is_waited_for(transport):
    server = made_server()
    server.readiness.wait_for("models", "they are being opened")
    app = http_app(server, transport, access=Access(token="secret"))
    web = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://10.1.2.3:8000")
    async with web:
        alive, waiting = await web.get("/healthz"), await web.get("/readyz")
        server.readiness.settled("models")
        ready, other = await web.get("/readyz"), await web.get("/mcp", headers={"host": "localhost:8000"})
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (waiting.status_code, waiting.json()["for"]) == (503, {"models": "they are being opened"})
    assert (ready.status_code, other.status_code) == (200, 401)
