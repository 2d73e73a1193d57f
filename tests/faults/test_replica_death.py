"""Two cpu servers behind one name, one of them killed under load: no call fails, nor the file that one makes."""

from __future__ import annotations

import json

import anyio
import pytest

from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.files import RemoteFiles
from singsynth_mcp.settings import Settings
from tests.faults.test_upstream_death import free_port
from tests.processes import listening
from tests.proxy.made_upstreams import client_of

pytestmark = pytest.mark.slow


def song(lane, n):
    return json.dumps({"tempo": 60 + lane, "notes": [["C4", 1, "la"], ["E4", 1 + n, "la"]]})


async def test_one_of_two_replicas_killed_under_load(tmp_path, monkeypatch):
    ports = [free_port(), free_port()]
    commands = [("-m", "singsynth_mcp", "cpu", "--transport", "http", "--port", str(port)) for port in ports]
    env = {"SINGSYNTH_ARTIFACTS": str(tmp_path / "store"), "SINGSYNTH_OUTPUT": str(tmp_path / "there")}
    urls = tuple(f"http://127.0.0.1:{port}/mcp" for port in ports)
    proxy = build_server(Settings(output=tmp_path / "here"), {"cpu": UpstreamSpec(urls=urls)})
    answers, fetch = [], RemoteFiles.incoming

    async def kill_first(*arguments):
        if len(answers) >= 16 and first.returncode is None:
            first.kill()
            await first.wait()
        return await fetch(*arguments)

    monkeypatch.setattr(RemoteFiles, "incoming", kill_first)  # where a file is to be had from it
    async with (
        listening(commands[0], env) as (_, first),
        listening(commands[1], env),
        client_of(proxy, "auto") as client,
    ):

        async def call(lane):
            for n in range(8):
                parsed = await client.call_tool("parse_score", {"text": song(lane, n)})
                score = parsed.structured_content.get("id", "")
                answers.append(parsed)
                answers.append(
                    await client.call_tool("export", {"score": score, "format": "midi", "output": f"{lane}-{n}.mid"})
                )

        with anyio.fail_after(90):
            async with anyio.create_task_group() as group:
                for lane in range(4):
                    group.start_soon(call, lane)
        assert first.returncode is not None
        assert len(answers) == 64
        assert [answer.content for answer in answers if answer.is_error] == []
        assert len(list((tmp_path / "here").glob("*.mid"))) == 32
