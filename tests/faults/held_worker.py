"""Workers that do as the real one does, up to a point; run as a child.

For each line on its standard input, "<what> <stage>", the child forks a worker (what they import is imported once) and
says its process id:

held: after the first finished phrase of that stage it waits to be ended. poisoned: it dies of any work. full: its disk
takes no file of more than a few bytes. free: it is the real one. A stage that is none, "-", holds nothing.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from singsynth_mcp.gpu_server import rendering, worker
from singsynth_mcp.gpu_server.tools import TOOLS
from singsynth_mcp.serving.logs import log_to_stderr
from singsynth_mcp.settings import Settings
from tests.processes import ROOT, environment

_USED_BY_ALL = ("docket", "onnxruntime", "singsynth_mcp.jobs.worker", "singsynth_mcp.synthesis.engines.onnx")
_LARGEST_FILE = 64
perform_with = worker.perform_with


def held(settings, stage):
    """Do the work of the real worker; of `stage` a phrase at a time, up to its first report."""
    rendering._IN_FLIGHT = 1
    perform = perform_with(settings)

    async def perform_until_held(tool, arguments, on_progress):
        async def report(progress):
            await on_progress(replace(progress, message=f"held: {progress.message}"))
            await anyio.sleep_forever()

        return await perform(tool, arguments, report if tool == stage else on_progress)

    return perform_until_held


def poisoned(settings, stage):
    async def die(tool, arguments, on_progress):
        os.kill(os.getpid(), signal.SIGKILL)

    return die


def full(settings, stage):
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, resource.RLIM_INFINITY))
    return perform_with(settings)


def free(settings, stage):
    return perform_with(settings)


def herd():
    """Fork workers until standard input ends."""
    for module in {*_USED_BY_ALL, *(target.partition(":")[0] for target in TOOLS.values())}:
        importlib.import_module(module)
    for line in sys.stdin:
        what, stage = line.split()
        pid = os.fork()
        if not pid:
            worker.perform_with = partial(globals()[what], stage=stage)
            log_to_stderr("INFO")
            anyio.run(worker.run_worker, Settings())
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


@asynccontextmanager
async def workers(env) -> AsyncIterator[Callable[..., Awaitable[int]]]:
    """Yield `fork(what, stage)`, which starts a worker and returns its process id; none outlives this."""
    command = [sys.executable, "-m", "tests.faults.held_worker"]
    pids = []
    async with await anyio.open_process(
        command, env=environment(env), cwd=ROOT, stdin=subprocess.PIPE, stderr=None
    ) as parent:
        told = BufferedByteReceiveStream(parent.stdout)

        async def fork(what, stage="-"):
            await parent.stdin.send(f"{what} {stage}\n".encode())
            pids.append(int(await told.receive_until(b"\n", 32)))
            return pids[-1]

        try:
            yield fork
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            parent.kill()


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # workers that end leave nothing behind
    herd()
