from __future__ import annotations

import base64
import json

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from singsynth_mcp.artifacts.base import Entry, Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.settings import Settings
from tests.serving.made_server import made_server

eras = pytest.mark.parametrize("era", ["auto", "legacy"])
URI = "singsynth://artifacts/"


async def put(kind, *blobs):
    store = FolderStore.from_settings(Settings())
    entries = [Entry(float(n), await store.put_blob(blob)) for n, blob in enumerate(blobs)]
    return await store.put(Manifest(kind, {"title": "t"}, tuple(entries)))


@eras
async def test_a_small_artifact_is_read_whole(era):
    score = await put("score", b'{"parts": []}')
    picture = await put("picture", b"\x89PNG")
    async with Client(made_server(), mode=era) as client:
        templates = await client.list_resource_templates()
        text = (await client.read_resource(URI + score)).contents
        image = (await client.read_resource(URI + picture)).contents
    assert templates.resource_templates[0].uri_template == "singsynth://artifacts/{id}"
    assert [(each.mime_type, each.text) for each in text] == [("application/json", '{"parts": []}')]
    assert [(each.mime_type, base64.b64decode(each.blob)) for each in image] == [("image/png", b"\x89PNG")]


@eras
async def test_a_large_artifact_is_a_summary_and_parts(era):
    audio = await put("audio", b"a" * 300_000, b"b" * 300_000, b"c" * 600_000)
    async with Client(made_server(), mode=era) as client:
        summary = json.loads((await client.read_resource(URI + audio)).contents[0].text)
        second = (await client.read_resource(summary["parts"][1]["uri"])).contents[0]
        with pytest.raises(MCPError, match="result_too_large: part 3 .* save_audio"):
            await client.read_resource(f"{URI}{audio}/3")
        with pytest.raises(MCPError, match="Its parts are 1 to 3"):
            await client.read_resource(f"{URI}{audio}/4")
    assert summary["total"] == 3
    assert summary["parts"][1] == {"uri": f"{URI}{audio}/2", "start_seconds": 1.0}
    assert base64.b64decode(second.blob) == b"b" * 300_000


@eras
async def test_many_small_blobs_stay_under_the_cap(era):
    store = FolderStore.from_settings(Settings())
    entry = Entry(0.0, await store.put_blob(b"ab"))
    mel = await store.put(Manifest("mel", {}, (entry,) * 4000))
    async with Client(made_server(), mode=era) as client:
        result = await client.read_resource(URI + mel)
    assert len(result.model_dump_json()) < 700_000


@eras
async def test_what_is_not_there_is_an_error_with_a_remedy(era):
    async with Client(made_server(), mode=era) as client:
        with pytest.raises(MCPError, match=r"unknown_artifact: .*audio-000000000000"):
            await client.read_resource(URI + "audio-000000000000")
        with pytest.raises(MCPError, match="unknown_artifact"):
            await client.read_resource("file:///etc/passwd")
        with pytest.raises(MCPError):
            await client.read_resource(URI + "../../secret")
