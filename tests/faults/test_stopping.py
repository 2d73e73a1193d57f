"""HTTP servers told to stop: who is being served gets an answer, and everything is left before the process ends."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.faults.test_upstream_death import ENDLESS
from tests.processes import listening, until
from tests.serving.http_clients import call

CHILD = ("-m", "tests.faults.child", "http", "0")
UNTIL_TOLD = {"mel": "mel-0123456789ab", "phrases": "2"}
SONG = {"text": '{"tempo": 60, "notes": [["C4", 1, "la"]]}'}


async def closed(url):
    """Return when a server takes no more connections."""
    address = urlsplit(url)
    while True:
        try:
            await (await anyio.connect_tcp(address.hostname, address.port)).aclose()
        except OSError:
            return
        await anyio.sleep(0.02)


def children_of(process):
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]


async def test_calls_under_way_are_answered_and_open_streams_do_not_hold_the_server(tmp_path):
    answers, begun = [], []

    async def note(progress, total, message):
        begun.append(message)

    async def ask(client):
        answers.append(await client.call_tool("vocode", UNTIL_TOLD, progress_callback=note))

    async def listen(client, *, task_status):
        async with client.listen(tools_list_changed=True) as events:
            task_status.started()
            async for _ in events:
                pass

    async with (
        listening(CHILD, {"UNTIL": str(tmp_path / "go")}) as (url, process),
        Client(streamable_http_client(url), mode="auto") as newer,
        Client(streamable_http_client(url), mode="legacy") as older,  # has a stream from the start
        anyio.create_task_group() as group,
    ):
        await group.start(listen, newer)
        for client in (newer, older):
            await client.list_tools()  # clients would ask when the answer has come
            group.start_soon(ask, client)
        with anyio.fail_after(60):
            await until(lambda: len(begun) == 2)
            process.terminate()
            await closed(url)
            (tmp_path / "go").touch()
            assert await process.wait() == 0
    assert [each.structured_content["id"] for each in answers] == ["audio-0123456789ab"] * 2


async def test_work_that_takes_too_long_is_stopped_before_the_process_ends(tmp_path):
    async with (
        listening(CHILD, {"DRAIN_SECONDS": "0", "ENDED": str(tmp_path / "ended")}) as (url, process),
        httpx2.AsyncClient(base_url=url.removesuffix("/mcp"), timeout=60) as client,
    ):
        started = await call(client, "vocode", {**ENDLESS, "wait_seconds": 0})
        assert started.structured_content["state"] == "running"
        process.send_signal(signal.SIGINT)
        with anyio.fail_after(60):
            assert await process.wait() == -signal.SIGINT
    assert (tmp_path / "ended").exists()


async def test_a_proxy_writes_down_what_was_used_and_ends_its_children(tmp_path):
    env = {"SINGSYNTH_LEDGER": str(tmp_path / "usage.sqlite"), "SINGSYNTH_ARTIFACTS": str(tmp_path / "store")}
    command = ("-m", "singsynth_mcp", "proxy", "--transport", "http", "--port", "0")
    async with (
        listening(command, env) as (url, process),
        httpx2.AsyncClient(base_url=url.removesuffix("/mcp"), timeout=60) as client,
    ):
        with closing(sqlite3.connect(tmp_path / "usage.sqlite")) as held, held:
            held.execute("BEGIN IMMEDIATE")  # nothing can be written to the ledger meanwhile
            assert not (await call(client, "parse_score", SONG)).is_error
            children = children_of(process)
            assert len(children) == 2
            process.terminate()
            with anyio.fail_after(60):
                await closed(url)
                await until(lambda: not any(Path("/proc", child).exists() for child in children))
        with anyio.fail_after(60):
            assert await process.wait() == 0
    with closing(sqlite3.connect(tmp_path / "usage.sqlite")) as ledger:
        rows = ledger.execute("SELECT tool, requests FROM usage").fetchall()
    assert rows == [("parse_score", 1)]
