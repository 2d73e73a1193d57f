"""Measure the rendered corpus: ``python -m training.corpus_report [--shards 5] [--seed 1]`` prints a table."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyworld

from singsynth_mcp.media.clicks import clicks
from singsynth_mcp.media.measures import vowel_onset
from training.examples import FRAME_SECONDS, SAMPLE_RATE, load_examples
from training.inventory import BY_SYMBOL
from training.render_corpus import corpus_folder, shard_paths
from training.speak import SEED

if TYPE_CHECKING:
    from training.examples import SungExample

_MEASURED = frozenset(["k", "ky", "s", "sh", "t", "ts", "ch", "p", "py", "h", "hy"])
_ON_TIME_SECONDS = 0.030
_GROSS_CENTS = 200.0
_EDGE_FRAMES = 3


@dataclass
class Findings:
    """What was measured over all phrases."""

    lateness: list[float] = field(default_factory=list)
    cents: list[np.ndarray] = field(default_factory=list)
    voicing_errors: list[np.ndarray] = field(default_factory=list)
    clicks: int = 0
    phrases: int = 0
    seconds: float = 0.0


def measure(example: SungExample, findings: Findings) -> None:
    """Add what one phrase's samples say to the findings."""
    audio = example.audio.astype(np.float64)
    findings.phrases += 1
    findings.seconds += len(audio) / SAMPLE_RATE
    findings.clicks += len(clicks(audio, SAMPLE_RATE))
    starts = np.concatenate([[0], np.cumsum(example.ph_dur)])[:-1]
    for i in range(1, len(starts)):
        before = BY_SYMBOL[example.phonemes[i - 1]].name
        if before in _MEASURED and BY_SYMBOL[example.phonemes[i]].is_vowel:
            expected = (starts[i] - 0.5) * FRAME_SECONDS  # labels round up: half a frame late
            findings.lateness.append(vowel_onset(audio, SAMPLE_RATE, expected) - expected)
    rough, times = pyworld.harvest(audio, SAMPLE_RATE, f0_floor=50.0, f0_ceil=1200.0)
    tracked = pyworld.stonemask(audio, rough, times, SAMPLE_RATE)
    centres = (np.arange(example.frames) + 0.5) * FRAME_SECONDS
    found = tracked[np.minimum(np.round(centres / 0.005).astype(int), len(tracked) - 1)]
    both = example.voiced & (found > 0)
    findings.cents.append(1200.0 * np.log2(found[both] / example.f0[both]))
    edges = np.flatnonzero(np.diff(example.voiced.astype(int)))
    clear = np.ones(example.frames, bool)
    for edge in edges:
        clear[max(edge - _EDGE_FRAMES, 0) : edge + _EDGE_FRAMES + 1] = False
    findings.voicing_errors.append(((found > 0) != example.voiced)[clear])


def table(findings: Findings) -> str:
    """Return the findings as a markdown table."""
    late = np.abs(findings.lateness)
    cents = np.abs(np.concatenate(findings.cents))
    rows = [
        ("phrases", f"{findings.phrases}, {findings.seconds / 60:.1f} min"),
        ("vowel onset within 30 ms", f"{np.mean(late <= _ON_TIME_SECONDS):.1%} of {len(late)}"),
        ("vowel onset, median", f"{1000 * np.median(findings.lateness):+.1f} ms"),
        ("F0 against what was asked, median", f"{np.median(cents):.1f} cents"),
        ("F0 beyond 200 cents", f"{np.mean(cents > _GROSS_CENTS):.2%}"),
        ("voicing differs from the labels", f"{np.mean(np.concatenate(findings.voicing_errors)):.1%}"),
        ("clicks", str(findings.clicks)),
    ]
    lines = [f"| {name} | {value} |" for name, value in rows]
    return "\n".join(["| measure | value |", "|---|---|", *lines])


def main() -> None:
    """Measure the first shards of a seed's songs: a fit that goes on has songs of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=5)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    findings = Findings()
    for path in shard_paths(corpus_folder(options.seed))[: options.shards]:
        for example in load_examples(path):
            measure(example, findings)
    print(table(findings))


if __name__ == "__main__":
    main()
