from __future__ import annotations

import json

import anyio
import pytest
from mcp import Client

from singsynth_mcp.contracts.score import ScoreResult
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import NothingToSing
from singsynth_mcp.serving import tools as serving_tools
from tests.serving.made_server import Vocoder, made_server

ERAS = ("auto", "legacy")
eras = pytest.mark.parametrize("era", ERAS)


async def parse(request, on_progress):
    if request.text == "bad":
        raise NothingToSing("part P1 has no lyrics", hint="Choose another part.", part="P1")
    if request.text == "bug":
        raise ZeroDivisionError("secret path")
    return ScoreResult(id="score-0123456789ab", title=request.text)


@eras
async def test_the_list_shows_schemas_titles_and_annotations(era):
    async with Client(made_server(parse_score=parse, vocode=Vocoder()), mode=era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == ["parse_score", "vocode", "get_job", "cancel_job", "list_jobs"]
    assert tools["vocode"].title == "Vocode"
    assert tools["vocode"].input_schema["required"] == ["mel"]
    assert "seconds" in tools["vocode"].output_schema["properties"]
    assert tools["vocode"].annotations.read_only_hint is True
    assert all(len(tool.description) < 1000 for tool in tools.values())


@eras
async def test_a_short_tool_answers_at_once(era):
    async with Client(made_server(parse_score=parse), mode=era) as client:
        result = await client.call_tool("parse_score", {"text": "<score/>"})
    assert result.structured_content == {"state": "done", "id": "score-0123456789ab", "title": "<score/>"}
    assert json.loads(result.content[0].text) == result.structured_content
    assert result.content[1].uri == "singsynth://artifacts/score-0123456789ab"


@eras
async def test_every_kind_of_error_is_a_result_with_a_remedy(era, caplog):
    async with Client(made_server(parse_score=parse), mode=era) as client:
        expected = await client.call_tool("parse_score", {"text": "bad"})
        defect = await client.call_tool("parse_score", {"text": "bug"})
        unknown = await client.call_tool("sing_louder", {})
        wrong = await client.call_tool("parse_score", {"txt": "<score/>", "range": "all"})
        after = await client.call_tool("parse_score", {"text": "<score/>"})
    assert all(each.is_error for each in (expected, defect, unknown, wrong))
    assert expected.content[0].text == "nothing_to_sing: part P1 has no lyrics. Choose another part."
    assert expected.structured_content["error"]["details"] == {"part": "P1"}
    assert "internal_error" in defect.content[0].text
    assert "secret" not in defect.model_dump_json()
    assert "secret" in caplog.text
    assert "parse_score" in unknown.content[0].text
    assert "txt: no such argument" in wrong.content[0].text
    assert "range" in wrong.content[0].text
    assert not after.is_error


@eras
async def test_a_long_tool_answers_with_a_job_that_get_job_finishes(era):
    vocoder = Vocoder()
    async with Client(made_server(vocode=vocoder), mode=era) as client:
        first = await client.call_tool("vocode", {"mel": "mel-0123456789ab", "wait_seconds": 0})
        job_id = first.structured_content["job_id"]
        assert first.structured_content["state"] in ("queued", "running")
        await vocoder.started.wait()
        listed = await client.call_tool("list_jobs", {})
        assert listed.structured_content["jobs"][0]["job_id"] == job_id
        vocoder.open.set()
        last = await client.call_tool("get_job", {"job_id": job_id})
    assert last.structured_content["state"] == "done"
    assert last.structured_content["result"]["id"] == "audio-0123456789ab"
    assert last.content[1].uri == "singsynth://artifacts/audio-0123456789ab"


@eras
async def test_a_long_tool_that_is_quick_answers_like_a_short_one(era):
    vocoder = Vocoder()
    vocoder.open.set()
    async with Client(made_server(vocode=vocoder), mode=era) as client:
        result = await client.call_tool("vocode", {"mel": "mel-0123456789ab"})
    assert result.structured_content["seconds"] == 3.5
    assert "job_id" not in result.structured_content


@eras
async def test_progress_reaches_the_client_rising(era):
    vocoder, seen = Vocoder(), []

    async def on_progress(progress, total, message):
        seen.append((progress, total, message))
        vocoder.open.set()

    async with Client(made_server(vocode=vocoder), mode=era) as client:
        await client.call_tool("vocode", {"mel": "mel-0123456789ab"}, progress_callback=on_progress)
    assert seen[0] == (0.25, 1.0, "vocode: phrase 1 of 4")


async def test_a_silent_wait_has_a_heartbeat(monkeypatch):
    monkeypatch.setattr("singsynth_mcp.serving.jobtools.HEARTBEAT_SECONDS", 0.02)
    vocoder, seen = Vocoder(), []

    async def on_progress(progress, total, message):
        seen.append(progress)
        if len(seen) == 4:
            vocoder.open.set()

    async with Client(made_server(vocode=vocoder)) as client:
        await client.call_tool("vocode", {"mel": "mel-0123456789ab"}, progress_callback=on_progress)
    assert len(seen) >= 4
    assert seen == sorted(set(seen))


@eras
async def test_cancelling_the_only_call_stops_the_work(era):
    vocoder = Vocoder()
    async with Client(made_server(vocode=vocoder), mode=era) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "vocode", {"mel": "mel-0123456789ab"})
            await vocoder.started.wait()
            group.cancel_scope.cancel()
        await vocoder.stopped.wait()


