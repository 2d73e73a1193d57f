"""One upstream name with several URLs, its replicas in this process."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest
from mcp.client._memory import InMemoryTransport

from singsynth_mcp.contracts.audio import AudioResult
from singsynth_mcp.errors import UpstreamDied, UpstreamUnavailable
from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.connect import client_to
from singsynth_mcp.proxy.replicas import Replicas, is_unknown_job
from singsynth_mcp.settings import Settings
from tests.processes import until
from tests.proxy.made_upstreams import Foreign, client_of
from tests.serving.made_server import made_server


class Fleet:
    """Two servers that can be taken down and brought up; what is under way there dies with them."""

    def __init__(self, *servers):
        self.servers = {f"memory:{n}": server for n, server in enumerate(servers)}
        self.down = set()

    @asynccontextmanager
    async def dial(self, spec, callbacks):
        if spec.url in self.down:
            raise ConnectionRefusedError(spec.url)
        async with client_to(InMemoryTransport(self.servers[spec.url]), callbacks, mode="auto") as client:
            yield client

    @asynccontextmanager
    async def replicas(self):
        async def changed(uri):
            pass

        spec = UpstreamSpec(urls=tuple(self.servers))
        made = Replicas("cpu", spec, changed, self.dial, first_pause_seconds=0.01)
        try:
            yield made
        finally:
            await made.close()


def calling(tool, **arguments):
    return lambda session: session.call_tool(tool, arguments)


async def test_calls_go_to_the_one_with_fewest_in_flight():
    one, two = Foreign("cpu", "wait", "echo"), Foreign("cpu", "wait", "echo")
    async with Fleet(one.server, two.server).replicas() as replicas, anyio.create_task_group() as group:
        group.start_soon(replicas.request, calling("wait"))
        await one.waiting.wait()
        for _ in range(3):
            await replicas.request(calling("echo"))
        assert ([each.name for each in one.calls], [each.name for each in two.calls]) == (["wait"], ["echo"] * 3)
        group.cancel_scope.cancel()


async def test_a_dead_one_is_left_out_and_taken_back_when_it_answers():
    one, two = Foreign("cpu", "echo"), Foreign("cpu", "echo")
    fleet = Fleet(one.server, two.server)
    fleet.down = {"memory:0"}
    with anyio.fail_after(30):
        async with fleet.replicas() as replicas:
            for _ in range(3):
                await replicas.request(calling("echo"))
            assert (replicas.live, len(one.calls), len(two.calls)) == (1, 0, 3)
            fleet.down = set()
            await until(lambda: replicas.live == 2)
            await replicas.request(calling("echo"))
            assert len(one.calls) == 1


async def test_when_all_are_down_it_is_said():
    fleet = Fleet(Foreign("cpu", "echo").server, Foreign("cpu", "echo").server)
    fleet.down = set(fleet.servers)
    async with fleet.replicas() as replicas:
        with pytest.raises(UpstreamUnavailable, match="'cpu'"):
            await replicas.request(calling("echo"))
        with pytest.raises(UpstreamUnavailable):
            await replicas.listing()


def other_version():
    other = Foreign("cpu", "echo")
    other.server.version = "0.0.1"
    return other


@pytest.mark.parametrize(
    ("other", "words"), [(other_version, "is cpu 0.0.1, others are cpu"), (lambda: Foreign("gpu", "echo"), "is gpu")]
)
async def test_one_that_is_another_server_is_left_out_and_never_asked_beside_the_others(other, words, caplog):
    one, two = Foreign("cpu", "echo"), other()
    fleet = Fleet(one.server, two.server)
    with anyio.fail_after(30):
        async with fleet.replicas() as replicas:
            await replicas.listing()
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(replicas.request, calling("echo"))
            assert (replicas.live, len(one.calls), len(two.calls)) == (1, 4, 0)
            assert words in caplog.text
            await replicas.close()  # the connections that there are
            fleet.down = {"memory:0"}
            await replicas.request(calling("echo"))
            assert len(two.calls) == 1


async def test_no_call_fails_where_all_are_replaced_by_another_version(caplog):
    fleet = Fleet(Foreign("cpu", "echo").server, Foreign("cpu", "echo").server)
    with anyio.fail_after(30):
        async with fleet.replicas() as replicas:
            async with anyio.create_task_group() as group:
                for _ in range(2):
                    group.start_soon(replicas.request, calling("echo"))
            newer = other_version(), other_version()
            fleet.servers = {place: each.server for place, each in zip(fleet.servers, newer, strict=True)}
            for member in replicas._members:
                await member.close()
            for _ in range(3):
                assert not (await replicas.request(calling("echo"))).is_error
            await until(lambda: replicas.live == 2)
            assert sum(len(each.calls) for each in newer) == 3


@pytest.mark.parametrize("repeatable", [True, False])
async def test_what_a_death_interrupts_is_repeated_only_where_it_may_be(repeatable):
    one, two = Foreign("cpu", "echo"), Foreign("cpu", "echo")
    asked = []

    async def question(session):
        asked.append(session)
        if len(asked) == 1:
            raise anyio.ClosedResourceError
        return await session.call_tool("echo", {})

    async with Fleet(one.server, two.server).replicas() as replicas:
        if repeatable:
            assert not (await replicas.request(question)).is_error
            assert len(two.calls) == 1
        else:
            with pytest.raises(UpstreamDied):
                await replicas.request(question, repeatable=False)
            assert len(asked) == 1


async def test_a_job_is_asked_for_where_it_is():
    done = anyio.Event()

    async def vocode(request, on_progress):
        await done.wait()
        return AudioResult(id="audio-0123456789ab", sample_rate=44100)

    fleet = Fleet(made_server(vocode=vocode), made_server(vocode=vocode))
    async with fleet.replicas() as replicas:
        ids = []
        for mel in ("mel-0123456789ab", "mel-ba9876543210"):
            started = await replicas.request(calling("vocode", mel=mel, wait_seconds=0))
            ids.append(started.structured_content["job_id"])
        done.set()
        for job_id in ids:
            question = calling("get_job", job_id=job_id, wait_seconds=20)
            found = await replicas.request(question, job_id=job_id)
            assert found.structured_content["state"] == "done"
            replicas._jobs.clear()
            assert not is_unknown_job(await replicas.request(question, job_id=job_id))
        lost = await replicas.request(calling("get_job", job_id="made-000000000000"), job_id="made-000000000000")
        assert is_unknown_job(lost)


@pytest.mark.parametrize("shared", [False, True])
async def test_the_jobs_of_every_replica_are_listed_and_those_that_they_share_once(shared):
    async def vocode(request, on_progress):
        return AudioResult(id="audio-0123456789ab", sample_rate=44100)

    one = made_server(vocode=vocode)
    servers = [one, one if shared else made_server(vocode=vocode)]
    fleet = Fleet(*servers)
    proxy = build_server(Settings(), {"cpu": UpstreamSpec(urls=tuple(fleet.servers))}, fleet.dial)
    ids = []
    for number, server in enumerate(servers):
        async with client_of(server, "auto") as direct:
            await direct.call_tool("vocode", {"mel": f"mel-00000000000{number}"})
            ids.append((await direct.call_tool("list_jobs", {})).structured_content["jobs"][0]["job_id"])
    async with client_of(proxy, "auto") as client:
        listed = (await client.call_tool("list_jobs", {})).structured_content
    assert {row["job_id"] for row in listed["jobs"]} == set(ids)
    assert (len(listed["jobs"]), listed["total"]) == (2, 2)
