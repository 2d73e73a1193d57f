"""Two gpu servers of one role each, a worker for each role, one Redis: the sound of one process."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import numpy as np
import pytest
import soundfile
from mcp.client._memory import InMemoryTransport

from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.cpu_server import app as cpu
from singsynth_mcp.gpu_server import app as gpu
from singsynth_mcp.gpu_server.worker import perform_with
from singsynth_mcp.jobs.engines import job_worker
from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.connect import client_to
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.settings import Settings
from tests import voicebank_factory as factory
from tests.processes import ROOT
from tests.proxy.made_upstreams import client_of
from tests.redis_server import redis_server

SONG = str(ROOT / "tests" / "scores" / "09-ja-usagi.musicxml")
ROLES = ("inference", "vocoder")


def settings_in(folder, name, **more):
    factory.plain(folder / "banks" / "plain")
    return Settings(
        voicebanks=(folder / "banks",),
        default_voicebank="plain",
        threads=1,
        artifacts=folder / name / "artifacts",
        output=folder / name / "music",
        **more,
    )


def proxy_over(settings):
    """Return a proxy over a cpu server and a gpu server of each role."""
    servers = {"cpu": cpu.build_server(settings)} | {role: gpu.build_server(settings, role=role) for role in ROLES}

    @asynccontextmanager
    async def dial(spec, callbacks):
        async with client_to(InMemoryTransport(servers[spec.args[0]]), callbacks) as client:
            yield client

    return build_server(settings, {name: UpstreamSpec(command="memory", args=(name,)) for name in servers}, dial)


@asynccontextmanager
async def workers(settings):
    """Run a worker for each role."""
    stopping = anyio.Event()
    async with AsyncExitStack() as stack, anyio.create_task_group() as group:
        for role in ROLES:
            worker = job_worker(perform_with(settings), settings)
            stack.push_async_callback(worker.close)
            group.start_soon(worker.run, (role,), 1, stopping)
        yield
        stopping.set()


@pytest.mark.parametrize("queued", [False, True], ids=["two servers", "two workers"])
async def test_two_roles_sing_as_one_process(queued, tmp_path):
    alone = await sing(SingRequest(path=SONG, output="song.wav"), LocalCaller(settings_in(tmp_path, "alone")))
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_server()) if queued else None
        settings = settings_in(tmp_path, "apart", redis=redis and redis.url)
        if queued:
            await stack.enter_async_context(workers(settings))
        client = await stack.enter_async_context(client_of(proxy_over(settings), "auto"))
        called = await client.call_tool("sing", {"path": SONG, "output": "song.wav", "wait_seconds": 45})
        listed = (await client.call_tool("list_jobs", {})).structured_content["jobs"]
    sung = called.structured_content
    assert sung["state"] == "done", sung
    assert sung["parts"] == [part.model_dump() for part in alone.parts]
    np.testing.assert_array_equal(soundfile.read(sung["path"])[0], soundfile.read(alone.path)[0])
    assert {row["state"] for row in listed} == {"done"}
    assert {row["job_id"].partition("-")[0] for row in listed} == {"proxy", "cpu", *ROLES}
