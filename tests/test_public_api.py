"""The package itself: light to import, and what it offers is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import singsynth_mcp


def test_every_public_name_is_there() -> None:
    assert all(getattr(singsynth_mcp, name) is not None for name in singsynth_mcp.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'dance'"):
        _ = singsynth_mcp.dance


def test_importing_it_imports_nothing_else() -> None:
    program = "import sys; before = set(sys.modules); import singsynth_mcp; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    assert imported - sys.stdlib_module_names == {"singsynth_mcp"}


def test_a_missing_score_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINGSYNTH_ARTIFACTS", str(tmp_path / "artifacts"))
    with pytest.raises(singsynth_mcp.SingSynthError, match=r"nothing\.musicxml"):
        singsynth_mcp.sing(tmp_path / "nothing.musicxml", tmp_path / "out.wav")
    assert list(tmp_path.glob("*.wav")) == []


def test_a_choice_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(singsynth_mcp.SingSynthError, match="vibrato"):
        singsynth_mcp.sing(tmp_path / "song.musicxml", vibrato=True)  # type: ignore[call-arg]
