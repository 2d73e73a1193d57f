"""What the merged endpoint costs a call, beside a direct one and fastmcp's proxy, over stdio and HTTP, in both eras.

    python -m benchmarks.proxy [--rounds 5] [--calls 100] [--transport stdio http]

Every contestant stands before (or is) the same small server, over the transport that is measured on both sides, and
keeps its connections; rounds are interleaved. fastmcp is installed into .cache/fastmcp, an environment of its own. The
ratio is that of a round's median call times, ours / fastmcp's, with the upper 95 % bound of its mean over the rounds
(Student's t on logarithms); that of what each adds to a direct call stands beside it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

ROOT = Path(__file__).parent.parent
FASTMCP = ROOT / ".cache" / "fastmcp"
_FASTMCP_VERSION = "4.1.2"
_FASTMCP_PROXY = """
import json, logging, sys
from fastmcp.server import create_proxy

proxy = create_proxy(json.loads(sys.argv[1]))
options = {} if sys.argv[2] == "stdio" else {"host": "127.0.0.1", "port": int(sys.argv[3]), "log_level": "error"}
logging.disable(logging.INFO)
proxy.run(transport=sys.argv[2], show_banner=False, **options)
"""
_T_95 = {2: 6.314, 3: 2.920, 4: 2.353, 5: 2.132, 6: 2.015, 7: 1.943, 8: 1.895, 9: 1.860, 10: 1.833}
"""Student's t, one-sided 95 %, by the number of rounds."""
CONTESTANTS = ("direct", "singsynth", "fastmcp")
_TEXT = {"text": "a line of a song " * 8}


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, choices=_T_95)
    parser.add_argument("--transport", choices=("stdio", "http"), nargs="+", default=("stdio", "http"))
    parser.add_argument("--calls", type=int, default=100, help="in a round, of each contestant")
    arguments = parser.parse_args()
    install_fastmcp()
    print("| transport | era | contestant | median (ms) | p99 (ms) |\n|---|---|---|---|---|")
    ratios = []
    for transport in arguments.transport:
        for era in ("legacy", "auto"):
            times = anyio.run(measure, transport, era, arguments.rounds, arguments.calls)
            name = "2025-11-25" if era == "legacy" else "2026-07-28"
            for contestant, rounds in times.items():
                every = [seconds for each in rounds for seconds in each]
                median, late = statistics.median(every), statistics.quantiles(every, n=100)[98]
                print(f"| {transport} | {name} | {contestant} | {1000 * median:.2f} | {1000 * late:.2f} |")
            ratios.append((transport, name, *compared(times)))
    print("\n| transport | era | ours / fastmcp's | upper 95 % bound | of what each adds |\n|---|---|---|---|---|")
    for transport, name, ratio, bound, added in ratios:
        print(f"| {transport} | {name} | {ratio:.2f} | {bound:.2f} | {added:.2f} |")


def compared(times: dict[str, list[list[float]]]) -> tuple[float, float, float]:
    """Return the mean ratio of medians, its upper bound, and the ratio of the overheads."""
    medians = {name: [statistics.median(each) for each in rounds] for name, rounds in times.items()}
    logs = [math.log(ours / theirs) for ours, theirs in zip(medians["singsynth"], medians["fastmcp"], strict=True)]
    mean, spread = statistics.mean(logs), statistics.stdev(logs)
    bound = mean + _T_95[len(logs)] * spread / math.sqrt(len(logs))
    direct, ours, theirs = (statistics.median(medians[name]) for name in CONTESTANTS)
    return math.exp(mean), math.exp(bound), (ours - direct) / (theirs - direct)


async def measure(transport: str, era: str, rounds: int, calls: int) -> dict[str, list[list[float]]]:
    """Return the seconds of each call, by contestant and round."""
    times: dict[str, list[list[float]]] = {name: [] for name in CONTESTANTS}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clients = await _connect(stack, folder, transport, era)
        for client in clients.values():
            await _call(client, 5)
        for _ in range(rounds):
            for name, client in clients.items():
                times[name].append(await _call(client, calls))
    return times


async def _connect(stack: AsyncExitStack, folder: Path, transport: str, era: str) -> dict[str, Client]:
    echo = [sys.executable, "-m", "benchmarks.echo_server"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SINGSYNTH_CACHE": str(folder)}
    if transport == "stdio":
        upstream: dict[str, Any] = {"command": echo[0], "args": [*echo[1:], "stdio"], "env": environment}
    else:
        upstream = {"url": await stack.enter_async_context(listening([*echo, "http"], environment))}
    config = folder / "upstreams.json"
    config.write_text(json.dumps({"mcpServers": {"echo": upstream}}), encoding="utf-8")
    commands = {
        "direct": [*echo, "stdio"],
        "singsynth": [sys.executable, "-m", "singsynth_mcp", "proxy", "--config", str(config)],
        "fastmcp": [str(_python()), "-c", _FASTMCP_PROXY, json.dumps({"mcpServers": {"echo": upstream}})],
    }
    clients = {}
    for name, command in commands.items():
        if transport == "stdio":
            more = ["stdio"] if name == "fastmcp" else []
            target: Any = StdioServerParameters(command=command[0], args=[*command[1:], *more], env=environment)
        else:
            more = {"singsynth": ["--transport", "http", "--port"], "fastmcp": ["http"]}.get(name, [])
            served = listening([*command, *more], environment) if name != "direct" else None
            url = upstream["url"] if served is None else await stack.enter_async_context(served)
            web = await stack.enter_async_context(httpx2.AsyncClient(timeout=60, trust_env=False))
            target = streamable_http_client(url, http_client=web)
        clients[name] = await stack.enter_async_context(Client(target, mode=era, cache=None))
    return clients


async def _call(client: Client, calls: int) -> list[float]:
    seconds = []
    for _ in range(calls):
        started = time.perf_counter()
        result = await client.call_tool("echo", _TEXT)
        seconds.append(time.perf_counter() - started)
        assert not result.is_error, result.content
    return seconds


@asynccontextmanager
async def listening(command: Sequence[str], environment: dict[str, str]) -> AsyncIterator[str]:
    """Run a server whose last argument is its port; yield its URL once it takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await anyio.open_process([*command, str(port)], env=environment, cwd=ROOT, stdout=None, stderr=None)
    async with process:
        try:
            while True:
                try:
                    await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
                except OSError:
                    if process.returncode is not None:
                        raise RuntimeError(f"{command} ended with {process.returncode}") from None
                    await anyio.sleep(0.1)
                else:
                    break
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            if process.returncode is None:
                process.terminate()
                with anyio.move_on_after(5, shield=True):
                    await process.wait()
            if process.returncode is None:
                process.kill()


def install_fastmcp() -> None:
    """Make the environment unless it is there."""
    if not (FASTMCP / _FASTMCP_VERSION).exists():
        venv.create(FASTMCP, with_pip=True, clear=True)
        install = [str(_python()), "-m", "pip", "install", "--quiet", f"fastmcp=={_FASTMCP_VERSION}"]
        subprocess.run(install, check=True)
        (FASTMCP / _FASTMCP_VERSION).touch()


def _python() -> Path:
    return FASTMCP / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


if __name__ == "__main__":
    main()
