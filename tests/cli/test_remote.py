"""sing --url: a real proxy on a real port."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Run

USAGI = Path(__file__).parents[2] / "examples" / "usagi.musicxml"
TOKEN = "a token for this test"


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "SINGSYNTH_TOKEN": TOKEN,
        "SINGSYNTH_LOG_LEVEL": "INFO",
        "SINGSYNTH_CACHE": str(tmp_path / "proxy"),
        "SINGSYNTH_ARTIFACTS": str(tmp_path / "proxy" / "artifacts"),
        "SINGSYNTH_OUTPUT": str(tmp_path / "proxy" / "output"),
    }
    command = [sys.executable, "-m", "singsynth_mcp", "proxy", "--transport", "http", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            _await_start(process)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


def test_a_proxy_sings_the_same_samples(run: Run, proxy: str, tmp_path: Path) -> None:
    there = run(
        "sing", USAGI, "-o", tmp_path / "there.wav", "--url", proxy, "--json",
        SINGSYNTH_TOKEN=TOKEN, SINGSYNTH_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout)["path"] == str(tmp_path / "there.wav")
    here = run("sing", USAGI, "-o", tmp_path / "here.wav", "--json")
    assert here.returncode == 0, here.stderr
    first, _ = soundfile.read(tmp_path / "there.wav", dtype="int16")
    second, _ = soundfile.read(tmp_path / "here.wav", dtype="int16")
    assert np.array_equal(first, second)


def test_without_the_token_it_is_refused(run: Run, proxy: str, tmp_path: Path) -> None:
    done = run("sing", USAGI, "--url", proxy, SINGSYNTH_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 1
    assert proxy in done.stderr.splitlines()[0]
    assert "401" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_proxy_that_is_not_there_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    done = run("sing", USAGI, "--url", "http://127.0.0.1:9/mcp", SINGSYNTH_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: the upstream server 'proxy' (http://127.0.0.1:9/mcp) cannot be reached")
    assert len(done.stderr.splitlines()) == 2


def _await_start(process: subprocess.Popen[str]) -> None:
    """Read the proxy's log until it says that it listens."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "running on" in line:
            return
    pytest.fail(f"the proxy did not start: {''.join(said)}")
