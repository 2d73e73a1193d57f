"""Let the teacher speak the corpus: ``python -m training.speak [--processes 2]``.

One file per utterance in the cache, named by everything that decides its content; finished
files are kept, so an interruption costs one utterance.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np

from training.cache import cache_directory, content_key
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


def _work(speaker: str, utterance: Utterance) -> None:
    if _teacher is None:
        raise RuntimeError("the worker has no teacher")
    speak_utterance(_teacher, speaker, utterance)


def main() -> None:
    """Speak what is missing for every singer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    processes = parser.parse_args().processes
    fetch_teacher()
    for speaker in SPEAKERS:
        utterances = corpus(speaker, SEED)
        missing = [u for u in utterances if not speech_path(speaker, u).exists()]
        print(f"{speaker}: {len(utterances)} utterances, {len(missing)} to speak", flush=True)
        started = time.monotonic()
        context = get_context("spawn")
        with ProcessPoolExecutor(processes, context, _start, (speaker,)) as pool:
            for done, _ in enumerate(pool.map(_work, [speaker] * len(missing), missing), 1):
                if done % 20 == 0 or done == len(missing):
                    print(f"  {done}/{len(missing)} {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
