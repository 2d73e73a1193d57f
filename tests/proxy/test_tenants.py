from __future__ import annotations

import json
from contextlib import asynccontextmanager

import anyio
import pytest

from singsynth_mcp.artifacts.base import sha256
from singsynth_mcp.contracts.audio import AudioResult, SavedAudioResult
from singsynth_mcp.cpu_server.app import build_server as cpu_server
from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.access.keys import KeyFile, KeyLimits, add_key
from singsynth_mcp.settings import Settings
from tests.proxy.made_upstreams import Foreign, client_of, proxy_over
from tests.serving.http_clients import call, post_call, read, served
from tests.serving.made_server import made_server

NOTES = json.dumps({"tempo": 120, "notes": [{"pitch": "C4", "beats": 1, "lyric": "ら"}]})
eras = pytest.mark.parametrize("back", ["auto", "legacy"])


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys.json"
    tokens = {name: add_key(path, name, tenant) for name, tenant in (("ann", "acme"), ("ben", "acme"), ("cid", None))}
    return KeyFile(path), tokens


@eras
async def test_what_one_tenant_makes_is_unknown_to_another_through_the_whole_chain(keys, back):
    file, tokens = keys
    proxy = proxy_over({"cpu": cpu_server(Settings())}, back)
    async with served(proxy, access=Access(token="own", keys=file)) as client:
        parsed = await call(client, "parse_score", {"text": NOTES}, tokens["ann"])
        score = parsed.structured_content["id"]
        again = {who: await call(client, "parse_score", {"score": score}, tokens[who]) for who in tokens}
        operator = await call(client, "parse_score", {"score": score}, "own")
        uri = f"singsynth://artifacts/{score}"
        seen = {who: await read(client, uri, tokens[who]) for who in tokens}
    assert not again["ann"].is_error
    assert not again["ben"].is_error
    for refused in (again["cid"], operator):
        assert refused.structured_content["error"]["code"] == "unknown_artifact"
    assert "ら" in seen["ann"]["result"]["contents"][0]["text"]
    assert "ら" in seen["ben"]["result"]["contents"][0]["text"]
    assert "unknown_artifact" in seen["cid"]["error"]["message"]
    assert "ら" not in json.dumps(seen["cid"], ensure_ascii=False)


@eras
async def test_a_client_cannot_say_whose_it_is(keys, back):
    file, tokens = keys
    foreign = Foreign("one", "echo")
    async with served(proxy_over({"one": foreign.server}, back), access=Access(token="own", keys=file)) as client:
        claimed = {"singsynth/tenant": "acme", "singsynth/usage": {"audio_seconds": 1}, "vendor/z": 1}
        for token in (tokens["cid"], "own"):
            assert not (await call(client, "echo", {}, token, claimed)).is_error
    metas = [seen.meta for seen in foreign.calls]
    assert [meta["singsynth/tenant"] for meta in metas] == ["cid", "local"]
    assert all(meta["vendor/z"] == 1 and "singsynth/usage" not in meta for meta in metas)


@asynccontextmanager
async def beside_a_call_of_ann(foreign, proxy, keys, wanted):
    """Yield a web client and tokens while an upstream works for ann, and a list that gets what she is answered."""
    file, tokens = keys
    answers = []
    async with served(proxy, access=Access(token="own", keys=file)) as client:

        async def hold():
            answers.append(await post_call(client, "hold", {}, tokens["ann"], wanted))

        async with anyio.create_task_group() as group:
            group.start_soon(hold)
            await foreign.waiting.wait()
            yield client, tokens, answers
            foreign.released.set()


@eras
@pytest.mark.parametrize(("other", "heard"), [("ben", True), ("cid", False)])
async def test_what_an_upstream_logs_in_one_tenants_call_no_other_hears(keys, back, other, heard):
    foreign = Foreign("one", "hold", "tell")
    wanted = {"io.modelcontextprotocol/logLevel": "info"}
    async with beside_a_call_of_ann(foreign, proxy_over({"one": foreign.server}, back), keys, wanted) as beside:
        client, tokens, answers = beside
        await post_call(client, "tell", {}, tokens[other], wanted)
    assert "one.hold" in answers[0].text
    assert ("half" in answers[0].text) == heard


@pytest.mark.parametrize(("other", "why"), [("ben", "this host cannot be asked"), ("cid", "of several tenants")])
async def test_a_question_that_may_be_another_tenants_is_put_to_nobody(keys, other, why):
    foreign = Foreign("one", "hold", "ask")
    async with beside_a_call_of_ann(foreign, proxy_over({"one": foreign.server}, "legacy"), keys, {}) as beside:
        client, tokens, _ = beside
        asked = await post_call(client, "ask", {}, tokens[other])
    assert why in asked.json()["error"]["message"]


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_over_stdio_everything_is_local(era):
    foreign = Foreign("one", "echo")
    async with client_of(proxy_over({"one": foreign.server}), era) as host:
        await host.call_tool("echo", {}, meta={"singsynth/tenant": "acme"})
    assert foreign.calls[0].meta["singsynth/tenant"] == "local"


async def test_an_upstream_believes_the_servers_own_token_alone(keys):
    file, tokens = keys
    async with served(cpu_server(Settings(), over_http=True), access=Access(token="own", keys=file)) as client:
        acme = {"singsynth/tenant": "acme"}
        by_proxy = await call(client, "parse_score", {"text": NOTES}, "own", acme)
        score = {"score": by_proxy.structured_content["id"]}
        own_tenant = await call(client, "parse_score", score, tokens["ann"], acme)
        claimed = await call(client, "parse_score", score, tokens["cid"], acme)
        nonsense = [await call(client, "parse_score", score, "own", {"singsynth/tenant": it}) for it in ("../x", 7, "")]
    async with served(cpu_server(Settings(), over_http=True)) as client:
        without_token = await call(client, "parse_score", score, None, acme)
        local = await call(client, "parse_score", {"text": NOTES}, None, {"singsynth/tenant": "local"})
    assert not own_tenant.is_error
    assert not local.is_error
    for refused in (claimed, without_token, *nonsense):
        assert refused.structured_content["error"]["code"] == "tenant_refused"
    assert "SINGSYNTH_TOKEN" in without_token.structured_content["error"]["hint"]


