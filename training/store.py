"""The parameter store: what singing is rendered from.

One npz per utterance in the cache: ``python -m training.store [--processes 2]`` makes what is
missing from the teacher's speech and reports how much was rejected, and why.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from training.analysis.labels import burst_times, mend_boundaries, token_boundaries
from training.analysis.onsets import BAND_HZ, HISS_HZ, STEP_SECONDS, VOWEL_HZ, band_energy_db
from training.analysis.parameters import analyse
from training.analysis.voicing import FRAME_SECONDS, by_labels, periodic_frames, voiced_share
from training.cache import cache_directory, code_key, content_key
from training.inventory import BY_SYMBOL, SILENCE
from training.processes import pool
from training.singers import SINGERS, SPEAKERS
from training.speak import SEED, speech_path
from training.teacher.model import SAMPLE_RATE as SPEECH_RATE
from training.teacher.utterances import Utterance, corpus

_DEVOICED = 0.5
_MOST_SNAPPED_SECONDS = 0.048


@dataclass(frozen=True)
class Recording:
    """The parameters of one utterance, 5 ms frames ``F``, ``n`` phonemes, ``L`` pitch levels."""

    phonemes: tuple[str, ...]
    starts: np.ndarray
    """float64 [n + 1] seconds."""
    bursts: np.ndarray
    """float64 [n] seconds: where an unvoiced stop opens; else the phoneme's end."""
    fault: tuple[str, ...]
    """[n]: why a phoneme must not be sung, "" where it may."""
    loudness: np.ndarray
    """float32 [n] dB: 85th percentile of the 200-3000 Hz energy, mean of the levels."""
    levels_hz: tuple[float, ...]
    envelope: np.ndarray
    """float16 [L, F, 256] log amplitude."""
    aperiodicity: np.ndarray
    """float16 [F, 64], 0 .. 1, mean of the levels."""
    voiced: np.ndarray
    """bool [F]."""


def recording_path(speaker: str, utterance: Utterance) -> Path:
    """Return where an utterance's parameters lie."""
    here = Path(__file__).parent
    code = code_key([*(here / "analysis").glob("*.py"), here / "store.py"])
    key = content_key(speech_path(speaker, utterance).stem, code)
    return cache_directory("parameters", speaker) / f"{key}.npz"


def make_recording(speaker: str, utterance: Utterance) -> Recording:
    """Analyse the speech of an utterance."""
    levels = SINGERS[speaker].levels_hz
    with np.load(speech_path(speaker, utterance)) as speech:
        audios = [speech[f"audio_{level:.0f}"].astype(np.float64) / 32768.0 for level in levels]
        token_frames = speech["token_frames"]
    frames = int(len(audios[0]) / SPEECH_RATE / FRAME_SECONDS)
    energy = _mean_energy_db(audios, BAND_HZ)
    tokens = token_boundaries(utterance, token_frames, len(audios[0]) / SPEECH_RATE)
    starts = mend_boundaries(
        utterance.phonemes, tokens, energy, _mean_energy_db(audios, VOWEL_HZ), _mean_energy_db(audios, HISS_HZ)
    )
    votes = [periodic_frames(audio, SPEECH_RATE, level, frames) for audio, level in zip(audios, levels, strict=True)]
    heard = np.mean(votes, axis=0) > 0.5
    voiced = by_labels(heard, utterance.phonemes, starts)
    readings = [analyse(audio, SPEECH_RATE, level, voiced) for audio, level in zip(audios, levels, strict=True)]
    return Recording(
        utterance.phonemes,
        starts,
        burst_times(utterance.phonemes, starts, energy),
        _faults(utterance.phonemes, tokens, starts, heard),
        _loudness(starts, energy),
        levels,
        np.stack([reading.envelope for reading in readings]).astype(np.float16),
        np.mean([reading.aperiodicity for reading in readings], axis=0).astype(np.float16),
        voiced,
    )


def _mean_energy_db(audios: list[np.ndarray], band_hz: tuple[float, float]) -> np.ndarray:
    return np.asarray(np.mean([band_energy_db(audio, SPEECH_RATE, band_hz) for audio in audios], axis=0))


def _faults(phonemes: tuple[str, ...], tokens: np.ndarray, starts: np.ndarray, heard: np.ndarray) -> tuple[str, ...]:
    """Name what is wrong with a phoneme: a whispered vowel, an onset far from where it should be."""
    faults = []
    for i, symbol in enumerate(phonemes):
        fault = ""
        if symbol != SILENCE and BY_SYMBOL[symbol].is_vowel:
            length = starts[i + 1] - starts[i]
            core = starts[i] + 0.15 * length, starts[i] + 0.85 * length
            if voiced_share(heard, *core) < _DEVOICED:
                fault = "devoiced"
            elif abs(starts[i] - tokens[i]) > _MOST_SNAPPED_SECONDS:
                fault = "onset"
            elif length < 0.05:
                fault = "short"
        faults.append(fault)
    return tuple(faults)


def _loudness(starts: np.ndarray, energy_db: np.ndarray) -> np.ndarray:
    levels = []
    for start, end in pairwise(starts):
        first = round(start / STEP_SECONDS)
        part = energy_db[first : max(round(end / STEP_SECONDS), first + 1)]
        levels.append(np.percentile(part, 85) if len(part) else -60.0)
    return np.array(levels, np.float32)


def write_recording(path: Path, recording: Recording) -> None:
    """Write a recording under a temporary name, then rename it."""
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **{name: np.asarray(v) for name, v in recording.__dict__.items()})
    temporary.replace(path)


def read_recording(path: Path) -> Recording:
    """Read a recording."""
    with np.load(path) as archive:
        values = {name: archive[name] for name in archive.files}
    for name in ("phonemes", "fault"):
        values[name] = tuple(str(value) for value in values[name])
    values["levels_hz"] = tuple(float(value) for value in values["levels_hz"])
    return Recording(**values)


def recordings(speaker: str) -> list[Recording]:
    """Return every recording that there is, in the corpus's order."""
    paths = (recording_path(speaker, utterance) for utterance in corpus(speaker, SEED))
    return [read_recording(path) for path in paths if path.exists()]


def _work(speaker: str, utterance: Utterance) -> Counter[str]:
    path = recording_path(speaker, utterance)
    if not path.exists():
        write_recording(path, make_recording(speaker, utterance))
    recording = read_recording(path)
    vowels = [f for s, f in zip(recording.phonemes, recording.fault, strict=True) if s != SILENCE]
    return Counter(fault or "sound" for fault in vowels)


def main() -> None:
    """Analyse what is missing and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    processes = parser.parse_args().processes
    for speaker in SPEAKERS:
        spoken = [u for u in corpus(speaker, SEED) if speech_path(speaker, u).exists()]
        started = time.monotonic()
        faults: Counter[str] = Counter()
        with pool(processes) as measuring:
            for counts in measuring.map(_work, [speaker] * len(spoken), spoken, chunksize=4):
                faults.update(counts)
        seconds = time.monotonic() - started
        print(f"{speaker}: {len(spoken)} utterances in {seconds:.0f} s; phonemes {dict(faults)}")


if __name__ == "__main__":
    main()
