"""Render the sung corpus: ``python -m training.render_corpus [--examples 480] [--processes 2] [--seed 1]``.

Every run of the store is sung equally often, each time to another random melody. Shards of
examples lie in a folder of the cache named by the recordings, the code and the seed; finished
shards are kept.
"""

from __future__ import annotations

import argparse
import time
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.cache import cache_directory, code_key, content_key
from training.examples import SungExample, save_examples
from training.inventory import BY_SYMBOL
from training.processes import pool
from training.sing import sing
from training.singers import SPEAKERS
from training.songs import Run, compose
from training.speak import SEED
from training.store import recording_path
from training.teacher.utterances import corpus
from training.voices import Voice, load_voice

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARD_EXAMPLES = 20
_LOUDEST = 0.97
_NEUTRAL_GENDER = 0.6
_NEUTRAL_VELOCITY = 0.7
_RUNS_A_PHRASE = (1, 4)


def corpus_folder(seed: int = SEED) -> Path:
    """Return the folder of the shards that belong to the present recordings and code, and to the songs of a seed."""
    here = Path(__file__).parent
    sources = [
        *here.glob("rendering/*.py"),
        *here.glob("rules/*.py"),
        here / "songs.py",
        here / "sing.py",
        here / "singers.py",
        here / "voices.py",
    ]
    sources += [here / "score_labels.py", here / "targets.py", here / "examples.py"]
    recorded = [
        path.stem
        for speaker in SPEAKERS
        for path in (recording_path(speaker, utterance) for utterance in corpus(speaker, SEED))
        if path.exists()
    ]
    key = content_key(recorded, code_key(sources), seed)
    return cache_directory("examples", key)


def shard_paths(folder: Path) -> list[Path]:
    """Return the finished shards of a folder in order."""
    return sorted(folder.glob("[0-9]*.npz"))


def sung_examples(voice: Voice, seed: int, count: int) -> Iterator[SungExample]:
    """Sing ``count`` random songs; those louder than full scale are left out and counted.

    Raises:
        RuntimeError: more than a tenth of the songs came out too loud.
    """
    generator = np.random.default_rng(seed)
    runs = {language: _shuffled(found, generator) for language, found in _by_language(voice.runs).items()}
    shares = np.array([len(found) for found in _by_language(voice.runs).values()], np.float64)
    loud = 0
    for _ in range(count):
        language = generator.choice(list(runs), p=shares / shares.sum())
        chosen = [next(runs[language]) for _ in range(int(generator.integers(*_RUNS_A_PHRASE)))]
        neutral = generator.random() < _NEUTRAL_GENDER
        gender = 0.0 if neutral else float(generator.uniform(-1.0, 1.0))
        velocity = 1.0 if generator.random() < _NEUTRAL_VELOCITY else float(2.0 ** generator.uniform(-1.0, 1.0))
        song = compose(chosen, voice.comfortable, generator)
        example = sing(song, voice, gender, generator, velocity)
        if np.abs(example.audio).max() > _LOUDEST:
            loud += 1
            continue
        yield example
    if loud > 0.1 * count:
        raise RuntimeError(f"{loud} of {count} songs exceed full scale: lower the level of vowels")


def _by_language(runs: tuple[Run, ...]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(BY_SYMBOL[run.phonemes[0]].language or "", []).append(run)
    return found


def _shuffled(runs: list[Run], generator: np.random.Generator) -> Iterator[Run]:
    while True:
        for i in generator.permutation(len(runs)):
            yield runs[int(i)]


@cache
def _voice(speaker: str) -> Voice:
    return load_voice(speaker)


def _render_shard(folder: Path, seed: int, speaker: str, number: int) -> tuple[int, float]:
    path = folder / f"{number:04d}-{speaker}.npz"
    if path.exists():
        return 0, 0.0
    voice = _voice(speaker)
    examples = list(sung_examples(voice, content_seed(seed, speaker, number), SHARD_EXAMPLES))
    save_examples(path, examples)
    return SHARD_EXAMPLES - len(examples), sum(len(e.audio) for e in examples) / 44100.0


def content_seed(seed: int, speaker: str, number: int) -> int:
    """Return the seed of a shard."""
    return int(content_key(seed, speaker, number), 16) % 2**32


def main() -> None:
    """Render what is missing and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=480)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=SEED, help="of the songs")
    arguments = parser.parse_args()
    folder = corpus_folder(arguments.seed)
    started = time.monotonic()
    jobs = [(speaker, number) for number in range(-(-arguments.examples // SHARD_EXAMPLES)) for speaker in SPEAKERS]
    loud, sung = 0, 0.0
    with pool(arguments.processes) as rendering:
        speakers, numbers = zip(*jobs, strict=True)
        render = partial(_render_shard, folder, arguments.seed)
        for rejected, seconds in rendering.map(render, speakers, numbers):
            loud, sung = loud + rejected, sung + seconds
            print(f"  {sung / 60:.1f} min, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{len(shard_paths(folder))} shards, {loud} songs too loud")
    print(folder)


if __name__ == "__main__":
    main()
