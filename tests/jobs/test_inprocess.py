from __future__ import annotations

import time

import anyio
import anyio.lowlevel
import pytest
from anyio import from_thread, to_thread

from singsynth_mcp.contracts.calling import Progress, ignore_progress
from singsynth_mcp.errors import InvalidScore, QueueFull, QueueUnavailable, UnknownJob
from singsynth_mcp.jobs.attempts import AttemptRules
from singsynth_mcp.jobs.base import NewJob
from singsynth_mcp.jobs.inprocess import InProcessJobs


class Gate:
    """Work that starts, waits to be let through, and counts what happened."""

    def __init__(self) -> None:
        self.started = anyio.Event()
        self.open = anyio.Event()
        self.runs = 0
        self.cancelled = 0

    async def __call__(self, on_progress):
        self.runs += 1
        self.started.set()
        try:
            await on_progress(Progress(0.5, "vocode", "phrase 1 of 2"))
            await self.open.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        return {"id": "audio-000000000000", "run": self.runs}


@pytest.fixture
async def jobs():
    engine = InProcessJobs("gpu")
    yield engine
    await engine.close()


async def test_a_job_gives_its_result_and_its_progress(jobs):
    gate, seen = Gate(), []

    async def on_progress(progress):
        seen.append(progress)
        gate.open.set()

    job_id = await jobs.submit(NewJob("key", "vocode", "vocoder"), gate)
    record = await jobs.wait(job_id, 5, on_progress)
    assert job_id.startswith("gpu-")
    assert len(job_id) == len("gpu-") + 12
    assert (record.state, record.result) == ("done", {"id": "audio-000000000000", "run": 1})
    assert [each.message for each in seen] == ["phrase 1 of 2"]


async def test_waiting_no_time_says_what_is_known(jobs):
    gate = Gate()
    job_id = await jobs.submit(NewJob("key", "vocode", "vocoder"), gate)
    await gate.started.wait()
    record = await jobs.wait(job_id, 0, ignore_progress)
    assert record.state == "running"
    assert record.progress.fraction == 0.5


async def test_equal_keys_join_while_the_job_lives_and_run_again_after(jobs):
    gate = Gate()
    first = await jobs.submit(NewJob("key", "vocode", "vocoder"), gate)
    assert await jobs.submit(NewJob("key", "vocode", "vocoder"), gate) == first
    gate.open.set()
    await jobs.wait(first, 5, ignore_progress)
    assert gate.runs == 1
    second = await jobs.submit(NewJob("key", "vocode", "vocoder"), gate)
    assert (await jobs.wait(second, 5, ignore_progress)).result["run"] == 2


async def test_one_at_a_time_in_a_role_in_order_with_positions(jobs):
    gates = [Gate() for _ in range(3)]
    ids = [await jobs.submit(NewJob(str(n), "predict_pitch", "inference"), gate) for n, gate in enumerate(gates)]
    other = Gate()
    await jobs.submit(NewJob("other role", "vocode", "vocoder"), other)
    await other.started.wait()
    await gates[0].started.wait()
    assert [(await jobs.wait(each, 0, ignore_progress)).position for each in ids] == [None, 1, 2]
    gates[0].open.set()
    await gates[1].started.wait()
    assert gates[2].runs == 0
    assert (await jobs.wait(ids[2], 0, ignore_progress)).position == 1


async def test_the_work_stops_when_the_last_call_leaves(jobs):
    gate = Gate()
    job_id = await jobs.submit(NewJob("key", "vocode", "vocoder"), gate)
    await jobs.submit(NewJob("key", "vocode", "vocoder"), gate)
    await gate.started.wait()
    await jobs.leave(job_id, keep=False)
    assert (await jobs.wait(job_id, 0, ignore_progress)).state == "running"
    await jobs.leave(job_id, keep=False)
    assert (await jobs.wait(job_id, 5, ignore_progress)).state == "cancelled"
    await jobs.close()
    assert gate.cancelled == 1


async def test_a_kept_job_goes_on_until_it_is_cancelled(jobs):
    gate = Gate()
    job_id = await jobs.submit(NewJob("key", "vocode", "vocoder"), gate)
    await gate.started.wait()
    await jobs.leave(job_id, keep=True)
    assert (await jobs.wait(job_id, 0, ignore_progress)).state == "running"
    assert (await jobs.cancel(job_id)).state == "cancelled"


