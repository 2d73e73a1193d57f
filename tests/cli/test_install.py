"""install: the entry is added, everything else stays, and a file that is not understood is not touched."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.cli.install import add_server, config_path, server_entry
from singsynth_mcp.errors import FileProblem, StorageProblem
from tests.cli.conftest import Run

ENTRY = {"command": "/opt/singsynth-mcp"}


def test_a_first_server_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "Claude" / "claude_desktop_config.json"
    assert add_server(path, "singsynth", ENTRY)
    assert json.loads(path.read_text(encoding="utf-8")) == {"mcpServers": {"singsynth": ENTRY}}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_is_there_stays_and_the_old_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    old = '\ufeff{"theme": "dämmrig", "mcpServers": {"files": {"command": "npx"}, "singsynth": {"command": "old"}}}'
    path.write_text(old, encoding="utf-8")
    path.chmod(0o600)
    assert add_server(path, "singsynth", ENTRY)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == {"theme": "dämmrig", "mcpServers": {"files": {"command": "npx"}, "singsynth": ENTRY}}
    assert "dämmrig" in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "mcp.json.bak").read_text(encoding="utf-8") == old


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    add_server(path, "singsynth", ENTRY)
    before = path.stat()
    assert not add_server(path, "singsynth", ENTRY)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert not (tmp_path / "mcp.json.bak").exists()


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}", encoding="utf-8")
    link = tmp_path / "mcp.json"
    link.symlink_to(real)
    add_server(link, "singsynth", ENTRY)
    assert link.is_symlink()
    assert json.loads(real.read_text(encoding="utf-8"))["mcpServers"]["singsynth"] == ENTRY


@pytest.mark.parametrize("content", ['{"mcpServers": {', "[]", '{"mcpServers": []}', "null", '{"a": 1} x'])
def test_a_file_that_is_not_understood_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FileProblem, match=r"mcp\.json"):
        add_server(path, "singsynth", ENTRY)
    assert path.read_text(encoding="utf-8") == content
    assert [file.name for file in tmp_path.iterdir()] == ["mcp.json"]


def test_the_place_of_a_json_error_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{\n  "mcpServers": {},\n}', encoding="utf-8")
    with pytest.raises(FileProblem, match=r"line 3, column 1"):
        add_server(path, "singsynth", ENTRY)


def test_a_folder_that_cannot_be_made_is_a_storage_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises((StorageProblem, FileProblem)):
        add_server(tmp_path / "file" / "mcp.json", "singsynth", ENTRY)


@given(
    st.dictionaries(
        st.text(max_size=8).filter(lambda key: key != "mcpServers"),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), st.lists, max_leaves=5),
        max_size=5,
    )
)
def test_any_other_setting_survives(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, object]) -> None:
    path = tmp_path_factory.mktemp("host") / "mcp.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    add_server(path, "singsynth", ENTRY)
    assert json.loads(path.read_text(encoding="utf-8")) == {**settings, "mcpServers": {"singsynth": ENTRY}}


def test_each_platform_has_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    desktop = "claude_desktop_config.json"
    mac = tmp_path / "Library" / "Application Support" / "Claude" / desktop
    assert config_path("claude-desktop", "darwin", {}) == mac
    assert (
        config_path("claude-desktop", "win32", {"APPDATA": str(tmp_path / "R")}) == tmp_path / "R" / "Claude" / desktop
    )
    assert config_path("claude-desktop", "linux", {}) == tmp_path / ".config" / "Claude" / desktop
    assert config_path("cursor", "linux", {}) == tmp_path / ".cursor" / "mcp.json"
    assert config_path("claude-code", "linux", {}) == Path.cwd() / ".mcp.json"


def test_the_command_writes_a_command_that_exists(run: Run, home: Path) -> None:
    done = run("install", "cursor")
    assert done.returncode == 0, done.stderr
    written = json.loads((home / ".cursor" / "mcp.json").read_text(encoding="utf-8"))
    assert written["mcpServers"]["singsynth"] == server_entry()
    assert Path(written["mcpServers"]["singsynth"]["command"]).is_file()
    assert "Already there" in run("install", "cursor").stdout


def test_print_writes_nothing(run: Run, home: Path, tmp_path: Path) -> None:
    done = run("install", "claude-code", "--print", "--name", "voice")
    assert list(json.loads(done.stdout)["mcpServers"]) == ["voice"]
    assert not (tmp_path / ".mcp.json").exists()
    assert list(home.iterdir()) == []


def test_a_broken_file_is_one_clear_line(run: Run, home: Path) -> None:
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text("{not json", encoding="utf-8")
    done = run("install", "cursor")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith(f"error: {path} is not valid JSON: ")
    assert path.read_text(encoding="utf-8") == "{not json"


def test_the_entry_starts_this_package() -> None:
    assert Path(server_entry()["command"]).parent == Path(sys.executable).parent
