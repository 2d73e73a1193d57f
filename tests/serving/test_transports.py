from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager

import httpx2
import pytest

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.transports import bound, http_app, is_loopback, run
from singsynth_mcp.settings import Settings
from tests.serving.made_server import made_server

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
ACCEPT = {"accept": "application/json, text/event-stream"}


@asynccontextmanager
async def web(host="127.0.0.1", **options):
    """Yield a web client of a made server's streamable HTTP app."""
    server = made_server()
    app = http_app(server, "http", host=host, **options)
    async with (
        server.session_manager.run(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://localhost:8000") as client,
    ):
        yield client


async def test_without_its_token_nobody_gets_in():
    async with web(access=Access(token="secret")) as client:
        none = await client.post("/mcp", json=INITIALIZE, headers=ACCEPT)
        wrong = await client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, "authorization": "Bearer secre"})
        right = await client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, "authorization": "Bearer secret"})
    assert [each.status_code for each in (none, wrong, right)] == [401, 401, 200]
    assert none.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("host", "evil.example", 421),
        ("host", "localhost:1234", 200),
        ("host", "127.0.0.1", 200),
        ("origin", "http://evil.example", 403),
        ("origin", "http://localhost:6274", 200),
    ],
)
async def test_a_page_elsewhere_cannot_reach_a_local_server(header, value, status):
    async with web() as client:
        answer = await client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, header: value})
    assert answer.status_code == status


async def test_an_open_host_answers_to_its_own_names_only(monkeypatch):
    monkeypatch.setenv("SINGSYNTH_ALLOWED_HOSTS", "gpu.lan, 10.1.2.3")
    async with web("0.0.0.0", access=Access(token="t"), allowed_hosts=Settings().allowed_hosts) as client:
        answers = [
            await client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, "authorization": "Bearer t", "host": host})
            for host in ("gpu.lan:8000", "10.1.2.3", f"{socket.gethostname()}:8000", "evil.example")
        ]
    assert [each.status_code for each in answers] == [200, 200, 200, 421]


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "gpu.lan"])
def test_an_open_host_without_a_token_is_refused(transport, host):
    with pytest.raises(InvalidRequest, match="SINGSYNTH_TOKEN"):
        http_app(made_server(), transport, host=host)


def test_what_only_this_machine_reaches():
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "localhost.example"))


async def test_a_port_in_use_is_an_error_with_a_remedy():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InvalidRequest, match="--port"):
        await run(made_server(), "http", port=taken.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_answers_in_several_writes_do_not_wait_for_each_other(host):
    at_once = []

    async def serve(reader, writer):
        at_once.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with bound(host, 0) as listener:
        async with await asyncio.start_server(serve, sock=listener):
            reader, writer = await asyncio.open_connection(host, listener.getsockname()[1])
            await reader.read()
            writer.close()
            await writer.wait_closed()
    assert at_once != [0]
    assert len(at_once) == 1
