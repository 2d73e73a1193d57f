from __future__ import annotations

import os
import signal
import socket
import sys

import anyio
import pytest

from singsynth_mcp.errors import UpstreamDied
from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.proxy.caller import UpstreamCaller
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.upstreams import Upstreams
from singsynth_mcp.serving.notices import Notices
from singsynth_mcp.settings import Settings
from tests.processes import environment, listening
from tests.proxy.made_upstreams import client_of

CHILD = UpstreamSpec(command=sys.executable, args=("-m", "tests.faults.child"), env=environment())
QUICK = {"mel": "mel-0123456789ab", "phrases": "1"}
ENDLESS = {"mel": "mel-0123456789ab"}
eras = pytest.mark.parametrize("era", ["auto", "legacy"])


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


async def call_and_kill(client, kill):
    """Call the endless tool, kill its server once it works; return the result, which must come without its end."""
    killed = []

    async def on_progress(progress, total, message):
        if not killed and message and message.startswith("vocode: "):
            killed.append(int(message.removeprefix("vocode: ")))
            kill(killed[0])

    return await client.call_tool("vocode", ENDLESS, progress_callback=on_progress)


def kill_nine(pid):
    os.kill(pid, signal.SIGKILL)


@eras
async def test_a_killed_child_is_named_at_once_and_the_next_call_works(era):
    async with client_of(build_server(Settings(), {"gpu": CHILD}), era) as client:
        first = await client.call_tool("vocode", QUICK)
        result = await call_and_kill(client, kill_nine)
        again = await client.call_tool("vocode", QUICK)
    error = result.structured_content["error"]
    assert (result.is_error, error["code"], error["retryable"]) == (True, "upstream_died", True)
    assert "'gpu'" in error["message"]
    assert "call again" in error["hint"]
    assert first.structured_content["sample_rate"] != again.structured_content["sample_rate"]


async def test_a_child_killed_while_idle_is_started_again_without_a_word(tmp_path):
    upstreams = Upstreams({"gpu": CHILD}, tmp_path, Notices(), frozenset())
    caller = UpstreamCaller(upstreams)
    try:
        first = await caller.call("vocode", QUICK)
        kill_nine(first["sample_rate"])
        while upstreams["gpu"].alive:
            await anyio.wait_all_tasks_blocked()
        assert (await caller.call("vocode", QUICK))["sample_rate"] != first["sample_rate"]
    finally:
        await upstreams.close()


async def test_the_recipes_caller_says_that_the_stage_was_interrupted(tmp_path):
    upstreams = Upstreams({"gpu": CHILD}, tmp_path, Notices(), frozenset())
    upstreams.open()
    caller = UpstreamCaller(upstreams)

    async def kill(progress):
        kill_nine(int(progress.message))

    try:
        with pytest.raises(UpstreamDied, match="'gpu'"):
            await caller.call("vocode", ENDLESS, kill)
        assert (await caller.call("vocode", QUICK))["id"] == "audio-0123456789ab"
    finally:
        await upstreams.close()


@eras
async def test_an_http_upstream_that_is_killed_and_started_again(era):
    port = free_port()
    args = ("-m", "tests.faults.child", "http", str(port))
    proxy = build_server(Settings(), {"gpu": UpstreamSpec(url=f"http://127.0.0.1:{port}/mcp")})
    async with client_of(proxy, era) as client:
        async with listening(args) as (_, process):
            assert not (await client.call_tool("vocode", QUICK)).is_error
            result = await call_and_kill(client, lambda _: process.kill())
            await process.wait()
        assert result.structured_content["error"]["code"] == "upstream_died"
        async with listening(args):
            again = await client.call_tool("vocode", QUICK)
            assert not again.is_error, again.content


@eras
async def test_an_http_upstream_restarted_between_calls(era):
    port = free_port()
    args = ("-m", "tests.faults.child", "http", str(port))
    proxy = build_server(Settings(), {"gpu": UpstreamSpec(url=f"http://127.0.0.1:{port}/mcp")})
    async with client_of(proxy, era) as client:
        for _ in range(2):
            async with listening(args):
                result = await client.call_tool("vocode", QUICK)
                assert not result.is_error, result.content


async def test_an_upstream_that_cannot_be_reached_or_started_is_named_with_the_reason():
    specs = {
        "far": UpstreamSpec(url=f"http://127.0.0.1:{free_port()}/mcp"),
        "gone": UpstreamSpec(command="/no/such/command"),
        "gpu": CHILD,
    }
    async with client_of(build_server(Settings(), specs), "auto") as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert "vocode" in tools
        assert not (await client.call_tool("vocode", QUICK)).is_error
        sung = await client.call_tool("sing", {"text": "<score-partwise/>"})
    assert "parse_score" in sung.structured_content["error"]["message"]


async def test_an_upstream_that_keeps_dying_is_left_alone_for_a_while():
    broken = UpstreamSpec(command=sys.executable, args=("-c", "raise SystemExit(3)"))
    settings = Settings()
    upstreams = Upstreams({"bad": broken}, settings.cache, Notices(), frozenset())
    reasons = []
    with anyio.fail_after(30):
        for _ in range(3):
            try:
                await upstreams["bad"].listing()
            except Exception as error:
                reasons.append(error)
        await upstreams.close()
    assert [type(error).__name__ for error in reasons] == ["UpstreamUnavailable"] * 3
    assert "tried again in" in str(reasons[-1])
