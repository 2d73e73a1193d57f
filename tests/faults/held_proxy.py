"""A proxy over HTTP with its cpu and gpu servers in the same process; run as a child.

held: it sings until the first sound is made, then waits to be ended. free: it does not wait.
"""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from functools import partial

import anyio
from mcp.client._memory import InMemoryTransport

from singsynth_mcp.contracts.calling import Progress, ignore_progress
from singsynth_mcp.cpu_server import app as cpu
from singsynth_mcp.gpu_server import app as gpu
from singsynth_mcp.proxy import app as proxy
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.connect import client_to
from singsynth_mcp.serving.logs import log_to_stderr
from singsynth_mcp.serving.transports import run
from singsynth_mcp.settings import Settings


def proxy_in_one(settings):
    """Return the proxy; only its own jobs stand in Redis."""
    alone = settings.model_copy(update={"redis": None})
    servers = {"cpu": cpu.build_server(alone), "gpu": gpu.build_server(alone)}

    @asynccontextmanager
    async def dial(spec, callbacks):
        async with client_to(InMemoryTransport(servers[spec.args[0]]), callbacks) as client:
            yield client

    specs = {name: UpstreamSpec(command="memory", args=(name,)) for name in servers}
    return proxy.build_server(settings, specs, dial, over_http=True)


class HeldCaller:
    """Calls until one window of phrases has its sound; says so, and does nothing more."""

    def __init__(self, caller, on_progress):
        self._caller = caller
        self._on_progress = on_progress
        self._sung = False

    async def call(self, name, arguments, on_progress):
        result = None if self._sung else await self._caller.call(name, arguments)
        if result is None or self._sung:
            await anyio.sleep_forever()
        if name == "vocode":
            self._sung = True
            await self._on_progress(Progress(0.5, f"held by {os.getpid()}"))
        return result


async def held(caller, request, on_progress):
    """Sing as far as the first sound."""
    return await sing(HeldCaller(caller, on_progress), request, ignore_progress)


if __name__ == "__main__":
    sing = proxy._sing
    if sys.argv[1] == "held":
        proxy._sing = held
    log_to_stderr("INFO")
    settings = Settings()
    anyio.run(partial(run, proxy_in_one(settings), "http", port=0))
