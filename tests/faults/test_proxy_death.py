"""A proxy ends while it sings: another one over the same Redis goes on with the job, and any of them knows its id."""

from __future__ import annotations

import json
import os
import signal

import httpx2
import pytest

from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.jobs.engines import job_engine
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.settings import Settings
from tests import voicebank_factory as factory
from tests.faults.test_worker_death import blobs, renderings
from tests.processes import listening
from tests.redis_server import redis_server
from tests.serving.http_clients import call

pytestmark = pytest.mark.slow
HELD, FREE = [("-m", "tests.faults.held_proxy", way) for way in ("held", "free")]
SONG = {
    "title": "song",
    "tempo": 120,
    "language": "ja",
    "notes": [each for tone in ("C4", "D4", "E4", "F4", "G4", "A4") for each in ([tone, 1, "ka"], ["rest", 2])],
}
"""Of six phrases."""


def web(url):
    return httpx2.AsyncClient(base_url=url.removesuffix("/mcp"), timeout=60)


async def facts(client, tool, **arguments):
    result = await call(client, tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


def environment(redis, settings):
    return {
        "SINGSYNTH_REDIS": redis.url,
        "SINGSYNTH_REDELIVERY_SECONDS": "3",
        "SINGSYNTH_VOICEBANKS": str(settings.voicebanks[0]),
        "SINGSYNTH_DEFAULT_VOICEBANK": settings.default_voicebank,
        "SINGSYNTH_ARTIFACTS": str(settings.artifacts),
        "SINGSYNTH_OUTPUT": str(settings.output),
        "SINGSYNTH_ROOTS": str(settings.roots[0]),
        "SINGSYNTH_THREADS": "1",
    }


async def test_a_song_whose_proxies_end_is_finished_by_another(tmp_path):
    """The first is told to stop, the second is killed; what they had finished is not made again."""
    factory.plain(tmp_path / "banks" / "plain")
    song = tmp_path / "songs" / "song.json"
    song.parent.mkdir()
    song.write_text(json.dumps(SONG), encoding="utf-8")
    alone = Settings(
        voicebanks=(tmp_path / "banks",),
        default_voicebank="plain",
        threads=1,
        roots=(song.parent,),
        artifacts=tmp_path / "undisturbed",
        output=tmp_path / "undisturbed-music",
    )
    undisturbed = await sing(SingRequest(path=str(song), output="song.flac"), LocalCaller(alone))
    settings = alone.model_copy(update={"artifacts": tmp_path / "store", "output": tmp_path / "music"})
    async with redis_server() as redis:
        env = environment(redis, settings)
        jobs = job_engine("proxy", Settings(redis=redis.url))
        states, finished = [], []
        for end in (signal.SIGTERM, signal.SIGKILL):
            async with listening(HELD, env) as (url, process), web(url) as client:
                if not states:
                    told = await facts(client, "sing", path=str(song), output="song.flac", wait_seconds=0)
                    job_id = told["job_id"]
                while told.get("stage") != f"held by {process.pid}":
                    told = await facts(client, "get_job", job_id=job_id, wait_seconds=0.1)
                    assert told["state"] in ("queued", "running")
                finished.append(renderings(settings))
                os.kill(process.pid, end)
                assert await process.wait() == (0 if end == signal.SIGTERM else -signal.SIGKILL)
                states.append([record.state for record in await jobs.records()])
        async with listening(FREE, env) as (url, _), web(url) as client:
            while (told := await facts(client, "get_job", job_id=job_id, wait_seconds=45))["state"] != "done":
                assert told["state"] in ("queued", "running")
            listed = await facts(client, "list_jobs")
        await jobs.close()
    assert states == [["queued"], ["running"]], "given back in good order; of one that was killed, silence tells"
    assert [(row["job_id"], row["state"]) for row in listed["jobs"] if row["tool"] == "sing"] == [(job_id, "done")]
    sung = told["result"]
    assert sung["parts"] == [part.model_dump() for part in undisturbed.parts]
    audio = sung["parts"][0]["audio"]
    assert await blobs(settings, audio) == await blobs(alone, audio)
    assert (settings.output / "song.flac").read_bytes() == (alone.output / "song.flac").read_bytes()
    first, second = finished
    assert len(first) > 0
    assert first.items() <= second.items()
    assert second.items() < renderings(settings).items()
    assert renderings(settings).keys() == renderings(alone).keys()
