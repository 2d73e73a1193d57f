"""Servers in processes of their own, for tests over real wires."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
from anyio.streams.text import TextReceiveStream
from mcp.client.stdio import StdioServerParameters

ROOT = Path(__file__).parent.parent


def python(*args: str, env: Mapping[str, str] | None = None) -> StdioServerParameters:
    """Return the parameters of a Python child that speaks stdio and sees this process's environment."""
    return StdioServerParameters(command=sys.executable, args=list(args), env=environment(env), cwd=ROOT)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment with the repository importable and single-threaded numerics."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(more or {})}


@asynccontextmanager
async def listening(
    args: Sequence[str], env: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[str, anyio.abc.Process]]:
    """Run a Python child that serves HTTP; yield its URL (from its own log) and its process."""
    command = [sys.executable, *args]
    env = environment({"SINGSYNTH_LOG_LEVEL": "INFO", **(env or {})})
    async with await anyio.open_process(command, env=env, cwd=ROOT, stdout=None) as process:
        try:
            yield await _address(process), process
        finally:
            if process.returncode is None:
                process.kill()


@asynccontextmanager
async def process(*args: str, env: Mapping[str, str] | None = None) -> AsyncIterator[anyio.abc.Process]:
    """Run a Python child; yield it."""
    command = [sys.executable, *args]
    async with await anyio.open_process(command, env=environment(env), cwd=ROOT, stdout=None, stderr=None) as child:
        try:
            yield child
        finally:
            if child.returncode is None:
                child.kill()


async def until(condition: Callable[[], bool]) -> None:
    """Return when another process (or a task that tells nobody) has brought `condition` about."""
    while not condition():  # noqa: ASYNC110
        await anyio.sleep(0.02)


async def _address(process: anyio.abc.Process) -> str:
    assert process.stderr is not None
    text = ""
    async for chunk in TextReceiveStream(process.stderr):
        text += chunk
        for line in text.splitlines():
            found = re.search(r"listening on (http://[^\s\"]+)", line)
            if found:
                assert json.loads(line)["level"] == "info"
                return found.group(1)
    raise AssertionError(f"the server ended: {text}")
