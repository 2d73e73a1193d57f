"""The gpu server is killed while it works: `sing` goes on; a step tool's caller is told, and the next call works."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.settings import Settings
from tests.processes import ROOT
from tests.proxy.made_upstreams import client_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the child's process in /proc"),
]
LONGER = str(ROOT / "examples" / "haru-no-komichi.musicxml")
"""Of several phrases: there is work left after the first report."""


def gpu_process() -> int:
    """Return the process id of this process's child that is the gpu server."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (folder / "stat").is_file():
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            if int(parent) == os.getpid() and b"gpu" in words:
                return int(folder.name)
    raise AssertionError("the gpu server is not running")


class Killer:
    """Kills the gpu server at the first report of a stage, once."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self.killed = 0

    async def __call__(self, progress, total, message):
        if message and message.startswith(self._stage) and not self.killed:
            self.killed = gpu_process()
            os.kill(self.killed, signal.SIGKILL)


async def finish(client, result):
    """Wait through a job."""
    while result.structured_content["state"] in ("queued", "running"):
        result = await client.call_tool("get_job", {"job_id": result.structured_content["job_id"], "wait_seconds": 45})
    return result.structured_content.get("result") or result.structured_content


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_sing_repeats_the_interrupted_stage(era):
    killer = Killer("vocode")
    async with client_of(build_server(Settings()), era) as client:
        result = await client.call_tool("sing", {"path": LONGER, "wait_seconds": 45}, progress_callback=killer)
        sung = await finish(client, result)
        voices = await client.call_tool("list_voicebanks", {})
        alive = gpu_process()
    assert killer.killed
    assert alive != killer.killed
    assert sung["state"] == "done", sung
    assert Path(sung["path"]).is_file()
    assert voices.structured_content["state"] == "done"


async def test_a_step_tools_caller_is_told_and_the_next_call_works():
    killer = Killer("synthesize_audio")
    async with client_of(build_server(Settings()), "auto") as client:

        async def step(tool, **arguments):
            return await finish(client, await client.call_tool(tool, {**arguments}))

        score = await step("parse_score", path=LONGER)
        slow = {"operation": "set_tempo", "scale": 0.25}  # so that the work is not over before the kill is done
        score = await step("modify_score", score=score["id"], operations=[slow])
        phonemes = await step("phonemize", score=score["id"])
        performance = await step("align_phonemes_to_notes", score=score["id"], phonemes=phonemes["id"])
        for tool in ("predict_durations", "predict_pitch", "predict_variance"):
            performance = await step(tool, performance=performance["id"])
        arguments = {"performance": performance["id"], "wait_seconds": 45}
        told = await client.call_tool("synthesize_audio", arguments, progress_callback=killer)
        mel = await finish(client, await client.call_tool("synthesize_audio", arguments))
    assert killer.killed
    assert told.structured_content["error"]["code"] == "upstream_died"
    assert "'gpu'" in told.structured_content["error"]["message"]
    assert mel["id"].startswith("mel-")
