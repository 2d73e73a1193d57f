"""The frame of the command line: help, version, exit codes, and the short way to a server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import singsynth_mcp
from singsynth_mcp.cli import _stdio_server
from singsynth_mcp.cli.failures import report
from singsynth_mcp.errors import FileProblem, InvalidRequest
from tests.cli.conftest import Run


def test_version_is_the_packages_own(run: Run) -> None:
    assert run("--version").stdout.strip() == singsynth_mcp.__version__


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help").stdout
    assert all(
        name in shown
        for name in ("sing", "voicebanks", "doctor", "install", "artifacts", "proxy", "cpu", "gpu", "worker")
    )


@pytest.mark.parametrize(
    "command", ["sing", "voicebanks", "doctor", "install", "proxy", "cpu", "gpu", "worker", "artifacts"]
)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert "Usage: singsynth-mcp" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("sing",), ("sing", "a.xml", "--vibrato"), ("gpu", "--port", "x")]
)
def test_wrong_usage_is_one_line_and_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 2


def test_a_wrong_environment_names_the_setting(run: Run) -> None:
    done = run("artifacts", "list", SINGSYNTH_THREADS="many")
    assert done.returncode == 2
    assert done.stderr.startswith("error: threads: ")
    assert "Traceback" not in done.stderr


def test_a_worker_without_a_queue_says_what_to_set(run: Run) -> None:
    done = run("worker", "--role", "vocoder")
    assert done.returncode == 2
    assert done.stderr.startswith("error: workers take their jobs from Redis")
    assert "SINGSYNTH_REDIS" in done.stderr


def test_on_a_terminal_it_shows_help_and_on_a_pipe_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert _stdio_server([]) is None
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert _stdio_server([]) == "proxy"
    assert _stdio_server(["cpu", "--transport", "stdio"]) == "cpu"
    assert _stdio_server(["gpu", "--transport", "http"]) is None
    assert _stdio_server(["sing"]) is None


@pytest.mark.parametrize("server", ["cpu", "gpu", "proxy"])
def test_the_way_to_a_stdio_server_imports_no_command_line_library(server: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "singsynth_mcp", server],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert done.returncode == 0, done.stderr[-500:]
    assert "mcp" in imported
    assert not imported & {
        "cyclopts",
        "rich",
        "numpy",
        "onnxruntime",
        "matplotlib",
        "scipy",
        "soundfile",
        "pyopenjtalk",
    }


def test_an_unexpected_error_is_one_line_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(ZeroDivisionError("division\nby zero")) == 1
    assert capsys.readouterr().err.splitlines()[0] == "error: unexpected ZeroDivisionError: division by zero"


def test_an_error_out_of_a_task_group_is_reported_as_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(ExceptionGroup("tasks", [FileProblem("song.xml is empty", hint="Export it again.")])) == 1
    assert report(InvalidRequest("verse: should be at least 1")) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: song.xml is empty",
        "  Export it again.",
        "error: verse: should be at least 1",
    ]


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = [sys.executable, "-m", "singsynth_mcp", "artifacts", "list"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
