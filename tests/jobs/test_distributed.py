"""The engine on Redis, its workers in this process: every test runs a redis-server of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest
from redis.asyncio import Redis

from singsynth_mcp.contracts.calling import Progress, ignore_progress
from singsynth_mcp.errors import InvalidScore, QueueFull, QueueUnavailable, UnknownJob
from singsynth_mcp.jobs.attempts import AttemptRules
from singsynth_mcp.jobs.base import NewJob
from singsynth_mcp.jobs.distributed import DistributedJobs
from singsynth_mcp.jobs.queues import Queues
from singsynth_mcp.jobs.table import JobTable, TableRules
from singsynth_mcp.jobs.worker import JobWorker, WorkerRules


async def elsewhere(on_progress):
    raise AssertionError("a worker does the work")


class Tool:
    """Work that starts, waits to be let through, and counts what happened."""

    def __init__(self):
        self.started = anyio.Event()
        self.open = anyio.Event()
        self.stopped = anyio.Event()
        self.runs = []

    async def __call__(self, tool, arguments, on_progress):
        self.runs.append(arguments.get("mel"))
        self.started.set()
        try:
            await on_progress(Progress(0.5, tool, "phrase 1 of 2", ready=("audio-1",), ready_seconds=2.5))
            await self.open.wait()
        except anyio.get_cancelled_exc_class():
            self.stopped.set()
            raise
        if arguments.get("mel") == "wrong":
            raise InvalidScore("no notes in part P1", hint="Choose another part.", part="P1")
        return {"id": f"audio-of-{arguments.get('mel')}"}


def new(mel="mel-1", **more):
    return NewJob(f"vocode {mel}", "vocode", "vocoder", {"mel": mel}, **more)


class Place:
    """What processes share: one Redis. Every part below has its own connections, as in processes of their own."""

    def __init__(self, url, **rules):
        self._url = url
        self._rules = TableRules(**rules)

    def table(self):
        return JobTable(Redis.from_url(self._url, decode_responses=True), "test", self._rules)

    def queues(self):
        return Queues(self._url, "test", redelivery_seconds=3.0)

    @asynccontextmanager
    async def engine(self, server="gpu"):
        jobs = DistributedJobs(server, self.table(), self.queues(), word_seconds=0.1)
        try:
            yield jobs
        finally:
            await jobs.close()

    @asynccontextmanager
    async def worker(self, perform, *, concurrency=1, drain_seconds=5.0):
        table, queues, stopping = self.table(), self.queues(), anyio.Event()
        rules = WorkerRules(watch_seconds=0.05, drain_seconds=drain_seconds, pause_seconds=0.05)
        worker = JobWorker(table, queues, perform, rules, AttemptRules(pauses_seconds=()))
        async with anyio.create_task_group() as group:
            group.start_soon(worker.run, ("vocoder",), concurrency, stopping)
            try:
                yield stopping
            finally:
                stopping.set()
        await queues.close()
        await table.close()


@pytest.fixture
def place(redis):
    return Place(redis.url)


async def finish(jobs, job_id):
    return await jobs.wait(job_id, 30, ignore_progress)


async def test_a_worker_does_the_job_and_its_progress_is_heard(place):
    tool, seen = Tool(), []

    async def on_progress(progress):
        seen.append(progress)
        tool.open.set()

    async with place.engine() as jobs, place.worker(tool):
        job_id = await jobs.submit(new(), elsewhere)
        record = await jobs.wait(job_id, 30, on_progress)
    assert job_id.startswith("gpu-")
    assert (record.state, record.result) == ("done", {"id": "audio-of-mel-1"})
    assert seen == [Progress(0.5, "vocode", "phrase 1 of 2", ready=("audio-1",), ready_seconds=2.5)]
    assert record.queued_seconds >= 0
    assert record.run_seconds > 0


async def test_equal_jobs_of_two_servers_are_one(place):
    tool = Tool()
    async with place.engine() as one, place.engine() as other, place.worker(tool):
        ids = [await jobs.submit(new(), elsewhere) for jobs in (one, other)]
        assert ids[0] == ids[1]
        await one.leave(ids[0], keep=False)
        tool.open.set()
        assert (await finish(other, ids[1])).state == "done"
        assert (await finish(one, ids[0])).result == {"id": "audio-of-mel-1"}
        assert [record.job_id for record in await one.records()] == [ids[0]]
    assert tool.runs == ["mel-1"]


async def test_the_work_stops_when_the_last_call_leaves_and_a_kept_job_when_it_is_cancelled(place):
    tool = Tool()
    async with place.engine() as jobs, place.worker(tool):
        job_id = await jobs.submit(new(), elsewhere)
        await tool.started.wait()
        await jobs.leave(job_id, keep=True)
        assert (await jobs.wait(job_id, 0, ignore_progress)).state == "running"
        assert (await jobs.cancel(job_id)).state == "cancelled"
        await tool.stopped.wait()
        tool.stopped, tool.started = anyio.Event(), anyio.Event()
        again = await jobs.submit(new(), elsewhere)
        assert again != job_id
        await tool.started.wait()
        await jobs.leave(again, keep=False)
        await tool.stopped.wait()
        assert (await jobs.wait(again, 0, ignore_progress)).state == "cancelled"


async def test_a_queued_job_knows_its_place_and_can_be_taken_out(place):
    async with place.engine() as jobs:
        first, second = [await jobs.submit(new(mel), elsewhere) for mel in ("1", "2")]
        assert [(await jobs.wait(each, 0, ignore_progress)).position for each in (first, second)] == [1, 2]
        await jobs.leave(first, keep=False)
        record = await jobs.wait(second, 0, ignore_progress)
        assert (record.state, record.position, record.run_seconds) == ("queued", 1, None)
        tool = Tool()
        tool.open.set()
        async with place.worker(tool):
            assert (await finish(jobs, second)).state == "done"
    assert tool.runs == ["2"]


async def test_clients_take_turns_and_those_that_wait_go_first(place):
    """The order is that of the engine of one process."""
    asked = [("1", "ann", "background"), *((mel, "ann", "waiting") for mel in "234"), ("5", "bob", "waiting")]
    expected, tool = ["2", "5", "3", "4", "1"], Tool()
    tool.open.set()
    async with place.engine() as jobs:
        ids = {mel: await jobs.submit(new(mel, client=who, priority=how), elsewhere) for mel, who, how in asked}
        places = {mel: (await jobs.wait(ids[mel], 0, ignore_progress)).position for mel in ids}
        assert sorted(places, key=places.__getitem__) == expected
        async with place.worker(tool):
            assert {(await finish(jobs, each)).state for each in ids.values()} == {"done"}
    assert tool.runs == expected


async def test_whose_turn_it_was_is_remembered_and_a_call_that_waits_moves_its_job_up(place):
    table = place.table()
    ann = [await table.submit(f"gpu-{mel}", new(mel, client="ann"), "call") for mel in "12"]
    assert (await table.begin(ann[0][1], "first"))[1] == "gpu-1"
    for mel in "34":
        await table.submit(f"gpu-{mel}", new(mel, client="bob", priority="background"), "call")
    held, _ = await table.submit("gpu-5", new("4", client="cat"), "call")
    assert [(await table.record(f"gpu-{mel}")).position for mel in "234"] == [2, 3, 1]
    assert held == "gpu-4"
    await table.close()


async def test_a_delivery_that_did_anothers_work_is_delivered_again_for_that_and_no_job_is_left_without(place):
    table = place.table()
    _, first = await table.submit("gpu-1", new("1", priority="background"), "call")
    _, second = await table.submit("gpu-2", new("2"), "call")
    assert (await table.begin(first, "dies"))[1] == "gpu-2"
    assert await table.delivery("gpu-1") == second
    assert (await table.begin(first, "does it again"))[:2] == ("run", "gpu-2")
    assert await table.end("gpu-2", "does it again", {"id": "audio-2"}, None)
    assert (await table.begin(second, "another"))[:2] == ("run", "gpu-1")
    assert (await table.begin(first, "late"))[0] == "ended"
    await table.close()


async def test_a_full_queue_refuses_and_says_how_long_it_is(redis):
    async with Place(redis.url, queue_limit=2).engine() as jobs:
        for mel in ("1", "2"):
            await jobs.submit(new(mel), elsewhere)
        with pytest.raises(QueueFull, match="2 vocoder jobs are waiting") as refusal:
            await jobs.submit(new("3"), elsewhere)
        assert refusal.value.details["expected_seconds"] > 0
        await jobs.submit(new("2"), elsewhere)


async def test_errors_are_kept_as_data_and_unknown_jobs_are_said_so(place):
    tool = Tool()
    tool.open.set()
    async with place.engine() as jobs, place.worker(tool):
        record = await finish(jobs, await jobs.submit(new("wrong"), elsewhere))
        assert (record.state, record.error["code"]) == ("failed", "invalid_score")
        assert record.error["details"] == {"part": "P1"}
        for ask in (jobs.cancel("gpu-nothing"), finish(jobs, "gpu-nothing"), jobs.leave("gpu-nothing", keep=False)):
            with pytest.raises(UnknownJob, match="gpu-nothing"):
                await ask


async def test_a_job_past_its_deadline_is_not_begun(redis):
    tool, late = Tool(), Place(redis.url, deadline_seconds=0.0)
    async with late.engine() as jobs, late.worker(tool):
        record = await finish(jobs, await jobs.submit(new(), elsewhere))
    assert record.error["code"] == "deadline_exceeded"
    assert tool.runs == []


async def test_a_stopping_worker_finishes_its_job_or_gives_it_back(place):
    leaving, staying = Tool(), Tool()
    staying.open.set()
    async with place.engine() as jobs:
        job_id = await jobs.submit(new("1"), elsewhere)
        async with place.worker(leaving) as stopping:
            await leaving.started.wait()
            stopping.set()
            leaving.open.set()
        assert (await jobs.wait(job_id, 0, ignore_progress)).state == "done"
        leaving.started, leaving.open = anyio.Event(), anyio.Event()
        job_id = await jobs.submit(new("2"), elsewhere)
        async with place.worker(leaving, drain_seconds=0.0) as stopping:
            await leaving.started.wait()
        assert (await jobs.wait(job_id, 0, ignore_progress)).state == "queued"
        async with place.worker(staying):
            assert (await finish(jobs, job_id)).state == "done"
    assert (leaving.runs, staying.runs) == (["1", "2"], ["2"])


async def test_of_two_workers_on_one_job_the_first_result_counts_and_once(place):
    table = place.table()
    job_id, delivery = await table.submit("gpu-000000000001", new(), "call")
    assert (await table.begin(delivery, "one"))[0] == "run"
    assert (await table.begin(delivery, "one"))[0] == "run"
    assert await table.go_on(job_id, "one", None)
    assert (await table.begin(delivery, "two"))[0] == "run"
    assert not await table.go_on(job_id, "one", Progress(1.0, "vocode"))
    assert not await table.end(job_id, "one", None, {"code": "synthesis_failed"})
    assert await table.put_back(job_id, "one") == ""
    assert await table.end(job_id, "one", {"id": "audio-1"}, None)
    assert not await table.go_on(job_id, "two", None)
    assert not await table.end(job_id, "two", {"id": "audio-2"}, None)
    record = await table.record(job_id)
    assert (record.state, record.result, record.progress) == ("done", {"id": "audio-1"}, None)
    await table.close()


async def test_attempts_that_end_without_a_word_are_counted_and_the_third_is_the_last(place):
    table = place.table()
    job_id, delivery = await table.submit("gpu-000000000001", new(), "call")
    await table.begin(delivery, "leaves in good order")
    stale, delivery = delivery, await table.put_back(job_id, "leaves in good order")
    assert (await table.begin(stale, "1"))[0] == "ended"
    for run in ("1", "2", "3"):
        assert (await table.begin(delivery, run))[0] == "run"
    assert (await table.begin(delivery, "4"))[0] == "crashed"
    assert (await table.record(job_id)).error["code"] == "worker_crashed"
    assert await table.dead() == [job_id]
    assert (await table.begin(delivery, "5"))[0] == "ended"
    await table.close()


async def test_the_job_of_a_client_that_vanished_is_stopped(redis):
    tool, hasty = Tool(), Place(redis.url, call_seconds=0.5)
    vanished, queues = hasty.table(), hasty.queues()
    job_id, delivery = await vanished.submit("gpu-000000000001", new(), "call")
    async with hasty.engine() as jobs, hasty.worker(tool):
        await queues.deliver("vocoder", delivery)
        assert (await finish(jobs, job_id)).state == "cancelled"
    await queues.close()
    await vanished.close()


async def test_a_call_that_waits_gives_word_of_itself(place, redis):
    async with place.engine() as jobs, Redis.from_url(redis.url, decode_responses=True) as client:
        job_id = await jobs.submit(new(), elsewhere)
        [(call, until)] = await client.zrange(f"test:calls:{job_id}", 0, -1, withscores=True)
        await jobs.wait(job_id, 0.01, ignore_progress)
        assert await client.zscore(f"test:calls:{job_id}", call) > until


async def put_forward(redis, seconds):
    """Put the clock of Redis forward: what the table saw of it, and how long deliveries have been with a worker."""
    async with Redis.from_url(redis.url, decode_responses=True) as client:
        await client.hincrbyfloat("test:clock", "wall", -seconds)
        stream, group = "test:vocoder:stream", "docket-workers"
        for each in await client.xpending_range(stream, group, "-", "+", 10) if seconds > 0 else ():
            message, consumer, idle = each["message_id"], each["consumer"], int(1000 * seconds)
            await client.xclaim(stream, group, consumer, 0, [message], idle=idle, justid=True)


@pytest.mark.parametrize("seconds", [7200, -7200])
async def test_a_clock_that_jumps_ends_no_job_and_changes_no_result(place, redis, seconds):
    tool = Tool()
    async with place.engine() as jobs, place.worker(tool), place.worker(tool):
        waited, kept, queued = [await jobs.submit(new(mel), elsewhere) for mel in "123"]
        await jobs.leave(kept, keep=True)
        await tool.started.wait()
        await put_forward(redis, seconds)
        assert {(await jobs.wait(each, 0.2, ignore_progress)).state for each in (waited, kept)} == {"running"}
        assert (await jobs.wait(queued, 0, ignore_progress)).state == "queued"
        tool.open.set()
        results = [(await finish(jobs, each)).result for each in (waited, kept, queued)]
        records = await jobs.records()
    assert results == [{"id": f"audio-of-{mel}"} for mel in "123"]
    assert [record.state for record in records] == ["done"] * 3
    assert all(0 <= record.queued_seconds < 60 for record in records)


async def test_redis_away_and_back_loses_nothing(place, redis):
    tool = Tool()
    async with place.engine() as jobs, place.worker(tool):
        job_id = await jobs.submit(new(), elsewhere)
        await tool.started.wait()
        await redis.kill()
        tool.open.set()
        for ask in (jobs.submit(new("2"), elsewhere), jobs.wait(job_id, 0, ignore_progress), jobs.records()):
            with pytest.raises(QueueUnavailable):
                await ask
        await redis.start()
        record = await finish(jobs, job_id)
        second = await finish(jobs, await jobs.submit(new("2"), elsewhere))
    assert (record.state, record.result) == ("done", {"id": "audio-of-mel-1"})
    assert second.state == "done"
    assert tool.runs == ["mel-1", "2"]


async def test_servers_and_workers_wait_for_a_redis_that_is_not_there_yet(place, redis):
    tool = Tool()
    tool.open.set()
    await redis.kill()
    async with place.engine() as jobs, place.worker(tool):
        with pytest.raises(QueueUnavailable):
            await jobs.submit(new(), elsewhere)
        await redis.start()
        assert (await finish(jobs, await jobs.submit(new(), elsewhere))).state == "done"


async def test_a_redis_that_forgot_is_told_again(place, redis):
    tool = Tool()
    async with place.engine() as jobs, place.worker(tool):
        ended = await jobs.submit(new("0"), elsewhere)
        tool.open.set()
        await finish(jobs, ended)
        tool.started, tool.open = anyio.Event(), anyio.Event()
        running, queued = [await jobs.submit(new(mel), elsewhere) for mel in ("1", "2")]
        await tool.started.wait()
        await jobs.leave(queued, keep=True)
        await redis.kill()
        redis.forget()
        await redis.start()
        assert (await jobs.wait(running, 0, ignore_progress)).state in ("queued", "running")
        assert (await jobs.wait(queued, 0, ignore_progress)).state in ("queued", "running")
        tool.open.set()
        assert (await finish(jobs, running)).result == {"id": "audio-of-1"}
        assert (await finish(jobs, queued)).result == {"id": "audio-of-2"}
        assert (await finish(jobs, ended)).result == {"id": "audio-of-0"}
    assert set(tool.runs) == {"0", "1", "2"}