async def test_cancelling_what_another_call_waits_for_only_gives_it_up(jobs):
    gate = Gate()
    job_id = await jobs.submit(NewJob("key", "vocode", "vocoder"), gate)
    await jobs.leave(job_id, keep=True)
    await jobs.submit(NewJob("key", "vocode", "vocoder"), gate)
    assert (await jobs.cancel(job_id)).state in ("queued", "running")
    gate.open.set()
    assert (await jobs.wait(job_id, 5, ignore_progress)).state == "done"


async def test_a_queued_job_can_be_cancelled_and_the_next_one_runs(jobs):
    first, second, third = Gate(), Gate(), Gate()
    await jobs.submit(NewJob("1", "vocode", "vocoder"), first)
    waiting = await jobs.submit(NewJob("2", "vocode", "vocoder"), second)
    await jobs.submit(NewJob("3", "vocode", "vocoder"), third)
    await jobs.leave(waiting, keep=False)
    first.open.set()
    await third.started.wait()
    assert second.runs == 0


async def test_a_job_cancelled_before_it_began_frees_its_place(jobs):
    first, second = Gate(), Gate()
    await jobs.leave(await jobs.submit(NewJob("1", "vocode", "vocoder"), first), keep=False)
    await jobs.submit(NewJob("2", "vocode", "vocoder"), second)
    await second.started.wait()
    assert first.runs == 0


async def test_a_worker_thread_sees_that_its_job_was_cancelled(jobs):
    started, outcome = anyio.Event(), []

    def count_forever():
        from_thread.run_sync(started.set)
        try:
            while True:
                from_thread.run(anyio.lowlevel.checkpoint)
                from_thread.check_cancelled()
        except BaseException as error:
            outcome.append(type(error))
            raise

    async def work(on_progress):
        return await to_thread.run_sync(count_forever)

    job_id = await jobs.submit(NewJob("key", "save_audio", "media"), work)
    await started.wait()
    await jobs.leave(job_id, keep=False)
    assert (await jobs.wait(job_id, 0, ignore_progress)).state == "cancelled"
    await jobs.close()
    assert outcome == [anyio.get_cancelled_exc_class()]


async def test_errors_are_kept_as_data_and_defects_without_their_text(jobs, caplog):
    async def fails(on_progress):
        raise InvalidScore("no notes in part P1", hint="Choose another part.", part="P1")

    async def breaks(on_progress):
        raise KeyError("secret")

    expected = await jobs.wait(await jobs.submit(NewJob("1", "sing", "sing"), fails), 5, ignore_progress)
    assert expected.state == "failed"
    assert expected.error["code"] == "invalid_score"
    assert expected.error["details"] == {"part": "P1"}
    defect = await jobs.wait(await jobs.submit(NewJob("2", "sing", "sing"), breaks), 5, ignore_progress)
    assert defect.error["code"] == "internal_error"
    assert "secret" not in str(defect.error)
    assert "secret" in caplog.text


async def test_unknown_jobs_and_the_bound_of_finished_ones():
    jobs = InProcessJobs("gpu", queue_limit=300)

    async def quick(on_progress):
        return {}

    with pytest.raises(UnknownJob, match="gpu-nothing"):
        await jobs.wait("gpu-nothing", 0, ignore_progress)
    ids = [await jobs.submit(NewJob(str(n), "vocode", "vocoder"), quick) for n in range(300)]
    await jobs.wait(ids[-1], 5, ignore_progress)
    records = await jobs.records()
    assert len(records) == 256
    assert records[0].job_id == ids[-1]
    with pytest.raises(UnknownJob):
        await jobs.wait(ids[0], 0, ignore_progress)


async def test_large_results_are_kept_up_to_a_bound_the_latest_always(jobs):
    async def large(on_progress):
        return {"base64": "x" * 6_000_000}

    ids = [await jobs.submit(NewJob(str(n), "save_audio", "media"), large) for n in range(5)]
    assert (await jobs.wait(ids[-1], 30, ignore_progress)).state == "done"
    assert [record.job_id for record in await jobs.records()] == [ids[4], ids[3]]


async def test_clients_take_turns_and_those_who_wait_go_first(jobs):
    order, gate = [], Gate()

    def work_of(name):
        async def work(on_progress):
            order.append(name)
            return {}

        return work

    await jobs.submit(NewJob("first", "vocode", "vocoder", client="a"), gate)
    asked = [
        ("a1", "a", "waiting"),
        ("a2", "a", "waiting"),
        ("later", "c", "background"),
        ("b1", "b", "waiting"),
        ("a3", "a", "waiting"),
        ("b2", "b", "waiting"),
    ]
    ids = {}
    for name, client, priority in asked:
        new = NewJob(name, "vocode", "vocoder", client=client, priority=priority)
        ids[name] = await jobs.submit(new, work_of(name))
    positions = {record.job_id: record.position for record in await jobs.records()}
    foretold = sorted(ids, key=lambda name: positions[ids[name]])
    gate.open.set()
    await jobs.wait(ids["later"], 5, ignore_progress)
    assert order == ["b1", "a1", "b2", "a2", "a3", "later"]
    assert foretold == order


