"""Many clients at once at the merged endpoint over HTTP: what they are answered, how long it takes, and what it keeps.

    python -m benchmarks.load [--clients 200] [--seconds 60]

A proxy with its own two servers, as it ships, is called by clients that each wait for an answer before they ask again:
mostly small scores to parse and lyrics to phonemize, some lists, and 2 % songs that are queued and left. Refusals that
say so (HTTP 429 and 503 with Retry-After, `queue_full`) are back-pressure; anything else that is no answer is an error,
and the command then ends with 1. Memory is what the proxy and its children hold, shared pages once, looked at every
second when a dozen songs have been sung: models are open then. Its slope is that of a line through the second half.
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
from collections.abc import Sequence
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
_SERVERS = ("proxy", "cpu", "gpu")
_ROW_SECONDS = 10
_FIRST_SONGS = 12


@dataclass(frozen=True)
class Moment:
    """What is held after so many seconds of load."""

    second: int
    held: dict[str, int]
    """Server → bytes."""


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
    tally, moments = anyio.run(load, arguments.clients, arguments.seconds)
    print_latencies(tally, arguments.seconds)
    print_memory(moments)
    return 1 if tally.errors else 0


def print_latencies(tally: Tally, seconds: float) -> None:
    """Print how long each tool's calls took, and how they ended."""
    print("| tool | calls | median (s) | p95 (s) | p99 (s) | longest (s) |\n|---|---|---|---|---|---|")
    every = [each for several in tally.seconds.values() for each in several]
    for tool, took in [*sorted(tally.seconds.items()), ("all", every)]:
        cuts = statistics.quantiles(took, n=100) if len(took) > 1 else took * 99
        print(
            f"| {tool} | {len(took)} | {statistics.median(took):.2f} | {cuts[94]:.2f} | {cuts[98]:.2f} "
            f"| {max(took):.2f} |"
        )
    print(f"\n{len(every)} calls, {len(every) / seconds:.0f} a second")
    print("\n| ended | calls |\n|---|---|")
    for outcome, count in tally.outcomes.most_common():
        print(f"| {outcome} | {count} |")
    for error, count in tally.errors.most_common():
        print(f"| error: {error} | {count} |")


def print_memory(moments: Sequence[Moment]) -> None:
    """Print what each process held over time, and how it grew in the second half."""
    processes = list(moments[-1].held)
    print(f"\n| second | {' | '.join(processes)} | together (MB) |\n|---|{'---|' * (len(processes) + 1)}")
    for moment in moments:
        if moment is moments[-1] or moment.second % _ROW_SECONDS == 0:
            held = [moment.held.get(process, 0) for process in processes]
            print(f"| {moment.second} | " + " | ".join(f"{each / 2**20:.0f}" for each in [*held, sum(held)]) + " |")
    half = moments[len(moments) // 2 :]
    if len(half) > 1:
        seconds, held = [each.second for each in half], [sum(each.held.values()) / 2**20 for each in half]
        print(f"\nsecond half: {60 * statistics.linear_regression(seconds, held).slope:+.1f} MB a minute")


async def load(clients: int, seconds: float) -> tuple[Tally, list[Moment]]:
    """Return what came back, and what was held each second."""
    tally, moments = Tally(), []
    with tempfile.TemporaryDirectory() as folder:
        store = {"SINGSYNTH_CACHE": folder, "SINGSYNTH_ARTIFACTS": f"{folder}/a", "SINGSYNTH_OUTPUT": f"{folder}/o"}
        command = [sys.executable, "-m", "singsynth_mcp", "proxy", "--transport", "http", "--port"]
        limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
        async with (
            listening(command, {**os.environ, **store}) as url,
            httpx2.AsyncClient(limits=limits, timeout=120, trust_env=False) as web,
        ):
            await _warm_up(web, url)
            async with anyio.create_task_group() as group:
                until = anyio.current_time() + seconds
                for number in range(clients):
                    group.start_soon(_client, web, url, random.Random(number), until, tally)
                for second in range(int(seconds) + 1):
                    moments.append(Moment(second, held_by_servers()))
                    await anyio.sleep_until(until - seconds + second + 1)
    return tally, moments


async def _warm_up(web: httpx2.AsyncClient, url: str) -> None:
    """Have songs sung side by side: models are opened, and work as they will."""
    async with anyio.create_task_group() as group:
        for number in range(_FIRST_SONGS):
            song = {"text": _song(random.Random(-1 - number)), "wait_seconds": 45}
            group.start_soon(_ask, web, url, "sing", song)


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
    result = _message(answer).get("result", {})
    facts = result.get("structuredContent") or {}
    if result.get("isError", True) and "content" not in result:
        return answer.text[:200], {}, 0.0
    return (str(facts["error"]["code"]) if result.get("isError") else "ok"), facts, pause


def _message(answer: httpx2.Response) -> dict[str, Any]:
    """Return the JSON-RPC answer; one that took long comes as the last event of a stream."""
    text = answer.text
    if "event-stream" in answer.headers["content-type"]:
        text = [line for line in text.splitlines() if line.startswith("data: ")][-1].removeprefix("data: ")
    message: dict[str, Any] = json.loads(text)
    return message


def held_by_servers() -> dict[str, int]:
    """Return what the servers below this process hold (PSS), by /proc."""

    def below(process: str) -> list[str]:
        tasks = Path(f"/proc/{process}/task").iterdir()
        own = [child for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
        return [each for child in own for each in (child, *below(child))]

    held: dict[str, int] = {}
    for process in below("self"):
        command = Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8").split("\0")
        name = next((each for each in _SERVERS if each in command), "others")
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
        held[name] = held.get(name, 0) + sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return held


if __name__ == "__main__":
    sys.exit(main())
