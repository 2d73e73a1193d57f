"""A gpu server whose vocode tells its process id and waits, unless asked for phrase 1; run as a child."""

from __future__ import annotations

import os
import sys
from functools import partial

import anyio

from singsynth_mcp.contracts.audio import AudioResult
from singsynth_mcp.contracts.calling import Progress
from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.logs import log_to_stderr
from singsynth_mcp.serving.transports import run
from tests.serving.made_server import made_server


async def vocode(request, on_progress):
    await on_progress(Progress(0.5, "vocode", str(os.getpid())))
    if request.phrases != "1":
        await anyio.sleep_forever()
    return AudioResult(id="audio-0123456789ab", sample_rate=os.getpid())


if __name__ == "__main__":
    log_to_stderr("INFO")
    transport, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else ("stdio", 0)
    access = Access(max_requests=int(os.environ.get("MAX_REQUESTS", "512")))
    drain_seconds = float(os.environ.get("DRAIN_SECONDS", "25"))
    serving = partial(run, made_server(vocode=vocode), transport, port=port, access=access, drain_seconds=drain_seconds)
    anyio.run(serving)
