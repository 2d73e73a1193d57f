"""Many clients at once at the merged endpoint over HTTP: what they are answered, how long it takes, and what it keeps.

    python -m benchmarks.load [--clients 200] [--seconds 60]

A proxy with its own two servers, as it ships, is called by clients that each wait for an answer before they ask again:
mostly small scores to parse and lyrics to phonemize, some lists, and 2 % songs that are queued and left. Refusals that
say so (HTTP 429 and 503 with Retry-After, `queue_full`) are back-pressure; anything else that is no answer is an error,
and the command then ends with 1. Memory is what the proxy and its children hold, shared pages once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2

from benchmarks.proxy import listening

_VERSION = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": _VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1"},
}
_SYLLABLES = ["さ", "く", "ら", "の", "は", "な", "が", "ひ", "と", "つ"]
_BACK_PRESSURE = frozenset({"queue_full", "overloaded", "rate_limited"})
_MOST_PAUSE_SECONDS = 1.0


@dataclass
class Tally:
    """What came back."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


def main() -> int:
    """Run the load and print the tables; return 1 where there were errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    tally, memory = anyio.run(load, arguments.clients, arguments.seconds)
    print("| tool | calls | median (s) | p95 (s) | p99 (s) | longest (s) |\n|---|---|---|---|---|---|")
    for tool, seconds in sorted(tally.seconds.items()):
        cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
        print(
            f"| {tool} | {len(seconds)} | {statistics.median(seconds):.2f} | {cuts[94]:.2f} | {cuts[98]:.2f} "
            f"| {max(seconds):.2f} |"
        )
    calls = sum(map(len, tally.seconds.values()))
    print(f"\n{calls} calls, {calls / arguments.seconds:.0f} a second; {dict(tally.outcomes)}")
    print("memory (MB), five moments: " + ", ".join(f"{each / 2**20:.0f}" for each in memory))
    for error, count in tally.errors.most_common(10):
        print(f"error, {count} times: {error}")
    return 1 if tally.errors else 0


async def load(clients: int, seconds: float) -> tuple[Tally, list[int]]:
    """Return what came back, and the bytes held at five moments from the first fifth on."""
    tally, memory = Tally(), []
    with tempfile.TemporaryDirectory() as folder:
        store = {"SINGSYNTH_CACHE": folder, "SINGSYNTH_ARTIFACTS": f"{folder}/a", "SINGSYNTH_OUTPUT": f"{folder}/o"}
        command = [sys.executable, "-m", "singsynth_mcp", "proxy", "--transport", "http", "--port"]
        limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
        async with (
            listening(command, {**os.environ, **store}) as url,
            httpx2.AsyncClient(limits=limits, timeout=120, trust_env=False) as web,
        ):
            await _ask(web, url, "list_voicebanks", {})  # the servers are up
            until = anyio.current_time() + seconds
            async with anyio.create_task_group() as group:
                for number in range(clients):
                    group.start_soon(_client, web, url, random.Random(number), until, tally)
                for _ in range(5):
                    await anyio.sleep(seconds / 5)
                    memory.append(_bytes_of_children())
    return tally, memory


async def _client(web: httpx2.AsyncClient, url: str, draw: random.Random, until: float, tally: Tally) -> None:
    score = None
    while anyio.current_time() < until:
        tool, arguments = _next_call(draw, score)
        started = time.perf_counter()
        outcome, facts, pause = await _ask(web, url, tool, arguments)
        tally.seconds[tool].append(time.perf_counter() - started)
        kind = "answered" if outcome == "ok" else outcome if outcome in _BACK_PRESSURE else "error"
        tally.outcomes[kind] += 1
        if kind == "error":
            tally.errors[f"{tool}: {outcome}"] += 1
        if tool == "parse_score" and outcome == "ok":
            score = facts["id"]
        await anyio.sleep(min(pause, _MOST_PAUSE_SECONDS))


def _next_call(draw: random.Random, score: str | None) -> tuple[str, dict[str, Any]]:
    chance = draw.random()
    if score is None or chance < 0.5:
        return "parse_score", {"text": _song(draw)}
    if chance < 0.85:
        return "phonemize", {"score": score}
    if chance < 0.98:
        return ("list_voicebanks", {}) if chance < 0.92 else ("list_jobs", {})
    return "sing", {"text": _song(draw), "wait_seconds": 0}


def _song(draw: random.Random) -> str:
    notes = [{"pitch": f"{draw.choice('CDEFG')}4", "beats": 1, "lyric": each} for each in draw.sample(_SYLLABLES, 6)]
    return json.dumps({"tempo": 120, "notes": notes})


async def _ask(
    web: httpx2.AsyncClient, url: str, tool: str, arguments: dict[str, Any]
) -> tuple[str, dict[str, Any], float]:
    """Call a tool; return ok or what went wrong, the structured result, and how long to wait before the next call."""
    params = {"name": tool, "arguments": arguments, "_meta": _META}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": _VERSION,
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    try:
        answer = await web.post(url, json=body, headers=headers)
    except httpx2.HTTPError as error:
        return type(error).__name__, {}, 0.0
    pause = float(answer.headers.get("retry-after", 0))
    if answer.status_code != 200:
        refusal = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        said = f"HTTP {answer.status_code}"
        return str(refusal.get("error", said)) if pause else said, {}, pause
    result = answer.json().get("result", {})
    facts = result.get("structuredContent") or {}
    if result.get("isError", True) and "content" not in result:
        return answer.text[:200], {}, 0.0
    return (str(facts["error"]["code"]) if result.get("isError") else "ok"), facts, pause


def _bytes_of_children() -> int:
    """Return what the processes below this one hold (PSS), by /proc."""

    def below(process: str) -> list[str]:
        tasks = Path(f"/proc/{process}/task").iterdir()
        own = [child for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
        return [each for child in own for each in (child, *below(child))]

    lines = [Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii").splitlines() for each in below("self")]
    return sum(int(line.split()[1]) * 1024 for each in lines for line in each if line.startswith("Pss:"))


if __name__ == "__main__":
    sys.exit(main())
