"""A worker that does as the real one does, but after its first finished phrase waits to be killed; run as a child."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from functools import partial

import anyio

from singsynth_mcp.gpu_server import rendering, worker
from singsynth_mcp.serving.logs import log_to_stderr
from singsynth_mcp.settings import Settings


def held(settings):
    """Do the work of the real worker, a phrase at a time, up to its first report."""
    rendering._IN_FLIGHT = 1
    perform = perform_with(settings)

    async def perform_until_held(tool, arguments, on_progress):
        async def report(progress):
            await on_progress(replace(progress, message=f"held: {progress.message}"))
            await anyio.sleep_forever()

        return await perform(tool, arguments, report)

    return perform_until_held


def poisoned(settings):
    """Die of any work."""

    async def die(tool, arguments, on_progress):
        os.kill(os.getpid(), signal.SIGKILL)

    return die


if __name__ == "__main__":
    perform_with = worker.perform_with
    worker.perform_with = {"held": held, "poisoned": poisoned}[sys.argv[1]]
    log_to_stderr("INFO")
    anyio.run(partial(worker.run_worker, Settings(), "vocoder"))
