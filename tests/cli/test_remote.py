"""sing --url: a real proxy on a real port."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from anyio import to_thread

from tests.cli.conftest import Run
from tests.processes import listening

USAGI = Path(__file__).parents[2] / "examples" / "usagi.musicxml"
TOKEN = "a token for this test"


@asynccontextmanager
async def proxy(folder: Path) -> AsyncIterator[str]:
    environment = {
        "SINGSYNTH_TOKEN": TOKEN,
        "SINGSYNTH_CACHE": str(folder),
        "SINGSYNTH_ARTIFACTS": str(folder / "artifacts"),
        "SINGSYNTH_OUTPUT": str(folder / "output"),
    }
    arguments = ["-m", "singsynth_mcp", "proxy", "--transport", "http", "--port", "0"]
    async with listening(arguments, environment) as (url, _):
        yield url


@pytest.fixture
def sung_here(run: Run, tmp_path: Path) -> Path:
    done = run("sing", USAGI, "-o", tmp_path / "here.wav")
    assert done.returncode == 0, done.stderr
    return tmp_path / "here.wav"


async def test_a_proxy_sings_the_same_samples(run: Run, tmp_path: Path, sung_here: Path) -> None:
    async with proxy(tmp_path / "proxy") as url:
        sing = partial(run, "sing", USAGI, "-o", tmp_path / "there.wav", "--url", url, "--json", SINGSYNTH_TOKEN=TOKEN)
        there = await to_thread.run_sync(sing)
    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout)["path"] == str(tmp_path / "there.wav")
    first, _ = soundfile.read(tmp_path / "there.wav", dtype="int16")
    second, _ = soundfile.read(sung_here, dtype="int16")
    assert np.array_equal(first, second)


async def test_without_the_token_it_is_refused(run: Run, tmp_path: Path) -> None:
    async with proxy(tmp_path / "proxy") as url:
        done = await to_thread.run_sync(partial(run, "sing", USAGI, "--url", url))
    assert done.returncode == 1
    assert url in done.stderr.splitlines()[0]
    assert "401" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_proxy_that_is_not_there_is_said_in_one_line(run: Run) -> None:
    done = run("sing", USAGI, "--url", "http://127.0.0.1:9/mcp")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the upstream server 'proxy' (http://127.0.0.1:9/mcp) cannot be reached")
    assert len(done.stderr.splitlines()) == 2
