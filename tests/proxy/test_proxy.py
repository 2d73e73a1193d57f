from __future__ import annotations

from pathlib import Path

import anyio
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from singsynth_mcp.artifacts.base import Entry, Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.audio import AudioResult
from singsynth_mcp.contracts.calling import Progress
from singsynth_mcp.settings import Settings
from tests.proxy.made_upstreams import Foreign, client_of, proxy_over
from tests.serving.http_clients import headers, message, served
from tests.serving.made_server import made_server

eras = pytest.mark.parametrize(("front", "back"), [(f, b) for f in ("auto", "legacy") for b in ("auto", "legacy")])
OWN = ["sing", "check_voicebank", "get_job", "cancel_job", "list_jobs"]


@eras
async def test_a_call_passes_through_whole(front, back):
    one, two = Foreign("one", "echo", "both"), Foreign("two", "both")
    async with client_of(proxy_over({"one": one.server, "two": two.server}, back), front) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        result = await client.call_tool("echo", {"a": [1, "う"]}, meta={"vendor/z": 3})
        other = await client.call_tool("two_both", {})
    assert list(tools) == [*OWN, "echo", "one_both", "two_both"]
    assert tools["echo"].annotations.read_only_hint is True
    assert tools["echo"].meta["vendor/x"] == 1
    assert tools["two_both"].title == "both of two"
    assert result.structured_content == {"arguments": {"a": [1, "う"]}}
    assert [block.type for block in result.content] == ["text", "image"]
    assert result.meta["vendor/y"] == 2
    assert one.calls[0].meta["vendor/z"] == 3
    assert other.content[0].text == "two.both"


async def test_a_foreign_tool_of_our_name_gets_its_arguments_as_they_are():
    one = Foreign("one", "parse_score", "save_audio")
    arguments = {"path": "/home/somebody/song.mxl", "output": "song.wav"}
    async with client_of(proxy_over({"one": one.server}), "auto") as client:
        for tool in one.tools:
            result = await client.call_tool(tool, arguments)
            assert result.structured_content == {"arguments": arguments}
    assert not Path(Settings().artifacts).exists()


@eras
async def test_errors_pass_through_as_they_are(front, back):
    one = Foreign("one", "refuse", "fail")
    async with client_of(proxy_over({"one": one.server}, back), front) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("refuse", {})
        failed = await client.call_tool("fail", {})
        unknown = await client.call_tool("nothing", {})
    assert (refused.value.error.code, refused.value.error.data) == (-32042, {"why": "rain"})
    assert (failed.is_error, failed.content[0].text) == (True, "no")
    assert "there is no tool 'nothing'" in unknown.content[0].text


@eras
async def test_progress_logs_and_cancellation_pass_through(front, back):
    one, progress, logs = Foreign("one", "wait"), [], []

    async def on_progress(*facts):
        progress.append(facts)

    async def on_log(params):
        logs.append((params.level, params.data))

    proxy = proxy_over({"one": one.server}, back)
    async with client_of(proxy, front, logging_callback=on_log, log_level="info") as client:
        async with anyio.create_task_group() as group:

            async def call():
                await client.call_tool("wait", {}, progress_callback=on_progress)

            group.start_soon(call)
            await one.waiting.wait()
            while not (progress and logs):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        await one.stopped.wait()
    assert progress == [(0.5, 1.0, "half")]
    assert logs == [("info", "half")]


