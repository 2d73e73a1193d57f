"""What goes wrong on the command line: one line that says what, one that says what to do, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import voicebank_factory as factory
from tests.faults.test_bad_input import GOOD, entity_bomb
from tests.processes import environment

Sing = Callable[..., list[str]]


@pytest.fixture
def refused(tmp_path: Path) -> Sing:
    """Run `singsynth-mcp sing` on a score that cannot be sung; return the lines of stderr."""
    factory.plain(tmp_path / "banks" / "sine")

    def sing(score: bytes, *options: str | Path, **variables: str | Path) -> list[str]:
        path = tmp_path / "song.musicxml"
        path.write_bytes(score)
        before = {each for each in tmp_path.rglob("*") if each.is_file()}
        variables = {
            "SINGSYNTH_VOICEBANKS": tmp_path / "banks",
            "SINGSYNTH_DEFAULT_VOICEBANK": "sine",
            "SINGSYNTH_ARTIFACTS": tmp_path / "store",
            "SINGSYNTH_OUTPUT": tmp_path / "output",
        } | variables
        command = [sys.executable, "-m", "singsynth_mcp", "sing", str(path), *map(str, options)]
        env = environment({name: str(value) for name, value in variables.items()})
        done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
        assert done.returncode in (1, 2), done.stdout
        assert done.stdout == ""
        written = {each for each in tmp_path.rglob("*") if each.is_file()} - before
        assert [each for each in written if not each.is_relative_to(tmp_path / "store")] == []
        assert [each for each in written if each.name.startswith(".")] == []
        lines = done.stderr.splitlines()
        assert len(lines) == 2, done.stderr
        return lines

    return sing


def test_a_truncated_score_and_a_bomb(refused: Sing) -> None:
    problem, remedy = refused(GOOD[: len(GOOD) // 2])
    assert "song.musicxml breaks off before its end (line 1" in problem
    assert "download or export it again" in remedy
    assert 'declares the entity "l0"' in refused(entity_bomb())[0]


def test_folders_that_cannot_be_written(refused: Sing, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    problem, remedy = refused(GOOD, SINGSYNTH_ARTIFACTS=tmp_path / "file" / "store")
    assert f"cannot write to the artifact store at {tmp_path / 'file'}" in problem
    assert "SINGSYNTH_ARTIFACTS" in remedy
    problem, remedy = refused(GOOD, SINGSYNTH_OUTPUT=tmp_path / "file" / "songs")
    assert "a folder on the way to it is a file" in problem
    assert "SINGSYNTH_OUTPUT" in remedy


def test_a_voicebank_whose_model_is_corrupt(refused: Sing, tmp_path: Path) -> None:
    (factory.plain(tmp_path / "banks" / "corrupt") / "dsvocoder" / "sine.onnx").write_bytes(b"no model")
    problem, remedy = refused(GOOD, "--voicebank", "corrupt", "-o", tmp_path / "song.wav")
    assert "vocode, phrase 1" in problem
    assert "sine.onnx is no usable ONNX model" in problem
    assert "Reinstall the voicebank" in remedy
