"""Copying between stores: what is lacking, whole, from whoever has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from singsynth_mcp.artifacts.base import Entry, Manifest
from singsynth_mcp.artifacts.copying import copy_artifact, copy_blobs
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.artifacts.remote import RemoteStore
from singsynth_mcp.errors import StorageProblem, UnknownArtifact, UpstreamUnavailable


class Stores:
    """Folders for as many machines as a test needs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> FolderStore:
        return FolderStore(self._folder / name, max_bytes=2**30, max_days=1)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path)


async def fill(store: FolderStore) -> tuple[str, list[str]]:
    """Store an audio of two phrases with the way up to its score; return its id and blobs."""
    score = await store.put(Manifest("score", {"title": "うさぎ"}, (Entry(0.0, await store.put_blob(b"score")),)))
    performance = await store.put(Manifest("performance", {"score": score, "voicebank": "aviary"}, ()))
    blobs = [await store.put_blob(data) for data in (b"la" * 300_000, b"le")]
    entries = (Entry(0.0, blobs[0]), Entry(1.0, blobs[1]), Entry(2.0, blobs[0]))
    return await store.put(Manifest("audio", {"performance": performance}, entries)), blobs


async def test_an_artifact_comes_with_its_blobs_and_the_way_up_to_its_score(stores: Stores) -> None:
    audio, blobs = await fill(stores["one"])
    assert await copy_artifact(audio, [stores["empty"], stores["one"]], stores["two"])
    copied = await stores["two"].get(audio, "audio")
    assert copied == await stores["one"].get(audio)
    assert await stores["two"].missing_blobs(blobs) == []
    performance = await stores["two"].get(str(copied.header["performance"]), "performance")
    score = await stores["two"].get(str(performance.header["score"]), "score")
    assert score.header["title"] == "うさぎ"
    assert await stores["two"].missing_blobs([score.entries[0].blob]) != []  # nobody asked for the score itself


async def test_what_is_there_is_not_copied_again(stores: Stores) -> None:
    audio, blobs = await fill(stores["one"])
    assert await copy_artifact(audio, [stores["one"]], stores["two"])
    assert not await copy_artifact(audio, [stores["one"]], stores["two"])
    assert not await copy_blobs(blobs, [stores["one"]], stores["two"])


async def test_what_nobody_has_is_not_copied(stores: Stores) -> None:
    assert not await copy_artifact("audio-000000000000", [stores["one"]], stores["two"])
    assert not await copy_blobs(["0" * 64], [stores["one"]], stores["two"])


async def test_a_damaged_blob_is_taken_from_another(stores: Stores) -> None:
    audio, blobs = await fill(stores["one"])
    await fill(stores["whole"])
    (stores["one"].root / "blobs" / blobs[0][:2] / blobs[0]).write_bytes(b"la")
    assert await copy_artifact(audio, [stores["one"], stores["whole"]], stores["two"])
    assert await stores["two"].get_blob(blobs[0]) == b"la" * 300_000


async def test_a_target_without_room_keeps_no_manifest_and_no_half_a_blob(stores: Stores) -> None:
    class Full(FolderStore):
        async def receive_blob(self, sha256: str, pieces: AsyncIterator[bytes]) -> None:
            async for _ in pieces:
                raise StorageProblem("No space left on device")

    audio, _ = await fill(stores["one"])
    full = Full(stores["two"].root, max_bytes=2**30, max_days=1)
    with pytest.raises(StorageProblem):
        await copy_artifact(audio, [stores["one"]], full)
    with pytest.raises(UnknownArtifact):
        await full.get(audio)


async def test_a_server_that_is_away_is_passed_over_as_a_source_and_told_of_as_a_target(stores: Stores) -> None:
    away = RemoteStore("http://127.0.0.1:9/mcp", {})
    audio, _ = await fill(stores["one"])
    assert await copy_artifact(audio, [away, stores["one"]], stores["two"])
    with pytest.raises(UpstreamUnavailable, match="http://127.0.0.1:9"):
        await copy_artifact(audio, [stores["one"]], away)
    await away.close()
