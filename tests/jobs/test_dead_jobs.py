"""What an operator does about jobs that killed their workers."""

from __future__ import annotations

import pytest

from singsynth_mcp.contracts.calling import ignore_progress
from singsynth_mcp.errors import UnknownJob
from singsynth_mcp.jobs.dead import DeadJobs
from tests.jobs.test_distributed import Place, Tool, elsewhere, finish, new


async def test_a_job_that_killed_its_workers_can_be_tried_again_or_dropped(redis):
    place = Place(redis.url)
    tool, table, dead = Tool(), place.table(), DeadJobs(place.table(), place.queues())
    tool.open.set()
    for mel in "12":
        _, delivery = await table.submit(f"gpu-{mel}", new(mel, tenant="ann"), "call")
        for run in ("1", "2", "3", "4"):
            await table.begin(delivery, f"{mel}{run}")
    async with place.engine() as jobs:
        other = await jobs.submit(new("1", tenant="ann"), elsewhere)
        assert [(each.job_id, each.tenant, each.state) for each in await dead.list()] == [
            ("gpu-2", "ann", "failed"),
            ("gpu-1", "ann", "failed"),
        ]
        await dead.retry("gpu-1")
        assert (await jobs.wait("gpu-1", 0, ignore_progress)).state == "queued"
        await dead.drop("gpu-2")
        assert await dead.list() == []
        for act in (dead.retry, dead.drop):
            with pytest.raises(UnknownJob, match="jobs dead"):
                await act("gpu-2")
        async with place.worker(tool):
            for each in ("gpu-1", other):
                assert (await finish(jobs, each)).result == {"id": "audio-of-1"}
            assert (await finish(jobs, "gpu-2")).error["code"] == "worker_crashed"
    assert other not in ("gpu-1", "gpu-2"), "the same work, asked for meanwhile, is another job"
    await dead.close()
    await table.close()
