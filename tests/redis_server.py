"""A real redis-server of a test's own: on a socket in a folder, with or without memory of its past."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc


class RedisServer:
    """One server that may go away and come back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder}/redis.sock"
        self._process: anyio.abc.Process | None = None

    async def start(self) -> None:
        """Start it, with what it knew before; returns when it takes connections."""
        command = ["redis-server", "--port", "0", "--unixsocket", f"{self._folder}/redis.sock"]
        command += ["--dir", str(self._folder), "--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        self._process = await anyio.open_process(command, stderr=None)
        text = b""
        async for chunk in self._process.stdout:
            text += chunk
            if b"eady to accept connections" in text:
                return
        raise AssertionError(f"redis-server ended: {text.decode()}")

    async def kill(self) -> None:
        """Kill it; what it had answered is on disk."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
            await self._process.aclose()
            self._process = None

    def forget(self) -> None:
        """Remove what a later start would remember."""
        shutil.rmtree(self._folder / "appendonlydir", ignore_errors=True)


@asynccontextmanager
async def redis_server() -> AsyncIterator[RedisServer]:
    """Run a server; its folder is short, as names of sockets must be."""
    folder = Path(tempfile.mkdtemp(prefix="redis-", dir=os.environ.get("TMPDIR", "/tmp")))
    server = RedisServer(folder)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()
        shutil.rmtree(folder, ignore_errors=True)