@eras
async def test_resources_templates_prompts_and_completions_pass_through(front, back):
    one, two = Foreign("one"), Foreign("two")
    async with client_of(proxy_over({"one": one.server, "two": two.server}, back), front) as client:
        resources = [str(each.uri) for each in (await client.list_resources()).resources]
        templates = [each.uri_template for each in (await client.list_resource_templates()).resource_templates]
        listed = await client.read_resource("note://two")
        templated = await client.read_resource("two://page/7")
        prompts = [each.name for each in (await client.list_prompts()).prompts]
        prompt = await client.get_prompt("two_greet", {"who": "her"})
        reference = types.PromptReference(name="two_greet")
        completion = await client.complete(reference, {"name": "who", "value": "h"})
        with pytest.raises(MCPError, match="there is no prompt 'nothing'"):
            await client.get_prompt("nothing")
        with pytest.raises(MCPError, match="there is no resource"):
            await client.read_resource("nowhere://1")
    assert resources == ["note://one", "note://two"]
    assert templates == ["one://page/{n}", "two://page/{n}"]
    assert listed.contents[0].text == "two has note://two"
    assert templated.contents[0].text == "two has two://page/7"
    assert prompts == ["one_greet", "two_greet"]
    assert prompt.messages[0].content.text == "two greets her"
    assert completion.completion.values == ["two:h"]


@eras
async def test_a_changed_list_reaches_the_host(front, back):
    one, told = Foreign("one", "echo"), anyio.Event()

    async def on_message(message):
        if isinstance(message, types.ToolListChangedNotification):
            told.set()

    proxy = proxy_over({"one": one.server}, back)
    async with client_of(proxy, front, message_handler=on_message) as client:
        await client.list_tools()
        async with anyio.create_task_group() as group:
            if front == "auto":
                group.start_soon(_listen, client)
            one.tools.append("shout")
            while not told.is_set():
                await one.notices.tools_changed()
                await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert "shout" in [tool.name for tool in (await client.list_tools()).tools]
        assert (await client.call_tool("shout", {})).content[0].text == "one.shout"


async def _listen(client):
    async with client.listen(tools_list_changed=True) as events:
        async for _ in events:
            pass


@eras
async def test_a_changed_resource_reaches_the_host_that_follows_it(front, back):
    one, told = Foreign("one"), []

    async def on_message(message):
        if isinstance(message, types.ResourceUpdatedNotification):
            told.append(str(message.params.uri))

    proxy = proxy_over({"one": one.server}, back)
    async with client_of(proxy, front, message_handler=on_message) as client, anyio.create_task_group() as group:
        group.start_soon(FOLLOW[front], client, "note://one")
        while not told:
            await one.notices.resource_updated("note://one")
            await one.notices.resource_updated("note://other")
            await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert set(told) == {"note://one"}


@pytest.mark.parametrize("front", ["auto", "legacy"])
async def test_what_is_followed_or_completed_in_vain_is_refused_in_words(front):
    one, down = Foreign("one"), set()
    async with client_of(proxy_over({"one": one.server}, down=down), front) as client:
        assert [str(each.uri) for each in (await client.list_resources()).resources] == ["note://one"]
        with pytest.raises(MCPError, match="there is no prompt 'nothing'"):
            await client.complete(types.PromptReference(name="nothing"), {"name": "who", "value": "h"})
    down.add("one")
    async with client_of(proxy_over({"one": one.server}, down=down), front) as client:
        with pytest.raises(MCPError, match="the upstream server 'one' .* cannot be reached: one is down"):
            await FOLLOW[front](client, "note://one")


async def _listen_to(client, uri):
    async with client.listen(resource_subscriptions=[uri]) as events:
        async for _ in events:
            pass


async def _subscribe_to(client, uri):
    request = types.SubscribeRequest(params=types.SubscribeRequestParams(uri=uri))
    await client.session.send_request(request, types.EmptyResult)


FOLLOW = {"auto": _listen_to, "legacy": _subscribe_to}


async def test_an_older_upstreams_question_reaches_an_older_host():
    async def on_elicitation(context, params):
        return types.ElicitResult(action="accept", content={"who": params.message})

    one = Foreign("one", "ask")
    async with client_of(proxy_over({"one": one.server}, "legacy"), "legacy", elicitation_callback=on_elicitation) as c:
        assert (await c.call_tool("ask", {})).content[0].text == "{'who': 'Who?'}"
    async with client_of(proxy_over({"one": one.server}, "legacy"), "auto", elicitation_callback=on_elicitation) as c:
        with pytest.raises(MCPError, match="cannot be asked elicitation/create by an older server"):
            await c.call_tool("ask", {})


