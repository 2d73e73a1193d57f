"""Print how well a score is sung: pitch, vowel onsets, clipping, clicks, measured on the audio alone.

    python -m benchmarks.listen SCORE…                      sing each with the shipped voice and measure
    python -m benchmarks.listen SCORE --wav FILE --lead S   measure a file in which beat 0 lies at S seconds

What is measured, and how, stands in benchmarks/listening.py. The exit status is 1 when a rendering fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import anyio
import soundfile

from benchmarks.listening import Listening, listen
from singsynth_mcp.contracts.sing import SingRequest, SingResult
from singsynth_mcp.performance.model import PhraseNote
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.settings import Settings


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", nargs="+", type=Path, metavar="SCORE")
    parser.add_argument("--part")
    parser.add_argument("--verse", type=int)
    parser.add_argument("--voicebank", help="id; the shipped voice when left out")
    parser.add_argument("--wav", type=Path, help="a rendering to measure instead of singing (one score)")
    parser.add_argument("--lead", type=float, default=0.0, help="seconds before beat 0 in --wav (lead_seconds of sing)")
    arguments = parser.parse_args()
    passed = True
    for score in arguments.scores:
        notes = written_notes(score, arguments.part, arguments.verse)
        if arguments.wav:
            heard = listen_to(arguments.wav, arguments.lead, notes)
        else:
            choices = {"part": arguments.part, "verse": arguments.verse, "voicebank": arguments.voicebank}
            with tempfile.TemporaryDirectory() as folder:
                result = sing_score(score, Path(folder), **choices)
                heard = listen_to(Path(result.path or ""), result.lead_seconds or 0.0, notes)
        print(f"{score.name}\n{heard.table()}\n")
        passed = passed and heard.passed
    sys.exit(0 if passed else 1)


def written_notes(score: Path, part: str | None = None, verse: int | None = None) -> list[PhraseNote]:
    """Return a part's notes as played, in seconds from beat 0."""
    played = played_part(read_score(score.read_bytes(), score.name), part, verse)
    return [
        PhraseNote(
            note.note_id,
            note.pass_number,
            note.start_s,
            note.duration_s,
            float(note.midi),
            "".join(note.lyric.syllables) if note.lyric else "+~",
        )
        for note in played.notes
    ]


def sing_score(score: Path, folder: Path, **choices: str | int | None) -> SingResult:
    """Sing `score` to a WAV in `folder`, all artifacts included."""
    settings = Settings(artifacts=folder / "artifacts", output=folder)
    caller = LocalCaller(settings, readable=(score.resolve().parent,), writable=(folder,))
    request = SingRequest.model_validate({"path": str(score.resolve()), "output": "sung.wav"} | choices)
    return anyio.run(sing, request, caller)


def listen_to(path: Path, lead_seconds: float, notes: list[PhraseNote]) -> Listening:
    """Measure an audio file in which beat 0 of `notes` lies at `lead_seconds`."""
    audio, sample_rate = soundfile.read(path, always_2d=True)
    placed = [replace(note, start_s=note.start_s + lead_seconds) for note in notes]
    return listen(audio.mean(axis=1), sample_rate, placed)


if __name__ == "__main__":
    main()
