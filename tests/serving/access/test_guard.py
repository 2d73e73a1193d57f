from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import httpx2
import pytest
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse

from singsynth_mcp.artifacts.tenants import TENANT
from singsynth_mcp.contracts.audio import AudioResult
from singsynth_mcp.serving import transports
from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.access.guard import Guard
from singsynth_mcp.serving.access.keys import KeyFile, KeyLimits, add_key, remove_key
from singsynth_mcp.serving.access.ledger import Ledger
from singsynth_mcp.serving.transports import http_app
from tests.serving.http_clients import headers, message, post_call, served
from tests.serving.made_server import made_server

LIST = message("tools/list")
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
MEL = {"mel": "mel-0123456789ab"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


async def list_tools(client, token=None):
    return await client.post("/mcp", json=LIST, headers=headers("tools/list", token))


async def test_no_token_a_wrong_one_one_taken_back_one_that_has_ended_and_a_good_one(path):
    good, gone = add_key(path, "alice"), add_key(path, "bob")
    ended = add_key(path, "carol", expires=datetime.now(UTC) - timedelta(seconds=1))
    async with served(made_server(), access=Access(token="own", keys=KeyFile(path))) as client:
        before = await list_tools(client, gone)
        remove_key(path, "bob")
        answers = [await list_tools(client, token) for token in (None, "wrong", gone, ended, good, "own")]
        basic = await client.post("/mcp", json=LIST, headers={**headers("tools/list"), "authorization": "Basic b3du"})
    assert before.status_code == 200
    assert [each.status_code for each in answers] == [401, 401, 401, 401, 200, 200]
    assert basic.status_code == 401
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert 'error="invalid_token"' in answers[1].headers["www-authenticate"]
    assert "wrong" not in str(answers[1].json()["error_description"]).split()[0:1]


@pytest.mark.parametrize("path_", ["/mcp", "/metrics", "/usage", "/nothing"])
async def test_every_route_is_behind_the_guard_and_its_names(path_):
    async with served(made_server(), access=Access(token="own")) as client:
        assert (await client.get(path_)).status_code == 401
        foreign = {"authorization": "Bearer own", "host": "evil.example"}
        assert (await client.get(path_, headers=foreign)).status_code == 421
        foreign = {"authorization": "Bearer own", "origin": "https://evil.example"}
        assert (await client.get(path_, headers=foreign)).status_code == 403


async def test_a_key_that_asks_too_often_is_told_when_to_ask_again(path):
    alice = add_key(path, "alice", limits=KeyLimits(requests_per_minute=2))
    bob = add_key(path, "bob")
    async with served(made_server(), access=Access(keys=KeyFile(path))) as client:
        answers = [await list_tools(client, alice) for _ in range(3)]
        other = await list_tools(client, bob)
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert answers[2].json()["error"] == "rate_limited"
    assert other.status_code == 200


async def test_a_server_with_its_hands_full_says_so_at_once():
    started, may_end = anyio.Event(), anyio.Event()

    async def vocode(request, on_progress):
        started.set()
        await may_end.wait()
        return AudioResult(id="audio-0123456789ab")

    async with served(made_server(vocode=vocode), access=Access(max_requests=1)) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(post_call, client, "vocode", MEL)
            await started.wait()
            refused = await list_tools(client)
            may_end.set()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert (await list_tools(client)).status_code == 200


async def test_a_call_of_100_mb_is_refused_before_it_is_read():
    read = 0

    async def body():
        nonlocal read
        for _ in range(100):
            read += 2**20
            yield b"x" * 2**20

    async with served(made_server(), access=Access(token="own")) as client:
        declared = {**headers("tools/list", "own"), "content-length": str(100 * 2**20)}
        by_length = await client.post("/mcp", content=b"{}", headers=declared)
        streamed = await client.post("/mcp", content=body(), headers=headers("tools/list", "own"))
        unknown = await client.post("/mcp", content=body(), headers=headers("tools/list"))
    assert [each.status_code for each in (by_length, streamed, unknown)] == [413, 413, 401]


async def test_older_clients_cannot_open_sessions_without_end(monkeypatch):
    monkeypatch.setattr(transports, "_MOST_SESSIONS", 2)
    accept = {"accept": "application/json, text/event-stream"}
    async with served(made_server()) as client:
        opened = [await client.post("/mcp", json=INITIALIZE, headers=accept) for _ in range(3)]
        assert [each.status_code for each in opened] == [200, 200, 503]
        assert (await list_tools(client)).status_code == 200
        await client.delete("/mcp", headers={**accept, "mcp-session-id": opened[0].headers["mcp-session-id"]})
        assert (await client.post("/mcp", json=INITIALIZE, headers=accept)).status_code == 200


async def test_a_session_belongs_to_whoever_opened_it(path):
    alice, bob = add_key(path, "alice"), add_key(path, "bob")
    async with served(made_server(), access=Access(keys=KeyFile(path))) as client:
        accept = {"accept": "application/json, text/event-stream"}
        opened = await client.post("/mcp", json=INITIALIZE, headers={**accept, "authorization": f"Bearer {alice}"})
        session = {**accept, "mcp-session-id": opened.headers["mcp-session-id"]}
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        answers = [
            await client.post("/mcp", json=listing, headers={**session, "authorization": f"Bearer {token}"})
            for token in (bob, alice)
        ]
    assert [each.status_code for each in answers] == [404, 200]


async def test_figures_are_for_the_servers_own_token(path):
    alice = add_key(path, "alice")

    async def vocode(request, on_progress):
        return AudioResult(id="audio-0123456789ab")

    async with served(made_server(vocode=vocode), access=Access(token="own", keys=KeyFile(path))) as client:
        await client.get("/metrics", headers={"authorization": "Bearer own"})
        await post_call(client, "vocode", MEL, alice)
        await post_call(client, "get_job", {"job_id": "made-000000000000"}, alice)
        await post_call(client, "made up by a client", {}, alice)
        await list_tools(client, "wrong")
        refused = await client.get("/metrics", headers={"authorization": f"Bearer {alice}"})
        shown = await client.get("/metrics", headers={"authorization": "Bearer own"})
    assert refused.status_code == 403
    for figure in (
        'singsynth_tool_calls_total{outcome="ok",tool="vocode"}',
        'singsynth_tool_call_seconds_count{tool="vocode"}',
        'singsynth_stage_seconds_count{tool="vocode"}',
        'singsynth_job_wait_seconds_count{role="vocoder"}',
        'singsynth_errors_total{code="unknown_job"}',
        'singsynth_jobs_queued{role="vocoder"} 0.0',
        'singsynth_tool_calls_total{outcome="error",tool="other"}',
        'singsynth_http_refusals_total{status="401"}',
    ):
        assert figure in shown.text
    assert "made up" not in shown.text


async def test_an_open_server_on_this_machine_needs_no_token():
    async with served(made_server()) as client:
        assert (await list_tools(client)).status_code == 200
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/usage")).status_code == 404


async def test_a_ledger_that_cannot_be_read_is_said_so(tmp_path):
    server, path = made_server(), tmp_path / "ledger.sqlite"
    server.accounts.meter.ledger = Ledger(path)
    async with served(server) as client:
        assert (await client.get("/usage")).json()["usage"] == []
        path.unlink()
        path.mkdir()
        answer = await client.get("/usage")
    assert answer.status_code == 503
    assert f"the ledger {path} cannot be read" in answer.text


async def test_sse_is_behind_the_same_guard(path):
    alice = add_key(path, "alice")
    app = http_app(made_server(), "sse", access=Access(keys=KeyFile(path), max_request_bytes=2048))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        post = "/messages/?session_id=00000000000000000000000000000000"
        json = {"content-type": "application/json"}
        assert (await client.get("/sse")).status_code == 401
        assert (await client.post(post, content=b"{}", headers=json)).status_code == 401
        known = json | {"authorization": f"Bearer {alice}"}
        assert (await client.post(post, content=b"x" * 4096, headers=known)).status_code == 413
        assert (await client.post(post, content=b"{}", headers=known)).status_code == 404


async def test_routes_beside_mcp_work_for_the_tenant_of_the_token(path):
    alice, worked_for = add_key(path, "alice", "acme"), []

    async def route(scope, receive, send):
        worked_for.append(TENANT.get())
        await PlainTextResponse("")(scope, receive, send)

    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = Guard(route, Access(token="own", keys=KeyFile(path)), security)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://localhost") as client:
        answers = [
            await client.get("/artifacts/x", headers={"authorization": f"Bearer {token}", **more})
            for token, more in (
                (alice, {}),
                ("own", {}),
                ("own", {"singsynth-tenant": "acme"}),
                (alice, {"singsynth-tenant": "other"}),
                ("own", {"singsynth-tenant": "../x"}),
            )
        ]
    assert [each.status_code for each in answers] == [200, 200, 200, 403, 403]
    assert worked_for == ["acme", "local", "acme"]


async def test_probes_need_no_token_and_no_name():
    async with served(made_server(), access=Access(token="own")) as client:
        for path_ in ("/healthz", "/readyz"):
            answer = await client.get(path_, headers={"host": "10.1.2.3:8000"})
            assert answer.status_code not in (401, 421)


async def test_there_are_no_websockets_round_the_guard():
    sent = []

    async def send(message):
        sent.append(message)

    app = http_app(made_server(), "http", access=Access(token="own"))
    await app({"type": "websocket", "path": "/mcp", "headers": []}, None, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
