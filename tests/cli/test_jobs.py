"""jobs dead|retry|drop, over a real Redis."""

from __future__ import annotations

import anyio
import pytest

from singsynth_mcp.jobs.base import NewJob
from singsynth_mcp.jobs.engines import _shared
from singsynth_mcp.settings import Settings
from tests.cli.conftest import Here
from tests.redis_server import redis_server


async def kill_workers(url: str) -> None:
    table, queues = _shared(Settings(redis=url))
    _, delivery = await table.submit("gpu-000000000001", NewJob("key", "vocode", "vocoder", tenant="acme"), "call")
    for run in ("1", "2", "3", "4"):
        await table.begin(delivery, run)
    await queues.close()
    await table.close()


async def test_the_list_is_shown_and_worked_off(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async with redis_server() as redis:
        monkeypatch.setenv("SINGSYNTH_REDIS", redis.url)

        async def command(*words: str):
            return await anyio.to_thread.run_sync(here, *words)

        assert (await command("jobs", "dead")).out == "No job has killed its workers\n"
        await kill_workers(redis.url)
        listed = (await command("jobs", "dead")).out
        assert all(word in listed for word in ("gpu-000000000001", "vocode", "acme", "UTC"))
        assert (await command("jobs", "retry", "gpu-000000000001")).out == "Queued gpu-000000000001 again\n"
        again = await command("jobs", "drop", "gpu-000000000001")
        assert (again.code, "unknown_job" in again.err or "no job" in again.err) == (1, True)
        assert (await command("jobs", "dead")).out == "No job has killed its workers\n"


def test_without_a_redis_there_is_no_list(here: Here) -> None:
    assert "SINGSYNTH_REDIS" in here("jobs", "dead").err
