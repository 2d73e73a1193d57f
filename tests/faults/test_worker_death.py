"""Workers die at work: the job runs again elsewhere, what was finished is not made again, and every job ends once."""

from __future__ import annotations

import os
import signal

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
from tests.faults.held_worker import workers
from tests.processes import until
from tests.redis_server import redis_server
from tests.singing import phrase_of, store_performance

pytestmark = pytest.mark.slow
PHRASES = [(3.0 * n, phrase_of([(0.0, 0.5, tone, "k a")])) for n, tone in enumerate((60.0, 62.0, 64.0))]
CHAIN = ("predict_durations", "predict_pitch", "predict_variance", "synthesize_audio", "vocode")


async def elsewhere(on_progress):
    raise AssertionError("a worker does the work")


def settings_in(folder, store):
    return Settings(voicebanks=(folder / "banks",), threads=1, artifacts=folder / store)


def worker_environment(redis, settings):
    return {
        "SINGSYNTH_REDIS": redis.url,
        "SINGSYNTH_VOICEBANKS": str(settings.voicebanks[0]),
        "SINGSYNTH_ARTIFACTS": str(settings.artifacts),
        "SINGSYNTH_THREADS": "1",
        "SINGSYNTH_WARM": "",
        "SINGSYNTH_REDELIVERY_SECONDS": "3",
        "SINGSYNTH_DRAIN_SECONDS": "0",
    }


def arguments_of(tool, artifact):
    return {"mel" if tool == "vocode" else "performance": artifact}


def job_of(tool, artifact):
    return NewJob(
        f"{tool} {artifact}", tool, "vocoder" if tool == "vocode" else "inference", arguments_of(tool, artifact)
    )


async def performance_in(settings):
    """Store a performance of a bank of small models; return its id."""
    factory.plain(settings.voicebanks[0] / "plain")
    bank = get_voicebank("plain", settings.voicebanks)
    return await store_performance(FolderStore.from_settings(settings), bank, PHRASES)


async def results_in(settings):
    """Sing in this process; return each stage's result."""
    perform, artifact, results = perform_with(settings), await performance_in(settings), []
    for tool in CHAIN:
        results.append(await perform(tool, arguments_of(tool, artifact), ignore_progress))
        artifact = results[-1]["id"]
    return results


def renderings(settings):
    """Return what has been rendered, each with its file's number: another rendering writes another file."""
    return {path.name: path.stat().st_ino for path in (settings.artifacts / "memo").rglob("*") if path.is_file()}


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def blobs(settings, artifact):
    store = FolderStore.from_settings(settings)
    return [await store.get_blob(entry.blob) for entry in (await store.get(artifact)).entries]


class Holder:
    """Ends a worker by `end` where it is held at work, once a job; another one, held at `then`, takes its place."""

    def __init__(self, fork, settings):
        self._fork = fork
        self._settings = settings
        self.finished = []
        """What was rendered when the workers were ended."""

    async def start(self, what, stage="-"):
        self._pid = await self._fork(what, stage)

    async def work(self, jobs, job, end, *then):
        """Have a job done; return its record."""
        held = False

        async def on_progress(progress):
            nonlocal held
            if progress.message.startswith("held") and not held:
                held = True
                self.finished.append(renderings(self._settings))
                os.kill(self._pid, end)
                await self.start(*then)

        record = await jobs.wait(await jobs.submit(job, elsewhere), 300, on_progress)
        assert held
        return record


async def test_a_song_whose_workers_are_killed_at_each_stage_is_the_song_without(tmp_path):
    alone, settings = settings_in(tmp_path, "undisturbed"), settings_in(tmp_path, "store")
    expected, artifact, results = await results_in(alone), await performance_in(settings), []
    async with redis_server() as redis, workers(worker_environment(redis, settings)) as fork:
        jobs, holder = job_engine("gpu", Settings(redis=redis.url)), Holder(fork, settings)
        await holder.start("held", CHAIN[0])
        for tool, then in zip(CHAIN, [*(("held", tool) for tool in CHAIN[1:]), ("free",)], strict=True):
            record = await holder.work(jobs, job_of(tool, artifact), signal.SIGKILL, *then)
            results.append(record.result)
            artifact = record.result["id"]
        records = await jobs.records()
        await jobs.close()
    assert results == expected
    assert [(each.tool, each.state) for each in reversed(records)] == [(tool, "done") for tool in CHAIN]
    assert await blobs(settings, artifact) == await blobs(alone, artifact)
    assert renderings(settings).keys() == renderings(alone).keys()
    for earlier, later in zip(holder.finished, [*holder.finished[1:], renderings(settings)], strict=True):
        assert earlier.items() < later.items(), "a phrase was finished, none twice, and some were left"


async def test_a_worker_that_is_told_to_stop_gives_its_job_back(tmp_path):
    settings = settings_in(tmp_path, "store")
    expected = await results_in(settings)
    mel = expected[3]["id"]
    for path in (settings.artifacts / "memo").rglob("*"):
        if path.is_file():
            path.unlink()
    async with redis_server() as redis:
        environment = worker_environment(redis, settings) | {"SINGSYNTH_REDELIVERY_SECONDS": "600"}
        async with workers(environment) as fork:
            jobs, holder = job_engine("gpu", Settings(redis=redis.url)), Holder(fork, settings)
            await holder.start("held", "vocode")
            record = await holder.work(jobs, job_of("vocode", mel), signal.SIGTERM, "free")
            await jobs.close()
    assert record.result == expected[4]
    assert holder.finished[0].items() < renderings(settings).items()


async def test_a_job_that_kills_each_worker_is_given_up_and_listed(tmp_path):
    settings = settings_in(tmp_path, "store")
    async with redis_server() as redis, workers(worker_environment(redis, settings)) as fork:
        settings = Settings(redis=redis.url, redelivery_seconds=3, artifacts=settings.artifacts)
        jobs = job_engine("gpu", settings)
        poison = await jobs.submit(job_of("vocode", "mel-000000000000"), elsewhere)
        poisoned = [await fork("poisoned") for _ in range(3)]
        await until(lambda: not any(map(is_alive, poisoned)))
        stopping, worker = anyio.Event(), job_worker(perform_with(settings), settings)
        async with anyio.create_task_group() as group:
            group.start_soon(worker.run, ("vocoder",), 1, stopping)
            record = await jobs.wait(poison, 300, ignore_progress)
            healthy = await jobs.submit(job_of("vocode", "mel-000000000001"), elsewhere)
            after = await jobs.wait(healthy, 300, ignore_progress)
            stopping.set()
        async with Redis.from_url(redis.url, decode_responses=True) as client:
            assert await client.lrange("singsynth:dead", 0, -1) == [poison]
        await worker.close()
        await jobs.close()
    assert (record.state, record.error["code"]) == ("failed", "worker_crashed")
    assert after.error["code"] == "unknown_artifact"
