"""Two proxies over one Redis: a song that one took is known, and can be given up, at the other."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest
from mcp.client._memory import InMemoryTransport

from singsynth_mcp.contracts.score import ScoreResult
from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.connect import client_to
from singsynth_mcp.settings import Settings
from tests.proxy.made_upstreams import client_of
from tests.redis_server import redis_server
from tests.serving.made_server import made_server


class Scores:
    """A cpu server that says what it is asked for, and then takes its time."""

    def __init__(self):
        self.asked = []
        self.started = anyio.Event()
        self.stopped = anyio.Event()
        self.server = made_server(parse_score=self.parse)

    async def parse(self, request, on_progress):
        self.asked.append(request)
        self.started.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.stopped.set()
        return ScoreResult()

    def proxy(self, settings, *, over_http=True):
        @asynccontextmanager
        async def dial(spec, callbacks):
            async with client_to(InMemoryTransport(self.server), callbacks) as client:
                yield client

        return build_server(settings, {"cpu": UpstreamSpec(command="memory")}, dial, over_http=over_http)


async def facts(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_song_is_known_and_can_be_given_up_at_another_proxy(era, tmp_path):
    scores = Scores()
    song = tmp_path / "song.abc"
    song.write_text("X:1\nK:C\nC4\nw: la\n", encoding="utf-8")
    async with redis_server() as redis:
        settings = Settings(redis=redis.url, roots=(tmp_path,))
        proxies = [scores.proxy(settings) for _ in range(2)]
        async with client_of(proxies[0], era) as taker, client_of(proxies[1], era) as other:
            job_id = (await facts(taker, "sing", path=str(song), wait_seconds=0))["job_id"]
            await scores.started.wait()
            assert (await facts(other, "get_job", job_id=job_id, wait_seconds=0))["state"] == "running"
            assert [row["job_id"] for row in (await facts(other, "list_jobs"))["jobs"]] == [job_id]
            assert (await facts(other, "cancel_job", job_id=job_id))["state"] == "cancelled"
            await scores.stopped.wait()
            assert (await facts(taker, "get_job", job_id=job_id))["state"] == "cancelled"
    [request] = scores.asked
    assert request.path is None, "whichever proxy does it has the file from the store"
    assert request.upload.startswith("upload-")


async def test_the_proxy_of_a_host_keeps_its_songs_to_itself(tmp_path):
    scores = Scores()
    settings = Settings(redis="redis://nobody.invalid:1")
    async with client_of(scores.proxy(settings, over_http=False), "auto") as client:
        told = await facts(client, "sing", text="X:1\nK:C\nC4\nw: la\n", wait_seconds=0)
        await scores.started.wait()
        assert (await facts(client, "cancel_job", job_id=told["job_id"]))["state"] == "cancelled"
        await scores.stopped.wait()
