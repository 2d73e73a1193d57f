"""Print what a sung minute costs, and how long songs wait against the number of workers, by measured service times.

    python -m benchmarks.scaling [SCORE] [--runs 5] [--price 0.04] [--songs-a-minute 10 30 60] [--workers 1 2 4 8]

Cost: the processor time of the whole of `sing` (all threads) for each sung second, the real-time factor of one core,
times 60 seconds, times the price of a core for one second. Cores that wait cost the same: divide by the share of time
in which they work, "busiest role" below.

Songs are sung here, warm, each with an empty artifact store; what their inference and vocoder calls took is what the
simulated workers need. Songs arrive at random (Poisson), take an inference worker, then a vocoder worker, each role
with as many, first come, first served. "Wait" is a song's time in both queues.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simpy

from benchmarks.real_time_factor import EXAMPLE, measure

_INFERENCE = ("predict_durations", "predict_pitch", "predict_variance", "synthesize_audio")
_SONGS = 4000
_UNCOUNTED = 400
"""Songs at the start, while the queues fill."""


@dataclass(frozen=True)
class Service:
    """What one song took in each role, in seconds."""

    inference: float
    vocoder: float


def main() -> None:
    """Measure, simulate and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("score", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--price", type=float, default=0.04, help="of a core for an hour, in your currency")
    parser.add_argument("--songs-a-minute", type=float, nargs="+", default=[10, 30, 60, 120])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    arguments = parser.parse_args()
    services, factor = measured(arguments.score, arguments.runs)
    print_cost(factor, arguments.price)
    inference, vocoder = (
        float(np.median([getattr(each, role) for each in services])) for role in Service.__annotations__
    )
    print(f"measured on {arguments.runs} songs: inference {inference:.2f} s, vocoder {vocoder:.2f} s (medians)\n")
    print("| workers of each role | songs a minute | busiest role | mean wait | 95 % wait less than |")
    print("|---|---|---|---|---|")
    for workers in arguments.workers:
        for rate in arguments.songs_a_minute:
            load = max(np.mean([each.inference for each in services]), np.mean([each.vocoder for each in services]))
            load *= rate / 60 / workers
            if load >= 1:
                print(f"| {workers} | {rate:g} | {load:.0%} | without end | |")
                continue
            waits = simulate(services, rate / 60, workers)
            print(f"| {workers} | {rate:g} | {load:.0%} | {np.mean(waits):.2f} s | {np.percentile(waits, 95):.2f} s |")


def print_cost(factor: float, price: float) -> None:
    """Print what a sung minute costs where a second of song takes `factor` core seconds."""
    minute = 60 * factor * price / 3600
    print("| core seconds for a sung second | a core-hour | a thousand sung minutes |\n|---|---|---|")
    print(f"| {factor:.3f} | {price:g} | {1000 * minute:.3f} |\n")


def measured(score: Path, runs: int) -> tuple[list[Service], float]:
    """Sing `score` so many times, after once to load the models.

    Return what each took, and the median of the core seconds for a sung second.
    """
    services, factors = [], []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs + 1):
            started = time.process_time()
            song = measure(score, Path(folder, str(run)))
            factors.append((time.process_time() - started) / song.audio)
            services.append(Service(sum(song.stages[name] for name in _INFERENCE), song.stages["vocode"]))
    return services[1:], float(np.median(factors[1:]))


def simulate(services: Sequence[Service], songs_a_second: float, workers: int, seed: int = 0) -> list[float]:
    """Return how long each song waited in the queues of both roles together."""
    chance = random.Random(seed)
    world = simpy.Environment()
    roles = {role: simpy.Resource(world, workers) for role in ("inference", "vocoder")}
    waits: list[float] = []

    def song(number: int) -> Iterator[simpy.Event]:
        service, waited = chance.choice(services), 0.0
        for role, workers_of in roles.items():
            came = world.now
            with workers_of.request() as turn:
                yield turn
                waited += world.now - came
                yield world.timeout(getattr(service, role))
        if number >= _UNCOUNTED:
            waits.append(waited)

    def arrivals() -> Iterator[simpy.Event]:
        for number in range(_SONGS):
            yield world.timeout(chance.expovariate(songs_a_second))
            world.process(song(number))

    world.process(arrivals())
    world.run()
    return waits


if __name__ == "__main__":
    main()