async def test_equal_calls_are_one_job():
    vocoder, results = Vocoder(), []
    async with Client(made_server(vocode=vocoder)) as client:

        async def call(wait):
            results.append(await client.call_tool("vocode", {"mel": "mel-0123456789ab", "wait_seconds": wait}))

        async with anyio.create_task_group() as group:
            group.start_soon(call, 20)
            await vocoder.started.wait()
            group.start_soon(call, 30)
            await call(0)
            vocoder.open.set()
    assert vocoder.runs == 1
    assert [each.structured_content["state"] for each in results].count("done") == 2


async def test_a_short_tool_that_takes_too_long_is_an_error_and_the_server_lives(monkeypatch):
    monkeypatch.setattr(serving_tools, "DEADLINE_SECONDS", 0.05)

    async def endless(request, on_progress):
        await anyio.sleep_forever()

    async with Client(made_server(parse_score=endless)) as client:
        result = await client.call_tool("parse_score", {"text": "<score/>"})
        assert not (await client.call_tool("list_jobs", {})).is_error
    assert result.structured_content["error"]["code"] == "deadline_exceeded"


@eras
async def test_failed_and_cancelled_jobs_say_so(era):
    vocoder = Vocoder()

    async def fails(request, on_progress):
        raise NothingToSing("the mel is empty")

    async with Client(made_server(vocode=vocoder, synthesize_audio=fails), mode=era) as client:
        failed = await client.call_tool("synthesize_audio", {"performance": "performance-0123456789ab"})
        started = await client.call_tool("vocode", {"mel": "mel-0123456789ab", "wait_seconds": 0})
        job = {"job_id": started.structured_content["job_id"]}
        cancelled = await client.call_tool("cancel_job", job)
        after = await client.call_tool("get_job", job)
        unknown = await client.call_tool("get_job", {"job_id": "made-000000000000"})
    assert failed.content[0].text == "nothing_to_sing: the mel is empty."
    assert cancelled.structured_content["state"] == after.structured_content["state"] == "cancelled"
    assert unknown.structured_content["error"]["code"] == "unknown_job"


def test_every_contract_makes_a_definition():
    for spec in TOOLS.values():
        definition = serving_tools.define(spec)
        assert definition.input_schema["type"] == "object"
        assert definition.output_schema["type"] == "object"
        assert len(definition.description) < 1000


def test_schemas_say_nothing_twice():
    schema = serving_tools.define(TOOLS["sing"]).input_schema
    assert "title" not in schema
    assert schema["properties"]["voicebank"] == {"type": "string"}
    assert schema["properties"]["part"]["description"].startswith("Sing this part alone")
    assert {"type": "null"} in schema["properties"]["loudness_lufs"]["anyOf"]
    assert "title" in serving_tools.define(TOOLS["parse_score"]).output_schema["properties"]
