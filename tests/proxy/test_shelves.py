"""The shelf of replicas, one of which does not answer, or breaks off."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.artifacts.base import Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.errors import ArtifactsMissing, UnknownArtifact, UpstreamUnavailable
from singsynth_mcp.proxy.shelves import SharedShelf

DATA = bytes(range(256)) * 3
NAME = hashlib.sha256(DATA).hexdigest()


class Away:
    """A server that does not answer."""

    def __getattr__(self, name):
        async def refuse(*arguments):
            raise UpstreamUnavailable("away")

        return refuse

    async def stream_blob(self, sha256):
        raise UpstreamUnavailable("away")
        yield b""


class Breaking:
    """A server that sends pieces of some sizes, and then no more."""

    def __init__(self, *sizes):
        self.sizes = sizes

    async def stream_blob(self, sha256):
        start = 0
        for size in self.sizes:
            yield DATA[start : start + size]
            start += size
        if start < len(DATA):
            raise UpstreamUnavailable("broken off")


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path, max_bytes=2**30, max_days=30)


async def body(shelf):
    return b"".join([piece async for piece in shelf.stream_blob(NAME)])


async def test_what_one_does_not_answer_another_does(store):
    shelf = SharedShelf(lambda: [Away(), store])
    manifest = Manifest("score", {"title": "song"}, ())
    assert await shelf.missing_blobs([NAME]) == [NAME]
    await shelf.receive_blob(NAME, pieces())
    assert await shelf.missing_blobs([NAME]) == []
    assert await body(shelf) == DATA
    assert await shelf.get(await shelf.put(manifest)) == manifest


async def pieces():
    yield DATA[:100]
    yield DATA[100:]


async def test_an_answer_that_there_is_none_counts(store):
    shelf = SharedShelf(lambda: [store, Away()])
    with pytest.raises(UnknownArtifact):
        await shelf.get("score-000000000000")
    with pytest.raises(ArtifactsMissing):
        await body(shelf)


async def test_when_all_are_away_it_is_said():
    shelf = SharedShelf(lambda: [Away(), Away()])
    with pytest.raises(UpstreamUnavailable):
        await shelf.missing_blobs([NAME])
    with pytest.raises(UpstreamUnavailable):
        await body(shelf)
    with pytest.raises(UpstreamUnavailable):
        await body(SharedShelf(lambda: [Breaking(300), Breaking(10, 600)]))


sizes = st.lists(st.integers(0, 300), max_size=4)


@given(first=sizes, second=sizes, whole=st.integers(1, len(DATA)))
async def test_a_blob_that_breaks_off_goes_on_elsewhere(first, second, whole):
    rest = [whole] * (len(DATA) // whole + 1)
    assert await body(SharedShelf(lambda: [Breaking(*first), Breaking(*second), Breaking(*rest)])) == DATA
