"""Songs a minute with one worker process and with several, through a real redis-server, as a ratio.

    python -m benchmarks.workers [SCORE] [--workers 1 2] [--songs 6] [--rounds 3]

Each worker (`singsynth-mcp worker`) has one core and one thread, as it would have a GPU of its own, and has opened its
models before the clock starts. Songs lie an eighth of a semitone apart, so that none is remembered from another; each
goes through the five stages one after the other, as many at once as keep every worker busy. Rounds with the numbers
of workers alternate, each with an artifact store of its own; the ratio is to the first number. It needs as many idle
cores as workers.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import anyio

from benchmarks.real_time_factor import EXAMPLE
from singsynth_mcp.contracts.calling import OnProgress, ignore_progress
from singsynth_mcp.jobs.base import JobEngine, NewJob
from singsynth_mcp.jobs.engines import job_engine
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.settings import Settings

_STAGES = ("predict_durations", "predict_pitch", "predict_variance", "synthesize_audio", "vocode")
_ALREADY = b"working on"
"""What a worker logs when its models are open."""


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("score", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--songs", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rates: dict[int, list[float]] = {workers: [] for workers in arguments.workers}
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        prepared = Path(folder) / "prepared"
        performances = anyio.run(prepare, arguments.score.resolve(), prepared, arguments.songs)
        for number in range(arguments.rounds):
            for workers in arguments.workers:
                store = Path(folder) / f"round-{number}-{workers}"
                shutil.copytree(prepared, store)
                rates[workers].append(60 * arguments.songs / anyio.run(sing_all, store, performances, workers))
                shutil.rmtree(store)
    print(f"{arguments.songs} songs a round, {arguments.rounds} rounds; {os.cpu_count()} cores\n")
    print("| workers | songs a minute (median) | lowest | highest | ratio |\n|---|---|---|---|---|")
    first = statistics.median(rates[arguments.workers[0]])
    for workers, each in rates.items():
        median = statistics.median(each)
        print(f"| {workers} | {median:.1f} | {min(each):.1f} | {max(each):.1f} | {median / first:.2f} |")


async def prepare(score: Path, store: Path, songs: int) -> list[str]:
    """Return performances of the score at different heights, aligned and no more."""
    caller = LocalCaller(Settings(artifacts=store), readable=(score.parent,))
    parsed = await caller.call("parse_score", {"path": str(score)})
    part = next(part["id"] for part in parsed["parts"] if part["sung_notes"])
    phonemes = await caller.call("phonemize", {"score": parsed["id"], "part": part})
    aligned = [
        await caller.call(
            "align_phonemes_to_notes", {"score": parsed["id"], "phonemes": phonemes["id"], "transpose": song / 8}
        )
        for song in range(songs)
    ]
    return [str(each["id"]) for each in aligned]


async def sing_all(store: Path, performances: list[str], workers: int) -> float:
    """Return the seconds from the first song's submission to the last one's sound."""
    with redis_server() as url, ExitStack() as running:
        for core in range(workers):
            running.enter_context(worker(url, store, core))
        async with engine(url, store) as jobs:
            places = anyio.Semaphore(2 * workers)

            async def sing(performance: str) -> None:
                async with places:
                    await sing_one(jobs, performance)

            started = time.perf_counter()
            async with anyio.create_task_group() as group:
                for performance in performances:
                    group.start_soon(sing, performance)
            return time.perf_counter() - started


async def sing_one(jobs: JobEngine, artifact: str) -> None:
    """Take a performance through the stages, each a job. Raises RuntimeError where one fails."""
    for stage in _STAGES:
        arguments = {"mel" if stage == "vocode" else "performance": artifact}
        new = NewJob(f"{stage} {artifact}", stage, "vocoder" if stage == "vocode" else "inference", arguments)
        job_id = await jobs.submit(new, _elsewhere)
        record = await jobs.wait(job_id, 3600, ignore_progress)
        await jobs.leave(job_id, keep=False)
        if record.result is None:
            raise RuntimeError(f"{stage}: {record.error}")
        artifact = record.result["id"]


async def _elsewhere(on_progress: OnProgress) -> dict[str, object]:
    raise AssertionError("a worker does the work")


@asynccontextmanager
async def engine(url: str, store: Path) -> AsyncIterator[JobEngine]:
    """Open the queue as a gpu server does."""
    jobs = job_engine("gpu", Settings.model_validate({"redis": url, "artifacts": store}))
    try:
        yield jobs
    finally:
        await jobs.close()


@contextmanager
def worker(url: str, store: Path, core: int) -> Iterator[None]:
    """Run a worker on a core of its own; it is there when its models are open."""
    env = os.environ | {
        "SINGSYNTH_REDIS": url,
        "SINGSYNTH_ARTIFACTS": str(store),
        "SINGSYNTH_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "SINGSYNTH_LOG_LEVEL": "INFO",
        "SINGSYNTH_DRAIN_SECONDS": "0",
    }
    command = [sys.executable, "-m", "singsynth_mcp", "worker"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE) as process:
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(process.pid, {cores[core % len(cores)]})
        assert process.stderr is not None
        for line in process.stderr:
            if _ALREADY in line:
                break
        try:
            yield
        finally:
            process.terminate()
            process.stderr.read()


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a redis-server on a socket of its own and yield its URL."""
    folder = tempfile.mkdtemp(prefix="redis-", dir="/tmp")  # names of sockets are short
    command = ["redis-server", "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--dir", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if b"eady to accept connections" in line:
                break
        try:
            yield f"unix://{folder}/redis.sock"
        finally:
            process.terminate()
            process.stdout.read()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
