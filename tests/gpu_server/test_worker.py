"""A gpu server that only takes calls, and a worker that does them: the same answers as from one process."""

from __future__ import annotations

import anyio
import pytest
from mcp import Client

from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.calling import ignore_progress
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.gpu_server.app import build_server
from singsynth_mcp.gpu_server.worker import perform_with
from singsynth_mcp.jobs.engines import job_worker
from singsynth_mcp.voicebanks import get_voicebank
from tests import voicebank_factory as factory
from tests.gpu_server.conftest import CHAIN, Gpu
from tests.redis_server import redis_server
from tests.singing import phrase_of, store_performance

PHRASES = [(3.0 * n, phrase_of([(0.0, 0.5, tone, "k a")])) for n, tone in enumerate((60.0, 62.0))]


async def test_two_roles_sing_as_one_process(gpu: Gpu, tmp_path) -> None:
    factory.plain(gpu.banks / "plain")
    expected = await gpu.chain(await gpu.performance("plain", PHRASES))
    settings = gpu.services.settings.model_copy(update={"artifacts": tmp_path / "elsewhere"})
    store = FolderStore.from_settings(settings)
    artifact = await store_performance(store, get_voicebank("plain", settings.voicebanks), PHRASES)
    async with redis_server() as redis:
        settings = type(settings).model_validate({**settings.model_dump(), "redis": redis.url})
        workers = [job_worker(perform_with(settings), settings) for _ in range(2)]
        stopping, answers = anyio.Event(), []
        async with anyio.create_task_group() as group:
            for worker, role in zip(workers, ("inference", "vocoder"), strict=True):
                group.start_soon(worker.run, (role,), 1, stopping)
            async with Client(build_server(settings)) as client:
                for tool in CHAIN:
                    arguments = {"mel" if tool == "vocode" else "performance": artifact, "wait_seconds": 45}
                    answers.append((await client.call_tool(tool, arguments)).structured_content)
                    artifact = answers[-1]["id"]
                listed = (await client.call_tool("list_jobs", {})).structured_content
            stopping.set()
        for worker in workers:
            await worker.close()
    assert [each["id"] for each in answers] == [each.id for each in expected]
    assert [row["tool"] for row in listed["jobs"]] == list(reversed(CHAIN))
    assert {row["state"] for row in listed["jobs"]} == {"done"}


async def test_a_tool_called_by_a_worker_checks_its_arguments(gpu: Gpu) -> None:
    with pytest.raises(InvalidRequest, match="cannot take these arguments"):
        await perform_with(gpu.services.settings)("vocode", {"mels": "x"}, ignore_progress)


@pytest.mark.parametrize(
    ("role", "tools"), [("inference", CHAIN[:4]), ("vocoder", ("vocode",))], ids=["inference", "vocoder"]
)
async def test_a_role_lists_its_own_tools_and_those_about_jobs(gpu: Gpu, role, tools) -> None:
    async with Client(build_server(gpu.services.settings, role=role)) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
    assert names - {"list_voicebanks", "get_voicebank_info"} == {*tools, "get_job", "cancel_job", "list_jobs"}
