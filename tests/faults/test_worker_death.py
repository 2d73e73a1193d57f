"""Workers die at work: the job runs again elsewhere, what was finished is not made again, and every job ends once."""

from __future__ import annotations

import os
import signal
from contextlib import AsyncExitStack

import anyio
import pytest
from redis.asyncio import Redis

from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.calling import ignore_progress
from singsynth_mcp.gpu_server.worker import perform_with
from singsynth_mcp.jobs.base import NewJob
from singsynth_mcp.jobs.engines import job_engine, job_worker
from singsynth_mcp.settings import Settings
from singsynth_mcp.voicebanks import get_voicebank
from tests import voicebank_factory as factory
from tests.processes import process
from tests.redis_server import redis_server
from tests.singing import phrase_of, store_performance

pytestmark = pytest.mark.slow
A_PHRASE = 2
"""What the memo holds of a vocoded phrase: its audio, and its levels."""
PHRASES = [(3.0 * n, phrase_of([(0.0, 0.5, tone, "k a")])) for n, tone in enumerate((60.0, 62.0, 64.0))]
STEPS = ("predict_durations", "predict_pitch", "predict_variance", "synthesize_audio")


async def elsewhere(on_progress):
    raise AssertionError("a worker does the work")


def worker_environment(redis, settings):
    return {
        "SINGSYNTH_REDIS": redis.url,
        "SINGSYNTH_ARTIFACTS": str(settings.artifacts),
        "SINGSYNTH_THREADS": "1",
        "SINGSYNTH_WARM": "",
        "SINGSYNTH_REDELIVERY_SECONDS": "3",
        "SINGSYNTH_DRAIN_SECONDS": "0",
    }


async def mel_of(settings):
    """Sing as far as the mel, in this process."""
    perform, store = perform_with(settings), FolderStore.from_settings(settings)
    bank = get_voicebank("plain", settings.voicebanks)
    artifact = await store_performance(store, bank, PHRASES)
    for tool in STEPS:
        artifact = (await perform(tool, {"performance": artifact}, ignore_progress))["id"]
    return artifact


def renderings(settings):
    """Return what has been rendered, each with its file's number: another rendering writes another file."""
    return {path.name: path.stat().st_ino for path in (settings.artifacts / "memo").rglob("*") if path.is_file()}


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_a_job_whose_worker_ends_is_finished_elsewhere(tmp_path, end):
    factory.plain(tmp_path / "banks" / "plain")
    undisturbed = Settings(voicebanks=(tmp_path / "banks",), threads=1, artifacts=tmp_path / "undisturbed")
    mel = await mel_of(undisturbed)
    expected = await perform_with(undisturbed)("vocode", {"mel": mel}, ignore_progress)

    settings = undisturbed.model_copy(update={"artifacts": tmp_path / "store"})
    assert await mel_of(settings) == mel
    before = renderings(settings)
    async with redis_server() as redis:
        env = worker_environment(redis, settings) | {"SINGSYNTH_VOICEBANKS": str(tmp_path / "banks")}
        jobs = job_engine("gpu", Settings(redis=redis.url, redelivery_seconds=3))
        held, ended, records = anyio.Event(), anyio.Event(), []

        async def on_progress(progress):
            if progress.message.startswith("held"):
                held.set()

        async with (
            process("-m", "tests.faults.held_worker", "held", env=env) as first,
            anyio.create_task_group() as group,
        ):
            job_id = await jobs.submit(NewJob("vocode", "vocode", "vocoder", {"mel": mel}), elsewhere)

            async def wait():
                records.append(await jobs.wait(job_id, 300, on_progress))
                ended.set()

            group.start_soon(wait)
            await held.wait()
            finished = renderings(settings)
            assert len(finished) == len(before) + A_PHRASE
            os.kill(first.pid, end)
            code = await first.wait()
            async with process("-m", "singsynth_mcp", "worker", "--role", "vocoder", env=env) as second:
                await ended.wait()
                os.kill(second.pid, signal.SIGTERM)
                assert await second.wait() == 0
        assert code == (0 if end == signal.SIGTERM else -signal.SIGKILL)
        assert [(each.job_id, each.state) for each in await jobs.records()] == [(job_id, "done")]
        await jobs.close()

    assert records[0].result == expected
    assert finished.items() <= renderings(settings).items()
    assert await blobs(settings, expected["id"]) == await blobs(undisturbed, expected["id"])
    assert len(renderings(settings)) == len(before) + A_PHRASE * len(PHRASES)


async def test_a_job_that_kills_each_worker_is_given_up_and_listed(tmp_path):
    async with redis_server() as redis, AsyncExitStack() as children:
        settings = Settings(redis=redis.url, redelivery_seconds=3, artifacts=tmp_path / "store")
        jobs = job_engine("gpu", settings)
        poison = await jobs.submit(NewJob("poison", "vocode", "vocoder", {"mel": "mel-000000000000"}), elsewhere)
        env = worker_environment(redis, settings)
        workers = [
            await children.enter_async_context(process("-m", "tests.faults.held_worker", "poisoned", env=env))
            for _ in range(3)
        ]
        for each in workers:
            assert await each.wait() == -signal.SIGKILL
        stopping, worker = anyio.Event(), job_worker(perform_with(settings), settings)
        async with anyio.create_task_group() as group:
            group.start_soon(worker.run, ("vocoder",), 1, stopping)
            record = await jobs.wait(poison, 300, ignore_progress)
            healthy = await jobs.submit(NewJob("other", "vocode", "vocoder", {"mel": "mel-000000000000"}), elsewhere)
            after = await jobs.wait(healthy, 300, ignore_progress)
            stopping.set()
        await worker.close()
        await jobs.close()
        async with Redis.from_url(redis.url, decode_responses=True) as client:
            assert await client.lrange("singsynth:dead", 0, -1) == [poison]
    assert (record.state, record.error["code"]) == ("failed", "worker_crashed")
    assert after.error["code"] == "unknown_artifact"


async def blobs(settings, artifact):
    store = FolderStore.from_settings(settings)
    return [await store.get_blob(entry.blob) for entry in (await store.get(artifact)).entries]
