"""The folder store: content addressing, damage, limits, several processes at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.errors import ArtifactsMissing, StorageProblem, UnknownArtifact, WrongArtifactKind


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path, max_bytes=10_000_000, max_days=30)


async def put(store: FolderStore, data: bytes, title: str = "song") -> tuple[str, str]:
    blob = await store.put_blob(data)
    return await store.put(Manifest("audio", {"title": title}, (Entry(0.0, blob),))), blob


async def test_equal_content_has_one_id_and_is_stored_once(store: FolderStore) -> None:
    first, second = await put(store, b"la"), await put(store, b"la")
    assert first == second
    assert first[0].startswith("audio-")
    assert len(list((store.root / "blobs").rglob("*"))) == 2  # the folder and one blob
    assert await store.get_blob(first[1]) == b"la"
    assert (await store.get(first[0], "audio")).header == {"title": "song"}


async def test_errors_name_the_id_what_was_expected_and_the_tool(store: FolderStore) -> None:
    audio, _ = await put(store, b"la")
    with pytest.raises(WrongArtifactKind, match=rf"{audio}.*performance \(from align_phonemes_to_notes\)"):
        await store.get(audio, "performance")
    with pytest.raises(UnknownArtifact, match="score-000000000000.*parse_score"):
        await store.get("score-000000000000", "score")
    for nonsense in ("", "../../etc/passwd", "score-", "score-../../../etc"):
        with pytest.raises(UnknownArtifact):
            await store.get(nonsense, "score")


async def test_a_damaged_blob_is_missing_not_wrong(store: FolderStore) -> None:
    _, blob = await put(store, b"la" * 100)
    (store.root / "blobs" / blob[:2] / blob).write_bytes(b"la")
    with pytest.raises(ArtifactsMissing) as caught:
        await store.get_blob(blob)
    assert caught.value.details["hashes"] == [blob]
    assert await store.missing_blobs([blob]) == [blob]
    await put(store, b"la" * 100)
    assert await store.get_blob(blob) == b"la" * 100


async def test_a_damaged_manifest_is_missing_and_can_be_made_again(store: FolderStore) -> None:
    artifact, _ = await put(store, b"la")
    other, _ = await put(store, b"le")
    (store.root / "manifests" / f"{artifact}.json").write_bytes(b"")
    with pytest.raises(UnknownArtifact):
        await store.get(artifact, "audio")
    assert [each.id async for each in store.list()] == [other]
    await store.prune()
    assert (await put(store, b"la"))[0] == artifact
    assert (await store.get(artifact)).header == {"title": "song"}


async def test_the_memo_remembers(store: FolderStore) -> None:
    key = memo_key("stage", {"b": 1, "a": [0.5]}, 3)
    assert key == memo_key("stage", {"a": [0.5], "b": 1}, 3)
    assert await store.recall(key) is None
    await store.remember(key, "value")
    assert await store.recall(key) == "value"


async def test_prune_keeps_the_latest_used_within_the_limit(store: FolderStore) -> None:
    ids = []
    for index in range(4):
        artifact, blob = await put(store, bytes([index]) * 1000, f"song {index}")
        ids.append(artifact)
        for path in (store.root / "manifests" / f"{artifact}.json", store.root / "blobs" / blob[:2] / blob):
            os.utime(path, (time.time() - 7200 + index, time.time() - 7200 + index))
        await store.remember(memo_key(index), blob)
    await store.get(ids[0])  # used again: now the latest
    freed = await store.prune(max_bytes=2500)
    assert freed > 2000
    assert {artifact.id async for artifact in store.list()} == {ids[0], ids[3]}
    assert await store.recall(memo_key(0)) is not None
    assert await store.recall(memo_key(1)) is None


async def test_prune_to_nothing_empties_the_store(store: FolderStore) -> None:
    await put(store, b"la")
    await store.prune(max_days=0)
    assert [artifact async for artifact in store.list()] == []
    assert not [path for path in (store.root / "blobs").rglob("*") if path.is_file()]


async def test_a_store_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where a folder should be", encoding="utf-8")
    store = FolderStore(tmp_path, max_bytes=1, max_days=1)
    with pytest.raises(StorageProblem, match="SINGSYNTH_ARTIFACTS"):
        await store.put_blob(b"la")
    assert [path.name for path in tmp_path.rglob("*")] == ["blobs"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a filesystem with a size limit")
async def test_a_full_disk_is_an_error_without_half_a_file(tmp_path: Path) -> None:
    program = (
        "import asyncio, resource, signal, sys\n"
        "from pathlib import Path\n"
        "from singsynth_mcp.artifacts.folder import FolderStore\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "store = FolderStore(Path(sys.argv[1]), max_bytes=10**9, max_days=1)\n"
        "asyncio.run(store.put_blob(b'x' * 5000))\n"
    )
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "storage_problem" in run.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_several_processes_write_the_same_things_at_once(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from singsynth_mcp.artifacts.base import Entry, Manifest\n"
        "from singsynth_mcp.artifacts.folder import FolderStore\n"
        "async def main():\n"
        "    store = FolderStore(Path(sys.argv[1]), max_bytes=10**9, max_days=1)\n"
        "    for n in range(50):\n"
        "        blob = await store.put_blob(bytes([n]) * 5000)\n"
        "        print(await store.put(Manifest('audio', {'n': n}, (Entry(0.0, blob),))))\n"
        "        assert await store.get_blob(blob) == bytes([n]) * 5000\n"
        "asyncio.run(main())\n"
    )
    command = (sys.executable, "-c", program, str(tmp_path))
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    children = [await asyncio.create_subprocess_exec(*command, **pipes) for _ in range(3)]
    outputs = [await child.communicate() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], outputs
    assert len({out for out, _ in outputs}) == 1
    assert len(outputs[0][0].split()) == 50
    assert not list(tmp_path.rglob(".new-*"))
