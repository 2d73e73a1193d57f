"""Print how `sing` scales: time, the share of it outside the models, and peak memory, by length of the score.

    python -m benchmarks.stages [--minutes 1 3 10 60] [--runs 3]

Each length is sung in a process of its own, twice: the first time loads the models, the second is measured, with an
empty artifact store. "Outside the models" is wall time in which no onnxruntime session ran. "One note changed" is the
time for the song with one note moved, after the song itself: as a share of that second time, and of the first, which is
what somebody waits for who opens the voice, sings, and changes a note. The last line says how straight time is against
length (r²) and how far the peaks of memory lie apart.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio
import numpy as np

from benchmarks.real_time_factor import ModelClock

_BEATS_A_MINUTE = 96
_VERSE = ["ha", "ru", "no", "ka", "ze", "so", "ra", "ni", "u", "ta", "u", "ko", "e"]
_TUNE = (60, 62, 64, 67, 69, 67, 64, 62, 64, 65, 64, 62)
_KANA = dict(zip(_VERSE, "はるのかぜそらにうたうこえ", strict=False))


@dataclass(frozen=True)
class Scaling:
    """One length, measured."""

    minutes: float
    wall: float
    outside: float
    """Share of the wall time in which no model ran."""
    changed: float
    """Time for the song with one note changed, as a share of the song's own."""
    changed_of_first: float
    """The same as a share of the first time, in which the models were opened."""
    peak_mb: float


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 3, 10, 60])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(asdict(measure(arguments.one))))
        return
    rows = [_median([_in_process(minutes) for _ in range(arguments.runs)]) for minutes in arguments.minutes]
    print(f"medians of {arguments.runs} runs\n")
    print(
        "| minutes | seconds | real-time factor | outside the models | one note changed | of the first | peak memory |"
    )
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        factor = row.wall / (60 * row.minutes)
        print(
            f"| {row.minutes:g} | {row.wall:.2f} | {factor:.3f} | {row.outside:.0%} | {row.changed:.0%} "
            f"| {row.changed_of_first:.0%} | {row.peak_mb:.0f} MB |"
        )
    if len(rows) > 2:
        straight = np.corrcoef([row.minutes for row in rows], [row.wall for row in rows])[0, 1] ** 2
        peaks = [row.peak_mb for row in rows]
        print(f"\nr² {straight:.4f}; peak memory {max(peaks) / min(peaks) - 1:+.0%} from the least to the most")


def measure(minutes: float) -> Scaling:
    """Sing a made song of so many minutes in this process, models loaded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        score, changed = folder / "song.musicxml", folder / "changed.musicxml"
        score.write_text(made_song(minutes), encoding="utf-8")
        changed.write_text(made_song(minutes, moved=True), encoding="utf-8")
        first = sing_score(score, folder / "first")
        with ModelClock() as models:
            wall = sing_score(score, folder / "second")
        again = sing_score(changed, folder / "second")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Scaling(minutes, wall, 1 - models.seconds() / wall, again / wall, again / first, peak_mb)


def made_song(minutes: float, *, moved: bool = False, higher: int = 0) -> str:
    """Return MusicXML: bars of four quarters in phrases of four bars, each of whose last bars ends in a rest.

    Few phrases are equal: the tune climbs a step every other phrase. moved: one note in the middle is a third up.
    higher: by so many semitones is all of it.
    """
    bars = round(minutes * _BEATS_A_MINUTE / 4)
    measures = []
    for bar in range(bars):
        notes = []
        for beat in range(4):
            if bar % 4 == 3 and beat > 1:
                notes.append("<note><rest/><duration>1</duration></note>")
                continue
            place = bar * 4 + beat
            midi = _TUNE[place % len(_TUNE)] + (bar // 8) % 5 + higher + (4 if moved and place == bars * 2 else 0)
            notes.append(_note(midi, _KANA[_VERSE[(place + bar // 4) % len(_VERSE)]]))
        attributes = "<attributes><divisions>1</divisions></attributes>" if bar == 0 else ""
        tempo = f'<direction><sound tempo="{_BEATS_A_MINUTE}"/></direction>' if bar == 0 else ""
        measures.append(f'<measure number="{bar + 1}">{attributes}{tempo}{"".join(notes)}</measure>')
    return (
        '<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Voice</part-name></score-part>'
        f'</part-list><part id="P1">{"".join(measures)}</part></score-partwise>'
    )


def _note(midi: int, text: str) -> str:
    step, alter = ("C0", "C1", "D0", "D1", "E0", "F0", "F1", "G0", "G1", "A0", "A1", "B0")[midi % 12]
    pitch = f"<step>{step}</step><alter>{alter}</alter><octave>{midi // 12 - 1}</octave>"
    lyric = f"<lyric><syllabic>single</syllabic><text>{text}</text></lyric>"
    return f"<note><pitch>{pitch}</pitch><duration>1</duration>{lyric}</note>"


def sing_score(score: Path, folder: Path) -> float:
    """Sing a score in this process, with artifacts and output in `folder`; return the seconds."""
    from singsynth_mcp.contracts.sing import SingRequest
    from singsynth_mcp.recipes.local import LocalCaller
    from singsynth_mcp.recipes.sing import sing
    from singsynth_mcp.settings import Settings

    caller = LocalCaller(Settings(artifacts=folder / "artifacts", output=folder), readable=(score.parent,))
    started = time.perf_counter()
    anyio.run(sing, SingRequest(path=str(score), output=str(folder / "song.wav")), caller)
    return time.perf_counter() - started


def _in_process(minutes: float) -> Scaling:
    command = [sys.executable, "-m", "benchmarks.stages", "--one", str(minutes)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return Scaling(**json.loads(done.stdout.splitlines()[-1]))


def _median(runs: list[Scaling]) -> Scaling:
    rows = [list(asdict(run).values()) for run in runs]
    return Scaling(*(statistics.median(values) for values in zip(*rows, strict=True)))


if __name__ == "__main__":
    main()