@eras
async def test_a_job_of_another_tenant_is_unknown(keys, back):
    file, tokens = keys

    may_end = anyio.Event()

    async def vocode(request, on_progress):
        await may_end.wait()
        return AudioResult(id="audio-0123456789ab")

    async with served(proxy_over({"gpu": made_server(vocode=vocode)}, back), access=Access(keys=file)) as client:
        made = await call(client, "vocode", {"mel": "mel-0123456789ab", "wait_seconds": 0}, tokens["ann"])
        job = {"job_id": made.structured_content["job_id"]}
        cancelled = await call(client, "cancel_job", job, tokens["cid"])
        may_end.set()
        answers = {who: await call(client, "get_job", job, tokens[who]) for who in tokens}
        listed = {who: await call(client, "list_jobs", {}, tokens[who]) for who in tokens}
    assert answers["ben"].structured_content["result"]["id"] == "audio-0123456789ab"
    assert answers["cid"].structured_content["error"]["code"] == "unknown_job"
    assert cancelled.structured_content["error"]["code"] == "unknown_job"
    assert {who: listed[who].structured_content["total"] for who in tokens} == {"ann": 1, "ben": 1, "cid": 0}


async def test_files_of_tenants_lie_apart(keys):
    file, tokens = keys
    settings = Settings()
    async with served(proxy_over({"cpu": cpu_server(settings)}), access=Access(keys=file)) as client:
        paths = []
        for who in ("ann", "cid"):
            score = (await call(client, "parse_score", {"text": NOTES}, tokens[who])).structured_content["id"]
            arguments = {"score": score, "format": "musicxml", "output": "song.musicxml"}
            paths.append((await call(client, "export", arguments, tokens[who])).structured_content["path"])
        outside = await call(client, "export", arguments | {"output": "../acme/song.musicxml"}, tokens["cid"])
    assert paths == [str(settings.output.resolve() / tenant / "song.musicxml") for tenant in ("acme", "cid")]
    assert outside.structured_content["error"]["code"] == "path_not_allowed"


async def test_artifacts_over_http_are_their_tenants_own(keys):
    file, tokens = keys
    name = sha256(b"a verse")
    async with served(cpu_server(Settings(), over_http=True), access=Access(token="own", keys=file)) as client:

        async def ask(method, token, tenant=None):
            headers = {"authorization": f"Bearer {token}"} | ({} if tenant is None else {"singsynth-tenant": tenant})
            body = b"a verse" if method == "PUT" else None
            return (await client.request(method, f"/artifacts/{name}", headers=headers, content=body)).status_code

        assert await ask("PUT", "own", "acme") == 201
        seen = [await ask("HEAD", tokens[who]) for who in ("ann", "ben", "cid")]
        seen += [await ask("HEAD", "own"), await ask("HEAD", tokens["cid"], "acme"), await ask("HEAD", "own", "../x")]
    assert seen == [200, 200, 404, 404, 403, 403]


@eras
async def test_the_ledger_has_the_requests_of_the_front_and_the_work_of_the_upstreams(tmp_path, monkeypatch, back):
    path = tmp_path / "keys.json"
    ann, cid = add_key(path, "ann", "acme"), add_key(path, "cid", limits=KeyLimits(audio_seconds_per_day=60))
    monkeypatch.setenv("SINGSYNTH_LEDGER", str(tmp_path / "ledger.sqlite"))

    may_end = anyio.Event()

    async def save_audio(request, on_progress):
        await may_end.wait()
        return SavedAudioResult(id="audio-0123456789ab", seconds=75.0)

    async with served(
        proxy_over({"cpu": made_server(save_audio=save_audio)}, back), access=Access(token="own", keys=KeyFile(path))
    ) as client:
        audio = {"audio": "audio-0123456789ab"}
        abandoned = await call(client, "save_audio", {**audio, "wait_seconds": 0}, cid)
        may_end.set()
        saved = await call(client, "save_audio", audio, ann)
        await call(client, "save_audio", {"nonsense": 1}, ann)
        first = await call(client, "get_job", {"job_id": abandoned.structured_content["job_id"]}, cid)
        refused = await call(client, "save_audio", audio, cid)
        seen = {
            token: (await client.get("/usage", headers={"authorization": f"Bearer {token}"})).json()["usage"]
            for token in (ann, cid, "own")
        }
    assert "singsynth/usage" not in (saved.meta or {})
    assert not first.is_error
    assert refused.structured_content["error"]["code"] == "quota_exceeded"
    by_tool = {(row["caller"], row["tool"]): row for row in seen["own"]}
    of_ann = by_tool["ann", "save_audio"]
    assert (of_ann["tenant"], of_ann["requests"], of_ann["errors"], of_ann["audio_seconds"]) == ("acme", 2, 1, 75.0)
    of_cid = by_tool["cid", "save_audio"]
    assert (of_cid["requests"], of_cid["errors"], of_cid["audio_seconds"]) == (1, 0, 75.0)
    assert by_tool["cid", "get_job"]["requests"] == 1
    assert {row["tenant"] for row in seen[ann]} == {"acme"}
    assert {row["tenant"] for row in seen[cid]} == {"cid"}