async def test_artifacts_are_read_from_the_proxys_own_store():
    store = FolderStore.from_settings(Settings())
    score = await store.put(Manifest("score", {}, (Entry(0.0, await store.put_blob(b"{}")),)))
    one = Foreign("one")
    async with client_of(proxy_over({"one": one.server}, down=frozenset({"one"})), "auto") as client:
        assert (await client.read_resource(f"singsynth://artifacts/{score}")).contents[0].text == "{}"
        with pytest.raises(MCPError, match="unknown_artifact: .*score-000000000000"):
            await client.read_resource("singsynth://artifacts/score-000000000000")


async def test_an_upstream_that_is_down_does_not_take_the_others_with_it():
    one, two = Foreign("one", "echo"), Foreign("two", "shout")
    proxy = proxy_over({"one": one.server, "two": two.server}, down=frozenset({"two"}))
    async with client_of(proxy, "auto") as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [*OWN, "echo"]
        assert not (await client.call_tool("echo", {})).is_error


async def test_the_last_known_list_is_served_while_upstreams_are_down_and_the_call_says_so():
    one = Foreign("one", "echo")
    async with client_of(proxy_over({"one": one.server}), "auto") as client:
        await client.list_tools()
    async with client_of(proxy_over({"one": one.server}, down=frozenset({"one"})), "auto") as client:
        assert "echo" in [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool("echo", {})
    error = result.structured_content["error"]
    assert (error["code"], error["retryable"]) == ("upstream_unavailable", True)
    assert "'one'" in error["message"]
    assert "one is down" in error["message"] or "tried again in" in error["hint"]


class Routed(Foreign):
    """A server whose tool has an argument that HTTP clients repeat in a header."""

    async def list_tools(self):
        region = {"type": "string", "x-mcp-header": "Region"}
        schema = {"type": "object", "properties": {"region": region}}
        return [tool.model_copy(update={"input_schema": schema}) for tool in await super().list_tools()]


async def test_over_http_a_header_that_contradicts_its_argument_is_refused():
    async with served(proxy_over({"one": Routed("one", "echo").server})) as client:
        await client.post("/mcp", json=message("tools/list"), headers=headers("tools/list"))
        body = message("tools/call", name="echo", arguments={"region": "south"})
        named = headers("tools/call", name="echo")
        answers = [
            await client.post("/mcp", json=body, headers={**named, "mcp-param-region": said})
            for said in ("south", "north")
        ]
    assert [each.status_code for each in answers] == [200, 400]


class Vocoder:
    def __init__(self):
        self.open = anyio.Event()

    async def __call__(self, request, on_progress):
        await on_progress(Progress(0.5, "vocode"))
        await self.open.wait()
        return AudioResult(id="audio-0123456789ab")


@eras
async def test_jobs_of_upstreams_are_found_by_their_id(front, back):
    vocoder = Vocoder()
    gpu, other = made_server(vocode=vocoder), Foreign("other", "echo")
    async with client_of(proxy_over({"other": other.server, "gpu": gpu}, back), front) as client:
        started = await client.call_tool("vocode", {"mel": "mel-0123456789ab", "wait_seconds": 0})
        job = {"job_id": started.structured_content["job_id"]}
        listed = await client.call_tool("list_jobs", {})
        vocoder.open.set()
        done = await client.call_tool("get_job", job)
        unknown = await client.call_tool("get_job", {"job_id": "gpu-000000000000"})
    assert [row["job_id"] for row in listed.structured_content["jobs"]] == [job["job_id"]]
    assert done.structured_content["result"]["id"] == "audio-0123456789ab"
    assert unknown.structured_content["error"]["code"] == "unknown_job"
