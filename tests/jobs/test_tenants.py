from __future__ import annotations

from dataclasses import replace

import anyio
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from singsynth_mcp.artifacts.tenants import TENANT, working_for
from singsynth_mcp.contracts.calling import ignore_progress
from singsynth_mcp.errors import UnknownJob
from singsynth_mcp.jobs.base import NewJob
from singsynth_mcp.jobs.engines import job_engine, job_worker
from singsynth_mcp.jobs.inprocess import InProcessJobs
from singsynth_mcp.jobs.tenants import TenantJobs
from singsynth_mcp.settings import Settings

EQUAL = NewJob("key", "vocode", "vocoder")


def engine():
    return TenantJobs(InProcessJobs("gpu"))


class Work:
    """Says for whom it worked, once it may."""

    def __init__(self):
        self.may_end = anyio.Event()
        self.done_for = []

    async def __call__(self, on_progress):
        await self.may_end.wait()
        self.done_for.append(TENANT.get())
        return {"tenant": TENANT.get()}


async def submit(jobs, tenant, work, new=EQUAL):
    with working_for(tenant):
        return await jobs.submit(new, work)


async def test_equal_work_of_two_tenants_is_two_jobs_and_of_one_is_one():
    jobs, work = engine(), Work()
    ann, again, bob = [await submit(jobs, tenant, work) for tenant in ("ann", "ann", "bob")]
    assert ann == again != bob
    work.may_end.set()
    for tenant, job in (("ann", ann), ("bob", bob)):
        with working_for(tenant):
            assert (await jobs.wait(job, 5, ignore_progress)).result == {"tenant": tenant}
    assert work.done_for == ["ann", "bob"]


async def test_a_job_whose_turn_comes_when_anothers_ends_is_done_for_its_own_tenant():
    jobs, first, second = engine(), Work(), Work()
    await submit(jobs, "ann", first)
    with working_for("bob"):
        job = await jobs.submit(EQUAL, second)
    second.may_end.set()
    with working_for("cid"):
        first.may_end.set()
    with working_for("bob"):
        assert (await jobs.wait(job, 5, ignore_progress)).result == {"tenant": "bob"}


@pytest.mark.parametrize("known", [True, False])
async def test_another_tenants_job_is_unknown(known):
    inner, work = InProcessJobs("gpu"), Work()
    submitting = TenantJobs(inner)
    job = await submit(submitting, "ann", work)
    jobs = submitting if known else TenantJobs(inner)
    with working_for("bob"):
        for act in (jobs.wait(job, 0, ignore_progress), jobs.cancel(job)):
            with pytest.raises(UnknownJob) as refused:
                await act
        with pytest.raises(UnknownJob) as nobodys:
            await jobs.cancel("gpu-000000000000")
        assert await jobs.records() == []
    assert str(refused.value).replace(job, "gpu-000000000000") == str(nobodys.value)
    with working_for("ann"):
        assert [record.job_id for record in await jobs.records()] == [job]
        assert (await jobs.wait(job, 0, ignore_progress)).state == "running"
    await jobs.close()


async def test_it_says_how_many_jobs_wait():
    jobs, work = engine(), Work()
    for tenant in ("ann", "bob", "cid"):
        await submit(jobs, tenant, work)
    assert (await jobs.queued())["vocoder"] == 2
    await jobs.close()


async def test_the_work_is_done_in_the_trace_of_who_asked():
    seen = []

    async def work(on_progress):
        seen.append(trace.get_current_span().get_span_context().trace_id)
        return {}

    jobs = engine()
    with TracerProvider().get_tracer("t").start_as_current_span("call") as span:
        job = await jobs.submit(EQUAL, work)
    await jobs.wait(job, 5, ignore_progress)
    assert seen == [span.get_span_context().trace_id]


async def test_a_tenant_finds_its_jobs_however_many_others_have_asked_since(redis):
    jobs, work = job_engine("gpu", Settings(redis=redis.url, queue_limit=400)), Work()
    first = await submit(jobs, "ann", work)
    for n in range(300):
        await submit(jobs, "bob", work, replace(EQUAL, key=str(n)))
    last = await submit(jobs, "ann", work, replace(EQUAL, key="last"))
    with working_for("ann"):
        assert [record.job_id for record in await jobs.records()] == [last, first]
    await jobs.close()


async def test_a_worker_elsewhere_works_for_the_tenant_and_in_the_trace_of_who_asked(redis):
    async def perform(tool, arguments, on_progress):
        return {"tenant": TENANT.get(), "trace": trace.get_current_span().get_span_context().trace_id}

    async def elsewhere(on_progress):
        raise AssertionError("a worker does the work")

    settings, stopping = Settings(redis=redis.url), anyio.Event()
    jobs, other, worker = job_engine("gpu", settings), job_engine("gpu", settings), job_worker(perform, settings)
    async with anyio.create_task_group() as group:
        group.start_soon(worker.run, ("vocoder",), 1, stopping)
        with TracerProvider().get_tracer("t").start_as_current_span("call") as span, working_for("ann"):
            job = await jobs.submit(EQUAL, elsewhere)
            done = await jobs.wait(job, 30, ignore_progress)
        with working_for("bob"), pytest.raises(UnknownJob):
            await other.wait(job, 0, ignore_progress)
        assert (await jobs.queued()) == {"sing": 0, "inference": 0, "vocoder": 0, "media": 0}
        assert not jobs.works_here
        stopping.set()
    for each in (jobs, other, worker):
        await each.close()
    assert done.result == {"tenant": "ann", "trace": span.get_span_context().trace_id}
