"""The servers as hosts start them: processes of their own, over stdio, streamable HTTP and SSE, in both eras."""

from __future__ import annotations

import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from singsynth_mcp.contracts.tools import TOOLS, tools_of
from tests.processes import listening, python

eras = pytest.mark.parametrize("era", ["auto", "legacy"])
TOKEN = {"Authorization": "Bearer secret"}


async def check(client, server):
    """Check that a server lists what its contracts say, and answers a call and an error."""
    listed = [tool.name for tool in (await client.list_tools()).tools]
    assert listed == [spec.name for spec in tools_of(server)]
    jobs = await client.call_tool("list_jobs", {})
    assert jobs.structured_content == {"state": "done", "jobs": [], "total": 0}
    wrong = await client.call_tool("get_job", {})
    assert wrong.content[0].text.startswith("invalid_request: get_job cannot take these arguments: job_id")


@eras
@pytest.mark.parametrize("server", ["cpu", "gpu"])
async def test_stdio(server, era):
    async with Client(python("-m", "singsynth_mcp", server), mode=era) as client:
        await check(client, server)


async def test_streamable_http_in_both_eras_with_a_token():
    args = ("-m", "singsynth_mcp", "cpu", "--transport", "http", "--port", "0")
    async with listening(args, {"SINGSYNTH_TOKEN": "secret"}) as (url, _):
        async with httpx2.AsyncClient() as web:
            assert (await web.post(url, json={})).status_code == 401
        for era in ("auto", "legacy"):
            async with (
                httpx2.AsyncClient(headers=TOKEN) as web,
                Client(streamable_http_client(url, http_client=web), mode=era) as client,
            ):
                await check(client, "cpu")


async def test_sse_in_both_eras_with_a_token():
    args = ("-m", "singsynth_mcp", "cpu", "--transport", "sse", "--port", "0")
    async with listening(args, {"SINGSYNTH_TOKEN": "secret"}) as (url, _):
        for era in ("auto", "legacy"):
            async with Client(sse_client(url, headers=TOKEN), mode=era) as client:
                await check(client, "cpu")


@eras
async def test_the_proxy_with_nothing_configured(era):
    names = {spec.name for spec in TOOLS.values()}
    async with Client(python("-m", "singsynth_mcp", "proxy"), mode=era) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == names
        assert len(tools) == len(names)
        voices = await client.call_tool("list_voicebanks", {})
        assert voices.structured_content["state"] == "done"
