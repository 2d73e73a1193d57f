"""Clients that vanish, come all at once, or send too much, against servers in processes of their own."""

from __future__ import annotations

import json
from collections import Counter

import anyio
import httpx2
import pytest
from mcp import Client

from tests.processes import listening, python
from tests.serving.http_clients import call, headers, message, post_call

QUICK = {"mel": "mel-0123456789ab", "phrases": "1"}
ENDLESS = {"mel": "mel-0123456789ab"}
CHILD = ("-m", "tests.faults.child", "http", "0")
CLIENTS = 1000


async def state_of_endless(client):
    """Return the state of the newest job that is no quick one."""
    jobs = (await call(client, "list_jobs", {})).structured_content["jobs"]
    return jobs[0]["state"]


async def test_the_work_of_a_client_that_vanishes_stops_and_its_place_is_free():
    async with listening(CHILD, {"MAX_REQUESTS": "1"}) as (url, _):
        base = url.removesuffix("/mcp")
        async with httpx2.AsyncClient(base_url=base) as client:
            body = message("tools/call", {"progressToken": 1}, name="vocode", arguments=ENDLESS)
            named = headers("tools/call", name="vocode")
            async with (
                httpx2.AsyncClient(base_url=base) as vanishing,
                vanishing.stream("POST", "/mcp", json=body, headers=named) as answer,
            ):
                async for line in answer.aiter_lines():
                    if "vocode" in line:
                        assert (await post_call(client, "list_jobs", {})).status_code == 503
                        break
            while (await post_call(client, "list_jobs", {})).status_code == 503:
                await anyio.lowlevel.checkpoint()
            while await state_of_endless(client) == "running":
                await anyio.lowlevel.checkpoint()
            assert await state_of_endless(client) == "cancelled"
            assert not (await call(client, "vocode", QUICK)).is_error


@pytest.mark.slow
async def test_of_a_thousand_clients_at_once_each_is_answered_or_told_to_come_again():
    answers: list[httpx2.Response] = []
    async with listening(CHILD, {"MAX_REQUESTS": "200"}) as (url, process):
        transport = httpx2.AsyncHTTPTransport(
            limits=httpx2.Limits(max_connections=CLIENTS, max_keepalive_connections=0)
        )
        async with httpx2.AsyncClient(
            base_url=url.removesuffix("/mcp"), transport=transport, timeout=60, trust_env=False
        ) as web:

            async def ask():
                answers.append(await post_call(web, "vocode", QUICK))

            async with anyio.create_task_group() as group:
                for _ in range(CLIENTS):
                    group.start_soon(ask)
            after = await call(web, "vocode", QUICK)
        assert process.returncode is None
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {200, 503}
    assert statuses[200] >= 200
    for answer in answers:
        if answer.status_code == 503:
            assert answer.headers["retry-after"]
        else:
            assert answer.json()["result"]["structuredContent"]["id"] == "audio-0123456789ab"
    assert not after.is_error


@pytest.mark.slow
async def test_a_call_of_100_mb_over_stdio_is_an_error_and_the_next_one_works():
    async with Client(python("-m", "singsynth_mcp", "cpu"), mode="auto") as client:
        large = await client.call_tool("parse_score", {"text": "x" * 100 * 2**20})
        after = await client.call_tool("list_jobs", {})
    assert large.structured_content["error"]["code"] in ("invalid_score", "unsupported_format", "invalid_request")
    assert len(json.dumps(large.structured_content)) < 4096
    assert not after.is_error
