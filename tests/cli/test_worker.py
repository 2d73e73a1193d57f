"""The worker command as a process: its figures."""

from __future__ import annotations

import re
import signal
import sys

import anyio
import httpx2
from anyio.streams.text import TextReceiveStream

from singsynth_mcp.contracts.calling import ignore_progress
from singsynth_mcp.jobs.base import NewJob
from singsynth_mcp.jobs.engines import job_engine
from singsynth_mcp.settings import Settings
from tests.processes import ROOT, environment
from tests.redis_server import redis_server


async def elsewhere(on_progress):
    raise AssertionError("a worker does the work")


async def test_a_worker_shows_what_it_did_and_how_long_it_waited(tmp_path):
    command = ["-m", "singsynth_mcp", "worker", "--role", "vocoder", "--metrics-port", "0"]
    async with redis_server() as redis:
        env = environment({"SINGSYNTH_REDIS": redis.url, "SINGSYNTH_WARM": "", "SINGSYNTH_LOG_LEVEL": "INFO"})
        async with await anyio.open_process([sys.executable, *command], env=env, cwd=ROOT, stdout=None) as process:
            text = ""
            async for chunk in TextReceiveStream(process.stderr):
                text += chunk
                if found := re.search(r"figures at (http://[^\s\"]+)", text):
                    break
            jobs = job_engine("gpu", Settings(redis=redis.url))
            job_id = await jobs.submit(NewJob("key", "vocode", "vocoder", {"mel": "mel-000000000000"}), elsewhere)
            assert (await jobs.wait(job_id, 50, ignore_progress)).error["code"] == "unknown_artifact"
            await jobs.close()
            async with httpx2.AsyncClient(trust_env=False) as web:
                shown = (await web.get(found.group(1))).text
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    assert 'singsynth_stage_seconds_count{tool="vocode"} 1.0' in shown
    assert 'singsynth_job_wait_seconds_count{role="vocoder"} 1.0' in shown
