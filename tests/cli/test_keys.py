"""keys add|list|remove and usage, over real files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from singsynth_mcp.serving.access.keys import KeyFile
from singsynth_mcp.serving.access.ledger import Ledger, Line, Use
from tests.cli.conftest import Here


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SINGSYNTH_KEYS", str(tmp_path / "keys.json"))
    return tmp_path / "keys.json"


def test_a_key_is_made_listed_and_removed(here: Here, path: Path) -> None:
    made = here("keys", "add", "alice", "--tenant", "acme", "--days", "30", "--requests-per-minute", "60")
    assert made.code == 0
    caller = KeyFile(path).caller(made.out.strip())
    assert caller is not None
    assert (caller.tenant, caller.limits.requests_per_minute) == ("acme", 60)
    listed = here("keys", "list").out
    assert "alice" in listed
    assert "acme" in listed
    assert "requests per minute 60" in listed
    assert made.out.strip() not in listed
    assert here("keys", "remove", "alice").out == "Removed alice\n"
    assert KeyFile(path).caller(made.out.strip()) is None


def test_what_is_wrong_is_one_line_and_a_remedy(here: Here, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "lower-case" in here("keys", "add", "Alice").err
    here("keys", "add", "alice")
    assert "Keys: alice" in here("keys", "remove", "bob").err
    monkeypatch.delenv("SINGSYNTH_KEYS")
    refused = here("keys", "list")
    assert (refused.code, len(refused.err.splitlines())) == (2, 2)
    assert "SINGSYNTH_KEYS" in refused.err


def test_use_is_shown_as_a_table_and_as_json(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINGSYNTH_LEDGER", str(tmp_path / "ledger.sqlite"))
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.add(Line("2026-11-25", "acme", "alice", "sing", Use(3, 1, 61.5, 2.0)))
    ledger.add(Line("2026-11-25", "umbrella", "bob", "sing", Use(requests=1)))
    ledger.close()
    table = here("usage", "--since", "2026-11-01").out
    assert table.splitlines()[1].split() == ["2026-11-25", "acme", "alice", "sing", "3", "1", "61.5", "2.0"]
    facts = json.loads(here("usage", "--since", "2026-11-01", "--tenant", "acme", "--json").out)
    assert [row["audio_seconds"] for row in facts["usage"]] == [61.5]
    assert "2026-11-01" in here("usage", "--since", "yesterday").err
