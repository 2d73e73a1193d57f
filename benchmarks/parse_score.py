"""Print what reading a score costs with this project's reader and with music21: import, parsing, memory.

    python -m benchmarks.parse_score [FOLDER]

Each measurement is a process of its own; seconds are CPU seconds, so that other work on the machine does not count.
"5 MB" is the voice and piano of a real song with its measures repeated. With FOLDER, every score in it is read, its
parts are played, and what comes of it is counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.musicxml.container import unpack
from singsynth_mcp.score.reading import read_score

SCORES = Path(__file__).parent.parent / "tests" / "scores"
SONG = SCORES / "05-en-triplets-pickup-lehmann-yellowhammer.mxl"
SATB = SCORES / "01-de-satb-brahms-magdalena.mxl"
LONG_BYTES = 5_000_000

_MEASURE = """
import json, resource, sys, time
start = time.process_time()
{imports}
imported = time.process_time()
score = {read}
done = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([imported - start, done - imported, peak]))
"""
READERS = {
    "singsynth_mcp": _MEASURE.format(
        imports="from pathlib import Path\nfrom singsynth_mcp.score.musicxml import container, reader\n"
        "from singsynth_mcp.score.reading import read_score",
        read="read_score(Path(sys.argv[1]).read_bytes())",
    ),
    "music21": _MEASURE.format(
        imports="import music21", read="music21.converter.parseFile(sys.argv[1], forceSource=True)"
    ),
}


def main() -> None:
    """Print the table, and the count of a folder's scores where one is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as scratch:
        long_song = Path(scratch) / "long.musicxml"
        long_song.write_bytes(_repeated(unpack(SONG.read_bytes(), SONG.name)))
        print("| score | reader | import s | parse s | peak memory MB |")
        print("|---|---|---|---|---|")
        for label, path in {"four voices": SATB, "song with piano": SONG, "5 MB": long_song}.items():
            for reader, program in READERS.items():
                print(f"| {label} | {reader} | {_measured(program, path)} |", flush=True)
    if folder:
        _count(folder)


def _repeated(document: bytes) -> bytes:
    """Return the score with each part's measures repeated until it has LONG_BYTES."""
    root = ElementTree.fromstring(document)
    times = LONG_BYTES // len(document)
    for part in root.iterfind("part"):
        measures = list(part)
        part.extend(measures[1:] * times)
    return ElementTree.tostring(root)


def _measured(program: str, path: Path) -> str:
    """Run a reader in a fresh process and return its columns."""
    command = [sys.executable, "-c", program, str(path)]
    process = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if process.returncode:
        return f"failed: {process.stderr.strip().splitlines()[-1]} | | "
    imported, parsed, peak = json.loads(process.stdout.splitlines()[-1])
    return f"{imported:.2f} | {parsed:.3f} | {peak:.0f}"


def _count(folder: Path) -> None:
    """Read and play every score of a folder; an exception other than a SingSynthError ends the run."""
    from singsynth_mcp.cpu_server.describing import describe

    counts: Counter[str] = Counter()
    seconds: list[float] = []
    for path in sorted(folder.rglob("*.mxl")) + sorted(folder.rglob("*.musicxml")):
        start = time.process_time()
        try:
            score: Score = read_score(path.read_bytes(), path.name)
        except SingSynthError as error:
            counts[f"refused: {error.code}"] += 1
            continue
        seconds.append(time.process_time() - start)
        result = describe(score)
        singing = [part for part in result.parts or () if part.played_notes]
        counts["read"] += 1
        counts["singable" if singing else "without a part that sings"] += 1
        counts["notes sung"] += sum(part.played_notes for part in singing)
        counts.update(f"warning {code}" for code in {warning.code for warning in result.warnings or ()})
    print(f"\n{folder.name}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    if seconds:
        print(f"parsing: median {statistics.median(seconds):.3f} s, at most {max(seconds):.3f} s of CPU time")


if __name__ == "__main__":
    main()
