from __future__ import annotations

import pytest

from singsynth_mcp.artifacts.base import Entry, Manifest
from singsynth_mcp.artifacts.tenants import TENANT, tenant_store, working_for
from singsynth_mcp.errors import ArtifactsMissing, UnknownArtifact
from singsynth_mcp.settings import Settings


async def made(store):
    """Store a small score and remember it; return its id and its blob's name."""
    blob = await store.put_blob(b"notes")
    score = await store.put(Manifest("score", {"title": "song"}, (Entry(0.0, blob),)))
    await store.remember("a" * 64, score)
    return score, blob


async def test_what_one_tenant_makes_no_other_can_name_read_list_or_recall():
    store = tenant_store(Settings())
    with working_for("ann"):
        score, blob = await made(store)
    for other in ("bob", "local"):
        with working_for(other):
            with pytest.raises(UnknownArtifact):
                await store.get(score)
            with pytest.raises(ArtifactsMissing):
                await store.get_blob(blob)
            assert await store.missing_blobs([blob]) == [blob]
            assert await store.recall("a" * 64) is None
            assert [each.id async for each in store.list()] == []
    with working_for("ann"):
        assert (await store.get(score)).header == {"title": "song"}
        assert await store.get_blob(blob) == b"notes"
        assert await store.recall("a" * 64) == score
        assert [each.id async for each in store.list()] == [score]


async def test_another_tenants_error_reads_like_that_of_an_id_that_nobody_has():
    store = tenant_store(Settings())
    with working_for("ann"):
        score, _ = await made(store)
    nobodys = "score-000000000000"
    with working_for("bob"):
        with pytest.raises(UnknownArtifact) as of_ann:
            await store.get(score)
        with pytest.raises(UnknownArtifact) as of_nobody:
            await store.get(nobodys)
    assert str(of_ann.value).replace(score, nobodys) == str(of_nobody.value)


async def test_without_tenants_the_store_is_the_folder_itself():
    store = tenant_store(Settings())
    score, _ = await made(store)
    assert (Settings().artifacts / "manifests" / f"{score}.json").is_file()


@pytest.mark.parametrize("name", ["", "../bob", "a/b", "A", "-a", "a" * 64, "a\n", "a b", "."])
def test_a_tenants_name_cannot_lead_elsewhere(name):
    with pytest.raises(ValueError, match="no name of a tenant"), working_for(name):
        pass
    assert TENANT.get() == "local"


async def test_the_memo_tells_whether_it_knew():
    told = []
    store = tenant_store(Settings(), told.append)
    await store.recall("a" * 64)
    await store.remember("a" * 64, "score-000000000000")
    await store.recall("a" * 64)
    assert told == [False, True]
