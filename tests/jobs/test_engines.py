from __future__ import annotations

import sys

import pytest

from singsynth_mcp.contracts.calling import ignore_progress
from singsynth_mcp.errors import InvalidRequest, QueueFull
from singsynth_mcp.jobs.base import NewJob
from singsynth_mcp.jobs.engines import job_engine, job_worker
from singsynth_mcp.settings import Settings


async def perform(tool, arguments, on_progress):
    return {}


async def test_without_redis_jobs_run_here_by_the_settings_rules():
    jobs = job_engine("gpu", Settings(queue_limit=1))

    async def work(on_progress):
        return {"id": "audio-000000000000"}

    ids = [await jobs.submit(NewJob(key, "vocode", "vocoder"), work) for key in "12"]
    with pytest.raises(QueueFull):
        await jobs.submit(NewJob("3", "vocode", "vocoder"), work)
    assert (await jobs.wait(ids[1], 5, ignore_progress)).result == {"id": "audio-000000000000"}


def test_a_worker_needs_a_redis():
    with pytest.raises(InvalidRequest, match="none is named") as refusal:
        job_worker(perform, Settings())
    assert "SINGSYNTH_REDIS" in refusal.value.hint


def test_what_is_no_address_is_refused():
    with pytest.raises(InvalidRequest, match="no address of a Redis"):
        job_engine("gpu", Settings(redis="queue:6379"))


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(InvalidRequest, match="not installed") as refusal:
        job_engine("gpu", Settings(redis="redis://localhost"))
    assert "singsynth-mcp[redis]" in refusal.value.hint
