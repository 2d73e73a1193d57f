"""artifacts list|show|prune over a real folder store."""

from __future__ import annotations

import json
from pathlib import Path

import anyio

from singsynth_mcp.artifacts.base import Entry, Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from tests.cli.conftest import Run


async def _fill(root: Path) -> str:
    store = FolderStore(root, max_bytes=2**30, max_days=30)
    blob = await store.put_blob(b"la" * 1000)
    return await store.put(Manifest("score", {"title": "うさぎ [bold]"}, (Entry(0.0, blob),)))


def test_an_empty_store_says_so(run: Run, tmp_path: Path) -> None:
    assert run("artifacts", "list").stdout == f"Nothing in {tmp_path / 'artifacts'}\n"


def test_what_is_stored_is_listed_shown_and_pruned(run: Run, tmp_path: Path) -> None:
    artifact = anyio.run(_fill, tmp_path / "artifacts")
    listed = run("artifacts", "list").stdout
    assert artifact in listed
    assert "2.1 kB" in listed or "2.2 kB" in listed
    assert run("artifacts", "list", "--kind", "audio").stdout.startswith("Nothing in ")
    assert json.loads(run("artifacts", "show", artifact).stdout)["header"] == {"title": "うさぎ [bold]"}
    assert run("artifacts", "prune", "--max-days", "0").stdout.startswith("Freed 2.")
    assert run("artifacts", "list").stdout.startswith("Nothing in ")


def test_an_unknown_id_is_an_error_with_a_remedy(run: Run) -> None:
    done = run("artifacts", "show", "audio-000000000000")
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no artifact 'audio-000000000000'")
    assert len(done.stderr.splitlines()) == 2
