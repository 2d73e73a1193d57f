"""The Tasks extension: for clients that declare it, a job that outlasts its call is a task; others see no change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from singsynth_mcp.errors import SynthesisFailed
from singsynth_mcp.serving import tasks
from tests.proxy.made_upstreams import proxy_over
from tests.serving.http_clients import VERSION, call, headers, message, post_call, served
from tests.serving.made_server import Vocoder, made_server

DECLARING = {"io.modelcontextprotocol/clientCapabilities": {"extensions": {tasks.EXTENSION: {}}}}
MEL = {"mel": "mel-0123456789ab"}


class FailingVocoder(Vocoder):
    """That vocoder, failing for a mel of zeros."""

    async def __call__(self, request, on_progress):
        result = await super().__call__(request, on_progress)
        if request.mel == "mel-000000000000":
            raise SynthesisFailed("the model gave no numbers", hint="Try another seed.")
        return result


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(tasks, "_AT_ONCE_SECONDS", 0.05)


def servers(vocoder):
    """Return a server with the tool, and a proxy in front of one."""
    return [made_server(vocode=vocoder), proxy_over({"made": made_server(vocode=vocoder)})]


@pytest.fixture(params=[0, 1], ids=["server", "proxy"])
def vocoder_and_server(request):
    vocoder = FailingVocoder()
    return vocoder, servers(vocoder)[request.param]


async def ask(client, method, meta=DECLARING, **params):
    """Return a request's whole answer."""
    name = params.get("taskId")
    answer = await client.post("/mcp", json=message(method, meta, **params), headers=headers(method, name=name))
    return answer.json()


async def begun(client, arguments=MEL):
    """Return a task that a call of vocode became."""
    return (await post_call(client, "vocode", arguments, meta=DECLARING)).json()["result"]


async def ended(client, task):
    while (told := (await ask(client, "tasks/get", taskId=task["taskId"]))["result"])["status"] == "working":
        await anyio.lowlevel.checkpoint()
    return told


async def test_a_long_call_is_a_task_whose_result_is_the_calls(vocoder_and_server):
    vocoder, server = vocoder_and_server
    async with served(server) as client:
        task = await begun(client)
        assert (task["resultType"], task["status"]) == ("task", "working")
        assert "result" not in task
        created = datetime.fromisoformat(task["createdAt"])
        assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)
        assert datetime.fromisoformat(task["lastUpdatedAt"]) >= created
        told = (await ask(client, "tasks/get", taskId=task["taskId"]))["result"]
        assert (told["resultType"], told["status"], told["createdAt"]) == ("complete", "working", task["createdAt"])
        assert told["statusMessage"] == "vocode: 25 %"
        same = await call(client, "get_job", {"job_id": task["taskId"], "wait_seconds": 0})
        assert same.structured_content["state"] == "running"
        vocoder.open.set()
        told = await ended(client, task)
        assert told["status"] == "completed"
        assert told["result"]["structuredContent"]["id"] == "audio-0123456789ab"
        assert told["createdAt"] == task["createdAt"]
        again = (await post_call(client, "vocode", MEL, meta=DECLARING)).json()["result"]
        assert (again["resultType"], again["structuredContent"]["seconds"]) == ("complete", 3.5)


async def test_a_tools_error_is_the_result_of_a_task_that_is_complete(vocoder_and_server):
    vocoder, server = vocoder_and_server
    async with served(server) as client:
        task = await begun(client, {"mel": "mel-000000000000"})
        vocoder.open.set()
        told = await ended(client, task)
    assert (told["status"], told["result"]["isError"]) == ("completed", True)
    assert told["result"]["structuredContent"]["error"]["code"] == "synthesis_failed"
    assert told["createdAt"] == task["createdAt"]


async def test_a_cancelled_task_stops_its_work(vocoder_and_server):
    vocoder, server = vocoder_and_server
    async with served(server) as client:
        task = await begun(client)
        assert (await ask(client, "tasks/update", taskId=task["taskId"], inputResponses={}))["result"].keys() == {
            "resultType",
            "_meta",
        }
        done = (await ask(client, "tasks/cancel", taskId=task["taskId"]))["result"]
        assert done["resultType"] == "complete"
        assert "status" not in done
        await vocoder.stopped.wait()
        assert (await ended(client, task))["status"] == "cancelled"


async def test_who_does_not_declare_tasks_gets_none(vocoder_and_server):
    vocoder, server = vocoder_and_server
    async with served(server) as client:
        first = await call(client, "vocode", MEL | {"wait_seconds": 0})
        job_id = first.structured_content["job_id"]
        assert first.structured_content["state"] in ("queued", "running")
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            refused = (await ask(client, method, {}, taskId=job_id))["error"]
            assert refused["code"] == -32021
            assert refused["data"] == {"requiredCapabilities": {"extensions": {tasks.EXTENSION: {}}}}
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            assert (await ask(client, method, taskId="made-000000000000"))["error"]["code"] == -32602
        vocoder.open.set()
        discovered = (await ask(client, "server/discover", {}))["result"]
    assert discovered["capabilities"]["extensions"] == {tasks.EXTENSION: {}}
    assert VERSION in discovered["supportedVersions"]
