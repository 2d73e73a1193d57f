"""A gpu server whose vocode tells its process id and waits, unless asked for phrase 1; run as a child.

Asked for phrase 2 it waits until there is a file UNTIL. Whatever ends its work, there is a file ENDED then.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import anyio

from singsynth_mcp.contracts.audio import AudioResult
from singsynth_mcp.contracts.calling import Progress
from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.logs import log_to_stderr
from singsynth_mcp.serving.transports import run
from tests.processes import until
from tests.serving.made_server import made_server


async def vocode(request, on_progress):
    await on_progress(Progress(0.5, "vocode", str(os.getpid())))
    try:
        if request.phrases == "2":
            await until(Path(os.environ["UNTIL"]).exists)
        elif request.phrases != "1":
            await anyio.sleep_forever()
    finally:
        if "ENDED" in os.environ:
            Path(os.environ["ENDED"]).touch()
    return AudioResult(id="audio-0123456789ab", sample_rate=os.getpid())


if __name__ == "__main__":
    log_to_stderr("INFO")
    transport, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else ("stdio", 0)
    access = Access(max_requests=int(os.environ.get("MAX_REQUESTS", "512")))
    drain = float(os.environ.get("DRAIN_SECONDS", "25"))
    anyio.run(partial(run, made_server(vocode=vocode), transport, port=port, access=access, drain_seconds=drain))
