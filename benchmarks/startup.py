"""How long a host waits for a server's tools: process start to the first tools/list answer, over stdio.

    python -m benchmarks.startup [--rounds 10]

Medians of interleaved starts beside a hello-world server of the same SDK. The proxy is measured with its last-known
list, as at every start but its first, and once without (it then waits for its children, started side by side).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

_HELLO = """
from mcp.server import MCPServer

server = MCPServer("hello")

@server.tool()
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

server.run()
"""
SERVERS = {
    "hello-world": ["-c", _HELLO],
    "cpu": ["-m", "singsynth_mcp", "cpu"],
    "gpu": ["-m", "singsynth_mcp", "gpu"],
    "proxy": ["-m", "singsynth_mcp", "proxy"],
}
_CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "startup", "version": "1"}}
_MESSAGES = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _CLIENT},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="interleaved starts of each server")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        first, medians = measure(Path(folder), rounds)
    base = medians["hello-world"]
    print(f"| server | first tools/list, median of {rounds} (s) | x hello-world |\n|---|---|---|")
    for name, seconds in medians.items():
        print(f"| {name} | {seconds:.2f} | {seconds / base:.2f} |")
    print(f"| proxy, its very first start | {first:.2f} (once) | {first / base:.2f} |")


def measure(folder: Path, rounds: int) -> tuple[float, dict[str, float]]:
    """Return the proxy's first start and the medians of `rounds` interleaved starts of each server, in seconds."""
    environment = os.environ | {"SINGSYNTH_CACHE": str(folder), "SINGSYNTH_ARTIFACTS": str(folder / "artifacts")}
    first = seconds_to_list(SERVERS["proxy"], environment)
    times: dict[str, list[float]] = {name: [] for name in SERVERS}
    for _ in range(rounds):
        for name, arguments in SERVERS.items():
            times[name].append(seconds_to_list(arguments, environment))
    return first, {name: statistics.median(each) for name, each in times.items()}


def seconds_to_list(arguments: list[str], environment: Mapping[str, str]) -> float:
    """Start a server, ask for its tools, and return the seconds until they came; the server has ended on return."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in _MESSAGES))
        process.stdin.flush()
        for line in process.stdout:
            if json.loads(line).get("id") == 2:
                return time.perf_counter() - started
    raise RuntimeError(f"{arguments} ended without an answer")


if __name__ == "__main__":
    main()
