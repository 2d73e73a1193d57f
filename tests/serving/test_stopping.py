"""An HTTP server that is told to stop ends in good order."""

from __future__ import annotations

import signal
from contextlib import suppress

import httpx2

from singsynth_mcp.serving.access.ledger import Ledger, today
from tests.processes import listening
from tests.serving.http_clients import call, headers, message


async def test_what_it_counted_is_written_and_its_end_is_no_error(tmp_path):
    env = {"SINGSYNTH_LEDGER": str(tmp_path / "ledger.sqlite")}
    async with listening(("-m", "singsynth_mcp", "cpu", "--transport", "http", "--port", "0"), env) as (url, process):
        async with httpx2.AsyncClient(base_url=url.removesuffix("/mcp"), trust_env=False) as client:
            for _ in range(3):
                await call(client, "list_jobs", {})
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    lines = Ledger(tmp_path / "ledger.sqlite").lines(today())
    assert [(line.tool, line.use.requests) for line in lines] == [("list_jobs", 3)]


async def test_a_call_without_end_keeps_it_no_longer_than_it_may():
    async with listening(("-m", "tests.faults.child", "http", "0"), {"DRAIN_SECONDS": "1"}) as (url, process):
        body = message("tools/call", {"progressToken": 1}, name="vocode", arguments={"mel": "mel-0123456789ab"})
        named = headers("tools/call", name="vocode")
        async with httpx2.AsyncClient(base_url=url.removesuffix("/mcp"), trust_env=False, timeout=60) as client:
            with suppress(httpx2.HTTPError):  # it breaks off
                async with client.stream("POST", "/mcp", json=body, headers=named) as answer:
                    async for line in answer.aiter_lines():
                        if "vocode" in line and process.returncode is None:
                            process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
