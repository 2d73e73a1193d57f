"""Work on a real Redis that is disturbed in other ways than by death: every job ends once, with the same bytes."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest
from redis.asyncio import Redis

from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.calling import ignore_progress
from singsynth_mcp.errors import QueueFull
from singsynth_mcp.gpu_server.worker import perform_with
from singsynth_mcp.jobs.base import NewJob
from singsynth_mcp.jobs.engines import job_engine, job_worker
from singsynth_mcp.settings import Settings
from tests.faults.held_worker import workers
from tests.faults.test_worker_death import (
    arguments_of,
    blobs,
    elsewhere,
    job_of,
    performance_in,
    renderings,
    results_in,
    settings_in,
    worker_environment,
)
from tests.processes import until
from tests.redis_server import redis_server

pytestmark = pytest.mark.slow
STREAM, GROUP = "singsynth:vocoder:stream", "docket-workers"


@asynccontextmanager
async def working(perform, redis, settings):
    """Work beside the test, as a worker process does."""
    shared = settings.model_copy(update={"redis": Settings(redis=redis.url).redis, "redelivery_seconds": 2.0})
    worker, stopping = job_worker(perform, shared), anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(worker.run, ("inference", "vocoder"), 1, stopping)
        yield
        stopping.set()
    await worker.close()


class Held:
    """Real work that stops at its first report until it may go on."""

    def __init__(self, settings):
        self._perform = perform_with(settings)
        self.reached = anyio.Event()
        self.may_go_on = anyio.Event()
        self.ended = anyio.Event()

    async def __call__(self, tool, arguments, on_progress):
        async def report(progress):
            await on_progress(progress)
            self.reached.set()
            await self.may_go_on.wait()

        try:
            return await self._perform(tool, arguments, report)
        finally:
            self.ended.set()


async def forgetting_what_was_made(settings):
    """Return a mel, and what vocode makes of it; its sound, and that it was made, are forgotten."""
    results = await results_in(settings)
    store = FolderStore.from_settings(settings)
    sound = {entry.blob for entry in (await store.get(results[4]["id"])).entries}
    for path in settings.artifacts.rglob("*"):
        if path.is_file() and ("memo" in path.parts or path.name in sound):
            path.unlink()
    return results[3]["id"], results[4]


async def test_of_two_workers_on_one_job_one_result_counts(tmp_path):
    """A worker falls silent without dying: its lease ends, another does the job, and then it speaks again."""
    settings = settings_in(tmp_path, "store")
    mel, expected = await forgetting_what_was_made(settings)
    silent = Held(settings)
    async with redis_server() as redis:
        jobs = job_engine("gpu", Settings(redis=redis.url))
        async with working(silent, redis, settings):
            job_id = await jobs.submit(job_of("vocode", mel), elsewhere)
            await silent.reached.wait()
            finished = renderings(settings)
            async with (
                working(perform_with(settings), redis, settings),
                Redis.from_url(redis.url, decode_responses=True) as client,
            ):
                while not silent.ended.is_set():  # each word of the worker's own is followed by an hour of silence
                    for taken in await client.xpending_range(STREAM, GROUP, "-", "+", 10):
                        message = [taken["message_id"]]
                        await client.xclaim(STREAM, GROUP, taken["consumer"], 0, message, idle=3_600_000, justid=True)
                record = await jobs.wait(job_id, 60, ignore_progress)
        records = await jobs.records()
        await jobs.close()
    assert not silent.may_go_on.is_set(), "it was stopped: the job is another's"
    assert record.result == expected
    assert [(each.job_id, each.state, each.result) for each in records] == [(job_id, "done", expected)]
    assert finished.items() <= renderings(settings).items()


async def test_a_redis_restarted_empty_while_a_song_is_sung(tmp_path):
    alone, settings = settings_in(tmp_path, "undisturbed"), settings_in(tmp_path, "store")
    expected, artifact, results = await results_in(alone), await performance_in(settings), []
    async with redis_server() as redis:
        jobs = job_engine("gpu", Settings(redis=redis.url))
        for tool, result in zip(("predict_durations", "predict_pitch"), expected, strict=False):
            held = Held(settings)
            async with working(held, redis, settings):
                job_id = await jobs.submit(job_of(tool, artifact), elsewhere)
                await held.reached.wait()
                await redis.kill()
                redis.forget()
                await redis.start()
                held.may_go_on.set()
                record = await jobs.wait(job_id, 60, ignore_progress)
            assert (record.job_id, record.state, record.result) == (job_id, "done", result)
            results.append(record.result)
            artifact = record.result["id"]
        assert {each.state for each in await jobs.records()} == {"done"}
        await jobs.close()
    assert await blobs(settings, artifact) == await blobs(alone, artifact)


async def test_a_worker_whose_disk_is_full_says_so_and_one_with_room_does_the_work(tmp_path):
    settings = settings_in(tmp_path, "store")
    mel, expected = await forgetting_what_was_made(settings)
    before = renderings(settings)
    async with redis_server() as redis, workers(worker_environment(redis, settings)) as fork:
        jobs = job_engine("gpu", Settings(redis=redis.url))
        await fork("full")
        failed = await jobs.wait(await jobs.submit(job_of("vocode", mel), elsewhere), 60, ignore_progress)
        records = await jobs.records()
        await jobs.close()
        assert (failed.state, failed.error["code"]) == ("failed", "storage_problem")
        assert [each.state for each in records] == ["failed"]
        assert renderings(settings) == before
        assert not [path for path in settings.artifacts.rglob("*") if path.name.startswith(".") and path.is_file()]
    assert await perform_with(settings)("vocode", arguments_of("vocode", mel), ignore_progress) == expected


async def test_of_a_thousand_clients_each_has_its_result_once_or_is_told_how_long_the_queue_is(request):
    """A hundred, without --thorough. Ten of them ask for the same."""
    clients = 1000 if request.config.getoption("--thorough") else 100
    runs = []

    async def perform(tool, arguments, on_progress):
        runs.append(arguments["mel"])
        return {"id": f"audio-of-{arguments['mel']}"}

    async with redis_server() as redis:
        settings = Settings(redis=redis.url, queue_limit=clients // 2)
        servers = [job_engine("gpu", settings) for _ in range(2)]
        told, ended = [], {}

        async def ask(number):
            jobs, mel = servers[number % 2], f"mel-{number if number % 10 else 0}"
            new = NewJob(mel, "vocode", "vocoder", {"mel": mel}, client=f"client {number % 7}")
            while True:
                try:
                    job_id = await jobs.submit(new, elsewhere)
                    break
                except QueueFull as error:
                    told.append(error.details["queued"])
                    refused.set()
                    await room.wait()
            record = await jobs.wait(job_id, 500, ignore_progress)
            await jobs.leave(job_id, keep=False)
            ended[number] = (mel, record)

        refused, room = anyio.Event(), anyio.Event()
        async with anyio.create_task_group() as asking:
            for number in range(clients):
                asking.start_soon(ask, number)
            await refused.wait()
            async with working(perform, redis, settings), working(perform, redis, settings):
                await until(lambda: len(ended) == clients - len(told))
                room.set()
                await until(lambda: len(ended) == clients)
        records = [record for jobs in servers for record in await jobs.records()]
        for jobs in servers:
            await jobs.close()
    assert len(ended) == clients
    assert all(record.result == {"id": f"audio-of-{mel}"} for mel, record in ended.values())
    assert set(told) == {clients // 2}
    assert {record.state for record in records} == {"done"}
    assert len(set(runs)) == clients - clients // 10 + 1