async def test_a_job_that_somebody_begins_to_wait_for_moves_up(jobs):
    order, gate = [], Gate()

    def work_of(name):
        async def work(on_progress):
            order.append(name)
            return {}

        return work

    await jobs.submit(NewJob("first", "vocode", "vocoder"), gate)
    left, taken = [
        await jobs.submit(NewJob(name, "vocode", "vocoder", priority="background"), work_of(name)) for name in "12"
    ]
    assert await jobs.submit(NewJob("2", "vocode", "vocoder"), work_of("2")) == taken
    gate.open.set()
    await jobs.wait(left, 5, ignore_progress)
    assert order == ["2", "1"]


async def test_a_full_queue_refuses_and_says_how_long_it_is():
    jobs, gate = InProcessJobs("gpu", queue_limit=2), Gate()
    ids = [await jobs.submit(NewJob(str(n), "vocode", "vocoder"), gate) for n in range(3)]
    with pytest.raises(QueueFull, match="2 vocoder jobs are waiting") as refusal:
        await jobs.submit(NewJob("more", "vocode", "vocoder"), gate)
    assert refusal.value.details["queued"] == 2
    assert refusal.value.details["expected_seconds"] > 0
    assert await jobs.submit(NewJob("2", "vocode", "vocoder"), gate) == ids[2]
    gate.open.set()
    await jobs.wait(ids[2], 5, ignore_progress)
    await jobs.submit(NewJob("more", "vocode", "vocoder"), gate)
    await jobs.close()


async def test_what_can_pass_is_tried_again_and_what_cannot_is_not():
    jobs, tries = InProcessJobs("gpu", rules=AttemptRules(pauses_seconds=(0.0, 0.0))), []

    async def passes(on_progress):
        tries.append("passes")
        if tries.count("passes") == 1:
            raise QueueUnavailable("away")
        if tries.count("passes") == 2:
            raise ConnectionResetError
        return {"id": "audio-000000000000"}

    async def stays(on_progress):
        tries.append("stays")
        raise QueueUnavailable("away")

    async def wrong(on_progress):
        tries.append("wrong")
        raise InvalidScore("no notes")

    done = await jobs.wait(await jobs.submit(NewJob("1", "vocode", "vocoder"), passes), 5, ignore_progress)
    gone = await jobs.wait(await jobs.submit(NewJob("2", "vocode", "vocoder"), stays), 5, ignore_progress)
    refused = await jobs.wait(await jobs.submit(NewJob("3", "vocode", "vocoder"), wrong), 5, ignore_progress)
    assert done.result == {"id": "audio-000000000000"}
    assert (gone.state, gone.error["code"], gone.error["retryable"]) == ("failed", "queue_unavailable", True)
    assert refused.error["code"] == "invalid_score"
    assert [tries.count(each) for each in ("passes", "stays", "wrong")] == [3, 3, 1]


async def test_a_job_past_its_deadline_fails_and_its_place_is_free():
    jobs, gate = InProcessJobs("gpu", rules=AttemptRules(deadline_seconds=0.01)), Gate()
    late = await jobs.wait(await jobs.submit(NewJob("1", "vocode", "vocoder"), gate), 5, ignore_progress)
    assert late.error["code"] == "deadline_exceeded"
    assert gate.cancelled == 1
    gate.open.set()
    assert (await jobs.wait(await jobs.submit(NewJob("2", "vocode", "vocoder"), gate), 5, ignore_progress)).ended


async def test_a_record_tells_how_long_a_job_waited_and_ran(jobs):
    gate = Gate()
    first = await jobs.submit(NewJob("1", "vocode", "vocoder"), gate)
    second = await jobs.submit(NewJob("2", "vocode", "vocoder"), gate)
    submitted = time.monotonic()
    assert (await jobs.wait(second, 0, ignore_progress)).run_seconds is None
    held = time.monotonic() - submitted
    gate.open.set()
    ran = await jobs.wait(second, 5, ignore_progress)
    assert ran.queued_seconds >= held > 0
    assert (await jobs.wait(first, 5, ignore_progress)).run_seconds > 0
    assert ran.run_seconds >= 0
