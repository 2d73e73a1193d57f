"""Print how long another headless renderer of the same format takes: diffsinger-utau, the same voice, song and machine.

    python -m benchmarks.peers [--minutes 1] [--rounds 3] [--python PYTHON] [--environment FOLDER]

The package comes from PyPI into a virtual environment of its own in FOLDER (kept, about 6 GB with its torch), made with
PYTHON: from 3.12 on it takes the same onnxruntime as we do. It is given our own phonemes and alignment as a .ds file
and a copy of the voice with a key that it wants (portrait_opacity, which OpenUtau does without); we begin at the score,
and master what was sung, which it does not. The voice samples nothing in steps. Rounds alternate between the two.

cold    a process from its start to its end, less the second song
warm    the second song in that process, its models open; with us into an empty artifact store
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import anyio

from benchmarks.stages import made_song

PACKAGE = "diffsinger-utau==0.3.8"
VOICEBANK = Path(__file__).parent.parent / "assets" / "voicebanks" / "aviary"
SPEAKER = "linnet"
LANGUAGE = "ja"


@dataclass(frozen=True)
class Sung:
    """One process that sang the song twice."""

    cold: float
    warm: float
    peak_mb: float


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="of the other package's environment")
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir(), "singsynth-peers"))
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        print(json.dumps(sing_twice(arguments.ours)))
        return
    theirs = environment(arguments.environment, arguments.python)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        score, segments = folder / "song.musicxml", folder / "song.ds"
        score.write_text(made_song(arguments.minutes), encoding="utf-8")
        write_ds(score, segments)
        commands = {
            "diffsinger-utau": [
                *(str(theirs), str(Path(__file__).with_name("peer_utau.py"))),
                *(str(segments), str(voicebank_for_it(folder)), SPEAKER, str(folder / "theirs")),
            ],
            "singsynth-mcp": [sys.executable, "-m", "benchmarks.peers", "--ours", str(score)],
        }
        runs: dict[str, list[Sung]] = {name: [] for name in commands}
        for _ in range(arguments.rounds):
            for name, command in commands.items():
                runs[name].append(measure(command))
    print_table(arguments, runs)


def environment(folder: Path, python: str) -> Path:
    """Return the Python of an environment with the other package, made where it is not there yet."""
    inside = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not inside.exists():
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(inside), "-m", "pip", "install", "--quiet", PACKAGE], check=True)
    return inside


def voicebank_for_it(folder: Path) -> Path:
    """Return a copy of the voice that it can open."""
    copy = folder / VOICEBANK.name
    shutil.copytree(VOICEBANK, copy)
    with (copy / "character.yaml").open("a", encoding="utf-8") as character:
        character.write("portrait_opacity: 1\n")
    return copy


def measure(command: list[str]) -> Sung:
    """Run a process that sings twice and says how long that took."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    wall = time.perf_counter() - started
    said = json.loads(done.stdout.splitlines()[-1])
    return Sung(wall - said["warm"], said["warm"], said["peak_mb"])


def write_ds(score: Path, path: Path) -> None:
    """Write the song as the other package wants it: phonemes, words and notes, aligned by us."""
    from singsynth_mcp.recipes.local import LocalCaller
    from singsynth_mcp.settings import Settings

    async def export() -> None:
        caller = LocalCaller(Settings(artifacts=path.parent / "export", output=path.parent), readable=(path.parent,))
        parsed = await caller.call("parse_score", {"path": str(score)})
        phonemes = await caller.call("phonemize", {"score": parsed["id"], "part": "P1"})
        aligned = await caller.call("align_phonemes_to_notes", {"score": parsed["id"], "phonemes": phonemes["id"]})
        timed = await caller.call("predict_durations", {"performance": aligned["id"]})
        await caller.call("export", {"performance": timed["id"], "format": "ds", "output": str(path)})

    anyio.run(export)
    segments = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([{**segment, "lang": LANGUAGE} for segment in segments]), encoding="utf-8")


def sing_twice(score: Path) -> dict[str, float]:
    """Sing a score in this process, then again into another store."""
    from benchmarks.stages import sing_score

    with tempfile.TemporaryDirectory() as folder:
        sing_score(score, Path(folder, "first"))
        warm = sing_score(score, Path(folder, "second"))
    return {"warm": warm, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def print_table(arguments: argparse.Namespace, runs: dict[str, list[Sung]]) -> None:
    """Print medians, and how many times ours goes into theirs."""
    print(f"{arguments.minutes:g} min of song, voice {VOICEBANK.name}; medians of {arguments.rounds} rounds in turn\n")
    print("| renderer | cold (s) | warm (s) | peak memory (MB) |\n|---|---|---|---|")
    rows = []
    for name, several in runs.items():
        rows.append([statistics.median(getattr(run, fact) for run in several) for fact in ("cold", "warm", "peak_mb")])
        print(f"| {name} | {rows[-1][0]:.2f} | {rows[-1][1]:.2f} | {rows[-1][2]:.0f} |")
    ratios = [theirs / ours for theirs, ours in zip(rows[0], rows[1], strict=True)]
    print(f"| ratio | {ratios[0]:.2f} x | {ratios[1]:.2f} x | {ratios[2]:.2f} x |")


if __name__ == "__main__":
    main()
