"""The command line as people use it: a process with a home folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from singsynth_mcp.cli.commands import run_command
from singsynth_mcp.cli.failures import report

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Done:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str


Here = Callable[..., Done]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Run:
    """Run `singsynth-mcp` with arguments in a folder and environment of the test's own."""

    def start(*arguments: str | Path, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SINGSYNTH_", "XDG_"))}
        return subprocess.run(
            [sys.executable, "-m", "singsynth_mcp", *map(str, arguments)],
            cwd=tmp_path,
            env={
                **inherited,
                "HOME": str(home),
                "PYTHONUTF8": "1",
                "SINGSYNTH_CACHE": str(tmp_path / "cache"),
                "SINGSYNTH_ARTIFACTS": str(tmp_path / "artifacts"),
                "SINGSYNTH_OUTPUT": str(tmp_path / "output"),
                "SINGSYNTH_USER_VOICEBANKS": str(tmp_path / "voicebanks"),
                **environment,
            },
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return start


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    """Run a command in this process, without a terminal: a tenth of the time that a process takes."""
    monkeypatch.setattr("sys.stdin", None)

    def run(*arguments: str | Path) -> Done:
        try:
            code = run_command([str(argument) for argument in arguments])
        except Exception as error:
            code = report(error)
        return Done(code, *capsys.readouterr())

    return run
