"""A client that is not ours: the official MCP Inspector in CLI mode lists the merged tools and sings, step by step."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import anyio
import numpy as np
import pytest
import soundfile

from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.settings import Settings
from tests.conformance import node
from tests.processes import ROOT, listening, python

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not node.is_installed(), reason="python -m tests.conformance.node installs the Inspector"),
]
_NOTE = (
    "<note><pitch><step>{}</step><octave>4</octave></pitch><duration>1</duration><lyric><text>{}</text></lyric></note>"
)
SCORE = (
    "<score-partwise><part-list><score-part id='P1'><part-name>Voice</part-name></score-part></part-list>"
    "<part id='P1'><measure number='1'><attributes><divisions>2</divisions></attributes>"
    + "".join(_NOTE.format(step, kana) for step, kana in zip("GEEFDDCC", "ちょうりすとおかね", strict=False))
    + "</measure></part></score-partwise>"
)
STAGES = ("predict_durations", "predict_pitch", "predict_variance")


class Inspector:
    """Runs the Inspector against one server."""

    def __init__(self, *target: str, options: tuple[str, ...] = ()) -> None:
        self._target = target
        self._options = options

    async def ask(self, method: str, *arguments: str) -> dict:
        command = [*node.program("@modelcontextprotocol/inspector", "mcp-inspector"), "--cli", *self._target]
        command += [*self._options, "--method", method, *arguments]
        done = await anyio.run_process(command, env=node.environment(), cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
        return json.loads(done.stdout)

    async def call(self, tool: str, **arguments: str | float) -> dict:
        """Return a tool's finished result; a call that became a job is asked for again."""
        given = [word for name, value in arguments.items() for word in ("--tool-arg", f"{name}={value}")]
        answer = await self.ask("tools/call", "--tool-name", tool, *given)
        facts = answer["structuredContent"]
        if facts["state"] in ("queued", "running"):
            return await self.call(tool, **arguments)
        assert facts["state"] == "done", answer["content"]
        return facts


@asynccontextmanager
async def inspecting(way, folder):
    """Yield an Inspector of a proxy over stdio (a new process a call) or streamable HTTP (one for all)."""
    env = {
        "SINGSYNTH_CACHE": str(folder),
        "SINGSYNTH_ARTIFACTS": str(folder / "artifacts"),
        "SINGSYNTH_OUTPUT": str(folder / "output"),
        "OMP_NUM_THREADS": "1",
    }
    if way == "stdio":
        server = python("-m", "singsynth_mcp", "proxy")
        options = tuple(word for name, value in env.items() for word in ("-e", f"{name}={value}"))
        yield Inspector(server.command, *server.args, options=options)
        return
    async with listening(("-m", "singsynth_mcp", "proxy", "--transport", "http", "--port", "0"), env) as (url, _):
        yield Inspector(url, options=("--transport", "http"))


async def step_by_step(inspector):
    """Sing by the step tools, one by one; return what save_audio says."""
    score = await inspector.call("parse_score", text=SCORE)
    phonemes = await inspector.call("phonemize", score=score["id"])
    performance = await inspector.call("align_phonemes_to_notes", score=score["id"], phonemes=phonemes["id"])
    for stage in STAGES:
        performance = await inspector.call(stage, performance=performance["id"], wait_seconds=45)
    mel = await inspector.call("synthesize_audio", performance=performance["id"], wait_seconds=45)
    audio = await inspector.call("vocode", mel=mel["id"], wait_seconds=45)
    return await inspector.call("save_audio", audio=audio["id"], output="steps.wav", wait_seconds=45)


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_it_lists_the_merged_tools(way, tmp_path):
    async with inspecting(way, tmp_path) as inspector:
        listed = await inspector.ask("tools/list")
    assert sorted(tool["name"] for tool in listed["tools"]) == sorted(TOOLS)
    assert all(tool["description"] and tool["title"] and tool["outputSchema"] for tool in listed["tools"])


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_sing_and_the_steps_and_the_library_give_equal_samples(way, tmp_path):
    async with inspecting(way, tmp_path / "sing") as inspector:
        sung = await inspector.call("sing", text=SCORE, output="sung.wav", wait_seconds=45)
    async with inspecting(way, tmp_path / "steps") as inspector:
        stepped = await step_by_step(inspector)
    local = await sing(SingRequest(text=SCORE, output="local.wav"), LocalCaller(Settings()))
    samples = [soundfile.read(result["path"])[0] for result in (sung, stepped, local.model_dump())]
    assert len(samples[0]) / sung["sample_rate"] > 1.5
    assert np.abs(samples[0]).max() > 0.05
    assert np.array_equal(samples[0], samples[1])
    assert np.array_equal(samples[0], samples[2])
