"""Print the real-time factor of `sing`, cold and warm, and where the time goes.

    python -m benchmarks.real_time_factor [SCORE] [--runs 3]

cold    a new process to its end: Python, imports, models loaded, an empty artifact store
warm    the same process again, models loaded, an empty artifact store: median of the runs
cached  the same song again with its artifacts still there

A stage's seconds are the time its tool calls took; two windows of phrases are in flight, so stages overlap and their
shares are of the sum. "Outside onnxruntime" is wall time in which no model ran at all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anyio

EXAMPLE = Path(__file__).parent.parent / "examples" / "haru-no-komichi.musicxml"


@dataclass(frozen=True)
class Measured:
    """One run of `sing`."""

    wall: float
    audio: float
    stages: dict[str, float]
    models: float
    """Seconds in which at least one model ran."""


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("score", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.json:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(asdict(measure(arguments.score, Path(folder)))))
        return
    cold = [measure_process(arguments.score) for _ in range(arguments.runs)]
    warm = []
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments.score, Path(folder, "first"))
        for run in range(arguments.runs):
            warm.append(measure(arguments.score, Path(folder, str(run))))
        cached = [measure(arguments.score, Path(folder, "0")) for _ in range(arguments.runs)]
    print_tables(arguments.score, {"cold": cold, "warm": warm, "cached": cached})


def measure_process(score: Path) -> Measured:
    """Measure a new process from its start to its end."""
    started = time.perf_counter()
    command = [sys.executable, __file__, str(score), "--json"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    wall = time.perf_counter() - started
    return Measured(**{**json.loads(done.stdout), "wall": wall})


def measure(score: Path, folder: Path) -> Measured:
    """Sing a score once in this process, with artifacts and output in `folder`."""
    from singsynth_mcp.contracts.sing import SingRequest
    from singsynth_mcp.recipes.sing import sing
    from singsynth_mcp.settings import Settings

    models = ModelClock()
    caller = _timing_caller(Settings(artifacts=folder / "artifacts", output=folder), score.resolve().parent)
    request = SingRequest(path=str(score.resolve()), output=str(folder / "song.wav"))
    with models:
        started = time.perf_counter()
        result = anyio.run(sing, request, caller)
        wall = time.perf_counter() - started
    return Measured(wall, result.seconds or 0.0, dict(caller.seconds), models.seconds())


def _timing_caller(settings: Any, readable: Path) -> Any:
    from singsynth_mcp.contracts.calling import OnProgress, ignore_progress
    from singsynth_mcp.recipes.local import LocalCaller

    class TimingCaller(LocalCaller):
        """Notes how long the calls of each tool took."""

        def __init__(self) -> None:
            super().__init__(settings, readable=(readable,))
            self.seconds: defaultdict[str, float] = defaultdict(float)

        async def call(
            self, name: str, arguments: Mapping[str, Any], on_progress: OnProgress = ignore_progress
        ) -> dict[str, Any]:
            started = time.perf_counter()
            try:
                return await super().call(name, arguments, on_progress)
            finally:
                self.seconds[name] += time.perf_counter() - started

    return TimingCaller()


class ModelClock:
    """Notes when onnxruntime is at work, from any thread."""

    def __enter__(self) -> ModelClock:
        import onnxruntime

        self._spans: list[tuple[float, float]] = []
        self._session = onnxruntime.InferenceSession
        self._plain = plain = self._session.run
        lock = threading.Lock()

        def timed(session: Any, *arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return plain(session, *arguments, **named)
            finally:
                with lock:
                    self._spans.append((started, time.perf_counter()))

        self._session.run = timed
        return self

    def __exit__(self, *_: object) -> None:
        self._session.run = self._plain

    def seconds(self) -> float:
        """Return the length of the union of all spans."""
        total, end = 0.0, 0.0
        for first, last in sorted(self._spans):
            total += max(0.0, last - max(first, end))
            end = max(end, last)
        return total


def print_tables(score: Path, runs: dict[str, list[Measured]]) -> None:
    """Print two markdown tables: the real-time factor of each kind of run, and the stages of the warm one."""
    middle = {kind: sorted(several, key=lambda run: run.wall)[len(several) // 2] for kind, several in runs.items()}
    audio = middle["warm"].audio
    count = len(runs["warm"])
    print(f"{score.name}: {audio:.1f} s of audio; medians of {count} runs\n")
    print("| run | seconds | real-time factor | outside onnxruntime |\n|---|---|---|---|")
    for kind, run in middle.items():
        wall = statistics.median(each.wall for each in runs[kind])
        print(f"| {kind} | {wall:.2f} | {wall / audio:.3f} | {1 - run.models / run.wall:.0%} |")
    print("\n| stage (warm) | seconds | share |\n|---|---|---|")
    stages = middle["warm"].stages
    whole = sum(stages.values())
    for name, seconds in stages.items():
        print(f"| {name} | {seconds:.3f} | {seconds / whole:.0%} |")


if __name__ == "__main__":
    main()
