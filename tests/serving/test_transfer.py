"""Artifacts over HTTP, as another server or a client with a file uses them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.artifacts.base import Entry, Manifest, sha256
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.transfer import read_manifest
from singsynth_mcp.serving.transports import http_app
from singsynth_mcp.settings import Settings
from tests.processes import listening
from tests.serving.made_server import made_server

TOKEN = {"authorization": "Bearer secret"}
DATA = bytes(range(256)) * 2048


@asynccontextmanager
async def web(transport="http"):
    """Yield a web client of a made server that wants a token and takes a mebibyte, and the server's store."""
    app = http_app(made_server(), transport, access=Access(token="secret"))
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://localhost:8000", headers=TOKEN
    )
    async with client:
        yield client, FolderStore.from_settings(Settings())


def leftovers(store: FolderStore) -> list[Path]:
    return list(store.root.rglob(".new-*"))


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_a_blob_goes_there_and_back(transport):
    name = sha256(DATA)
    async with web(transport) as (client, store):
        assert (await client.head(f"/artifacts/{name}")).status_code == 404
        assert (await client.put(f"/artifacts/{name}", content=DATA)).status_code == 201
        assert (await client.head(f"/artifacts/{name}")).status_code == 200
        answer = await client.get(f"/artifacts/{name}")
    assert answer.content == DATA
    assert await store.get_blob(name) == DATA


async def test_a_manifest_goes_there_and_back():
    manifest = Manifest("audio", {"title": "うさぎ"}, (Entry(0.5, sha256(DATA)),))
    async with web() as (client, store):
        missing = await client.get(f"/artifacts/{manifest.id}")
        assert (await client.put(f"/artifacts/{manifest.id}", content=manifest.to_json())).status_code == 201
        answer = await client.get(f"/artifacts/{manifest.id}")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "unknown_artifact")
    assert Manifest.from_json(answer.content) == await store.get(manifest.id, "audio") == manifest


async def test_every_route_wants_the_token():
    name = sha256(DATA)
    requests = [("GET", f"/artifacts/{name}"), ("HEAD", f"/artifacts/{name}"), ("PUT", f"/artifacts/{name}")]
    requests += [("PUT", "/uploads/a.mxl"), ("POST", "/uploads")]
    async with web() as (client, store):
        for method, path in requests:
            for headers in ({"authorization": ""}, {"authorization": "Bearer wrong"}):
                assert (await client.request(method, path, headers=headers, content=DATA)).status_code == 401
    assert await store.missing_blobs([name]) == [name]


async def test_other_content_than_the_name_says_is_refused_and_nothing_kept():
    name = sha256(b"something else")
    manifest = Manifest("audio", {}, ())
    async with web() as (client, store):
        blob = await client.put(f"/artifacts/{name}", content=DATA)
        other = await client.put(f"/artifacts/{manifest.id}", content=b'{"kind":"audio","header":{},"entries":[0]}')
    assert (blob.status_code, blob.json()["error"]["code"]) == (400, "invalid_request")
    assert sha256(DATA) in blob.json()["error"]["message"]
    assert (other.status_code, other.json()["error"]["code"]) == (400, "invalid_request")
    assert await store.missing_blobs([name]) == [name]
    assert leftovers(store) == []


@pytest.mark.parametrize("says_so", [True, False], ids=["with its length", "in chunks"])
@pytest.mark.parametrize("path", [f"/artifacts/{'0' * 64}", "/uploads/large.mxl"])
async def test_what_is_too_large_is_refused_and_nothing_kept(path, says_so):
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield bytes(2**16)

    async with web() as (client, store):
        answer = await client.put(path, content=bytes(17 * 2**16) if says_so else chunks())
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert "SINGSYNTH_UPLOAD_MAX_BYTES" in answer.json()["error"]["hint"]
    assert leftovers(store) == []


@pytest.mark.parametrize("name", ["nonsense", "..%2f..%2fetc%2fpasswd", "score-0", "0" * 63, "F" * 64])
async def test_names_that_are_none_are_not_found(name):
    async with web() as (client, store):
        answers = [await client.get(f"/artifacts/{name}"), await client.put(f"/artifacts/{name}", content=b"x")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert not list(store.root.rglob("*"))


async def test_a_full_disk_says_so_and_keeps_nothing():
    async with web() as (client, store):
        store.root.mkdir(parents=True)
        (store.root / "blobs").write_text("a file where a folder should be", encoding="utf-8")
        answer = await client.put(f"/artifacts/{sha256(DATA)}", content=DATA)
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "storage_problem")
    assert [path.name for path in store.root.rglob("*")] == ["blobs"]


async def test_an_upload_is_an_id_for_the_tools_that_take_one():
    async with web() as (client, store):
        answer = await client.put("/uploads/うさぎ.mxl", content=DATA)
        again = await client.put("/uploads/うさぎ.mxl", content=DATA)
        empty = await client.put("/uploads/empty.mxl", content=b"")
    facts = answer.json()
    assert facts == {"upload": again.json()["upload"], "bytes": len(DATA), "sha256": sha256(DATA)}
    manifest = await store.get(facts["upload"], "upload")
    assert manifest.header == {"name": "うさぎ.mxl"}
    assert await store.get_blob(manifest.entries[0].blob) == DATA
    assert empty.json()["error"]["code"] == "invalid_request"


async def test_without_a_bucket_nobody_is_invited_elsewhere():
    async with web() as (client, _):
        asked = {"name": "a.mxl", "sha256": sha256(DATA)}
        refused = await client.post("/uploads", json=asked)
        nonsense = [await client.post("/uploads", content=body) for body in (b"", b"[]", b'{"name": 1}', b"\xff")]
    assert "PUT the file to /uploads/a.mxl" in refused.json()["error"]["hint"]
    assert {answer.status_code for answer in (refused, *nonsense)} == {400}


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(tmp_path):
    args = ("-m", "singsynth_mcp", "cpu", "--transport", "http", "--port", "0")
    async with listening(args, {"SINGSYNTH_ARTIFACTS": str(tmp_path / "store")}) as (url, _):
        host, port = url.removeprefix("http://").removesuffix("/mcp").split(":")
        stream = await anyio.connect_tcp(host, int(port))
        head = f"PUT /artifacts/{sha256(DATA)} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(DATA)}\r\n\r\n"
        await stream.send(head.encode() + DATA[:1000])
        async with httpx2.AsyncClient(base_url=f"http://{host}:{port}") as client:
            while not list((tmp_path / "store").rglob(".new-*")):
                await client.head(f"/artifacts/{sha256(b'')}")
            await stream.aclose()
            while list((tmp_path / "store").rglob(".new-*")):
                await client.head(f"/artifacts/{sha256(b'')}")
            assert (await client.head(f"/artifacts/{sha256(DATA)}")).status_code == 404


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100)
@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_anything_that_is_no_manifest_is_refused_as_one(data):
    with pytest.raises(InvalidRequest):
        read_manifest(data, "score-000000000000")
