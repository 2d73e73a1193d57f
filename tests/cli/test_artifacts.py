"""artifacts list|show|prune over a real folder store."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from singsynth_mcp.artifacts.base import Entry, Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.artifacts.opening import open_store
from singsynth_mcp.artifacts.s3_client import Bucket
from singsynth_mcp.artifacts.tenants import store_of
from singsynth_mcp.settings import Settings
from tests.cli.conftest import Here, Run
from tests.s3_server import KEYS, s3_server


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


async def _fill_for(tenant: str) -> str:
    store = store_of(Settings(), tenant)
    return await store.put(Manifest("score", {"title": tenant}, (Entry(0.0, await store.put_blob(b"la" * 500)),)))


def test_an_operator_sees_and_empties_each_tenants_part_alone(here: Here, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SINGSYNTH_ARTIFACTS", str(tmp_path / "artifacts"))
        assert here("artifacts", "tenants").out == f"Nothing in {tmp_path / 'artifacts'}\n"
        acme, zoo = (anyio.run(_fill_for, tenant) for tenant in ("acme", "zoo"))
        own = anyio.run(_fill_for, "local")
        rows = [line.split()[:4] for line in here("artifacts", "tenants").out.splitlines()]
        listed = here("artifacts", "list", "--tenant", "acme").out
        shown = here("artifacts", "show", acme, "--tenant", "acme").out
        unknown = here("artifacts", "show", acme)
        freed = here("artifacts", "prune", "--tenant", "acme", "--max-days", "0").out
        left = [here("artifacts", "list", "--tenant", tenant).out for tenant in ("acme", "zoo", "local")]
        refused = here("artifacts", "list", "--tenant", "../zoo")
    assert [row[:2] for row in rows[1:]] == [["local", "1"], ["acme", "1"], ["zoo", "1"]]
    assert rows[1][2:] == ["1.2", "kB"]
    assert acme in listed
    assert "of tenant acme" in listed
    assert json.loads(shown)["header"] == {"title": "acme"}
    assert "there is no artifact" in unknown.err
    assert freed.startswith("Freed 1.")
    assert left[0].startswith("Nothing in ")
    assert zoo in left[1]
    assert own in left[2]
    assert refused.code == 2
    assert "'../zoo' is no name of a tenant" in refused.err


def test_an_unknown_id_is_an_error_with_a_remedy(run: Run) -> None:
    done = run("artifacts", "show", "audio-000000000000")
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no artifact 'audio-000000000000'")
    assert len(done.stderr.splitlines()) == 2


def test_a_bucket_is_listed_shown_and_left_to_its_lifecycle_rule(here: Here) -> None:
    async def fill() -> str:
        await Bucket("songs", endpoint=endpoint).ask("create_bucket")
        store = open_store(Settings())
        return await store.put(Manifest("score", {"title": "うさぎ"}, (Entry(0.0, await store.put_blob(b"la")),)))

    with s3_server() as port, pytest.MonkeyPatch.context() as patch:
        endpoint = f"http://127.0.0.1:{port}"
        bucket = {"SINGSYNTH_ARTIFACTS": "s3://songs/a", "SINGSYNTH_S3_ENDPOINT": endpoint, **KEYS}
        for name, value in bucket.items():
            patch.setenv(name, value)
        artifact = anyio.run(fill)
        anyio.run(_fill_for, "acme")
        tenants = here("artifacts", "tenants").out
        listed, shown = here("artifacts", "list").out, here("artifacts", "show", artifact).out
        refused = here("artifacts", "prune")
    assert artifact in listed
    assert [line.split()[:2] for line in tenants.splitlines()[1:]] == [["local", "1"], ["acme", "1"]]
    assert json.loads(shown)["header"] == {"title": "うさぎ"}
    assert refused.code == 2
    assert "s3://songs/a is kept small by the bucket's lifecycle rule" in refused.err
