"""How soon a player has something to play: `sing` to a warm proxy until `ready_seconds` is 1 or more.

    python -m benchmarks.first_sound [--minutes 3] [--runs 5]

The proxy runs as a host starts it, over stdio, with its own two servers. A short song warms it; then a made song of so
many minutes, in each run another one so that nothing is remembered, is given to `sing` as a job, and get_job is asked
until its record says that a second is ready. The whole song's time stands beside it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from benchmarks.stages import made_song

_ENOUGH_SECONDS = 1.0
_ASK_EVERY_S = 0.02


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = anyio.run(measure, Path(folder), arguments.minutes, arguments.runs)
    first, whole = ([row[place] for row in measured] for place in (0, 1))
    print(f"a song of {arguments.minutes:g} minutes; median of {arguments.runs} runs (least to most)\n")
    print("| until | seconds |\n|---|---|")
    for name, times in ((f"ready_seconds ≥ {_ENOUGH_SECONDS:g}", first), ("the file is there", whole)):
        print(f"| {name} | {statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f}) |")


async def measure(folder: Path, minutes: float, runs: int) -> list[tuple[float, float]]:
    """Return, for each run, the seconds until a second was ready and until the song was done."""
    environment = os.environ | {
        "SINGSYNTH_ARTIFACTS": str(folder / "artifacts"),
        "SINGSYNTH_CACHE": str(folder / "cache"),
        "SINGSYNTH_OUTPUT": str(folder),
    }
    server = StdioServerParameters(command=sys.executable, args=["-m", "singsynth_mcp", "proxy"], env=environment)
    async with Client(stdio_client(server)) as client:
        await _sing(client, made_song(0.2))
        return [await _sing(client, made_song(minutes, higher=run)) for run in range(1, runs + 1)]


async def _sing(client: Client, score: str) -> tuple[float, float]:
    started, first = time.perf_counter(), 0.0
    record = await _call(client, "sing", {"text": score, "wait_seconds": 0})
    job = record["job_id"]
    while record["state"] in ("queued", "running"):
        if not first and record.get("ready_seconds", 0.0) >= _ENOUGH_SECONDS:
            first = time.perf_counter() - started
        await anyio.sleep(_ASK_EVERY_S)
        record = await _call(client, "get_job", {"job_id": job, "wait_seconds": 0})
    whole = time.perf_counter() - started
    if record["state"] != "done":
        raise RuntimeError(f"sing ended as {record['state']}")
    return first or whole, whole


async def _call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    if result.is_error or result.structured_content is None:
        raise RuntimeError(f"{tool}: {result.content}")
    return dict(result.structured_content)


if __name__ == "__main__":
    main()
