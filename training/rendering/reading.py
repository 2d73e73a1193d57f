"""Where in a recording each moment of a song is read: consonants as they were, vowels held alive.

A vowel longer than it was spoken keeps its own beginning and end; between them the reading
position wanders about its most stable frame, so that the spectrum goes on moving as a sung vowel
does.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.analysis.voicing import FRAME_SECONDS as ANALYSIS_SECONDS
from training.examples import HOP_SIZE, SAMPLE_RATE, STEPS
from training.inventory import BY_SYMBOL
from training.rules.noise import smooth_noise

if TYPE_CHECKING:
    from training.songs import SungPhoneme
    from training.store import Recording

STEP_SAMPLES = HOP_SIZE // STEPS
STEP_SECONDS = STEP_SAMPLES / SAMPLE_RATE
_HELD_FROM = 1.1
ASPIRATION_SECONDS = {"ja": 0.022, "en": 0.055}
"""The most aspiration a stop keeps, by language: the teacher's 40-80 ms are not Japanese (k 25-30 ms, t 15-25,
p 10-15: Shimizu, A study of VOT of stops in six Asian languages, 1996) and would blur the beat; English has 55-80
(Lisker and Abramson, A cross-language study of voicing in initial stops, Word 20, 1964)."""
_CENTRE = (0.30, 0.55)
_CENTRE_OF_DIPHTHONG = (0.22, 0.40)
_DIPHTHONGS = frozenset(("en/aw", "en/ay", "en/ey", "en/ow", "en/oy"))
_CENTRE_BEFORE_PAUSE = (0.30, 0.42)
_WANDER_HZ, _WANDER_SECONDS, _MOST_WANDER_SECONDS = 1.2, 0.010, 0.020
_WANDER_FADE_SECONDS = 0.050
_RELEASE_SECONDS, _ATTACK_SECONDS = 0.060, 0.012


@dataclass(frozen=True)
class Reading:
    """What is read at each step of 256 samples, ``S`` steps.

    ``recording`` int64 [S] (-1: nothing), ``seconds`` float64 [S] in the recording, ``phoneme``
    int64 [S] index of the song's phoneme, ``presence`` float64 [S] in 0 .. 1: below 1 where a run
    of phonemes fades in before its first and out after its last.
    """

    recording: np.ndarray
    seconds: np.ndarray
    phoneme: np.ndarray
    presence: np.ndarray


def step_times(steps: int) -> np.ndarray:
    """Return float64 [steps]: the seconds that steps are centred on."""
    return (np.arange(steps) + 0.5) * STEP_SECONDS


def read_song(
    phonemes: tuple[SungPhoneme, ...],
    recordings: dict[int, Recording],
    steps: int,
    velocity: float,
    generator: np.random.Generator,
) -> Reading:
    """Plan the reading of a song; step ``j`` is centred on sample ``256 j + 128``.

    ``velocity`` is how fast vowels are entered and left, 1 as they were spoken.
    """
    times = step_times(steps)
    ends = np.array([phoneme.end for phoneme in phonemes])
    index = np.minimum(np.searchsorted(ends, times, side="right"), len(phonemes) - 1)
    source = np.full(steps, -1)
    seconds = np.zeros(steps)
    wander = _wander(steps, generator)
    for number, phoneme in enumerate(phonemes):
        if phoneme.source is None:
            continue
        here = np.flatnonzero(index == number)
        recording = recordings[phoneme.source[0]]
        following = phonemes[number + 1] if number + 1 < len(phonemes) else None
        pause = following is None or following.source is None
        source[here] = phoneme.source[0]
        elapsed = times[here] - phoneme.start
        seconds[here] = _positions(elapsed, phoneme, recording, velocity, wander[here], pause=pause)
    presence = np.where(source >= 0, 1.0, 0.0)
    for before, after in itertools.pairwise(phonemes):
        _fade(times, before, after, recordings, source, seconds, presence)
    return Reading(source, seconds, index, presence)


def _fade(
    times: np.ndarray,
    before: SungPhoneme,
    after: SungPhoneme,
    recordings: dict[int, Recording],
    source: np.ndarray,
    seconds: np.ndarray,
    presence: np.ndarray,
) -> None:
    """Read on past the end of a run, and a little ahead of its start, fading."""
    edge = before.end
    if before.source is not None and after.source is None:
        length, inside, of = _RELEASE_SECONDS, (times >= edge), before.source
        place = recordings[of[0]].starts[of[1] + 1]
    elif before.source is None and after.source is not None:
        length, inside, of = _ATTACK_SECONDS, (times < edge), after.source
        place = recordings[of[0]].starts[of[1]]
    else:
        return
    here = np.flatnonzero(inside & (np.abs(times - edge) < length))
    source[here] = of[0]
    seconds[here] = place + times[here] - edge
    presence[here] = np.cos(0.5 * np.pi * np.abs(times[here] - edge) / length) ** 2


def _positions(
    elapsed: np.ndarray,
    phoneme: SungPhoneme,
    recording: Recording,
    velocity: float,
    wander: np.ndarray,
    *,
    pause: bool,
) -> np.ndarray:
    """Return seconds in the recording for seconds since the phoneme's start."""
    if phoneme.source is None:
        raise ValueError("a rest is not read from a recording")
    first, last = recording.starts[phoneme.source[1] : phoneme.source[1] + 2]
    spoken, sung = last - first, phoneme.end - phoneme.start
    burst, aspiration = float(recording.bursts[phoneme.source[1]]), aspiration_seconds(phoneme.symbol)
    if burst < last - aspiration:
        return _stop_positions(elapsed, sung, first, burst, last, min(aspiration, 0.5 * sung))
    if not BY_SYMBOL[phoneme.symbol].is_vowel or sung <= _HELD_FROM * spoken / max(velocity, 1.0):
        return first + elapsed * (spoken / sung)
    centre = _stable_moment(recording, first, last, _centre(phoneme.symbol, pause=pause))
    head, tail = (centre - first) / velocity, (last - centre) / velocity
    shrink = min(1.0, sung / (head + tail))
    head, tail, speed = head * shrink, tail * shrink, velocity / shrink
    held = np.minimum(elapsed - head, sung - tail - elapsed)
    fade = np.clip(held / _WANDER_FADE_SECONDS, 0.0, 1.0)
    position = np.where(elapsed < head, first + elapsed * speed, centre)
    position = np.where(elapsed > sung - tail, last - (sung - elapsed) * speed, position)
    return np.clip(position + np.where(held > 0.0, wander * fade, 0.0), first, last)


def aspiration_seconds(symbol: str) -> float:
    """Return how much aspiration a stop keeps."""
    return ASPIRATION_SECONDS[BY_SYMBOL[symbol].language or ""]


def _stop_positions(
    elapsed: np.ndarray, sung: float, first: float, burst: float, last: float, aspiration: float
) -> np.ndarray:
    """Read an aspirated stop with a short aspiration: its beginning and its end, not its middle."""
    closure = sung - aspiration
    shut = first + elapsed * (burst - first) / closure
    since = elapsed - closure
    opened = np.where(since < 0.5 * aspiration, burst + since, last - (aspiration - since))
    return np.where(elapsed < closure, shut, opened)


def _centre(symbol: str, *, pause: bool) -> tuple[float, float]:
    """Return between which shares of a vowel it is held: a diphthong on its first half, glide at the end."""
    if symbol in _DIPHTHONGS:
        return _CENTRE_OF_DIPHTHONG
    return _CENTRE_BEFORE_PAUSE if pause else _CENTRE


def _stable_moment(recording: Recording, first: float, last: float, centre: tuple[float, float]) -> float:
    """Return the second within a vowel, between two shares of it, where its spectrum changes least."""
    low, high = centre
    left = int((first + low * (last - first)) / ANALYSIS_SECONDS)
    right = max(int((first + high * (last - first)) / ANALYSIS_SECONDS), left + 1)
    right = min(right, recording.envelope.shape[1] - 2)
    left = min(left, right - 1)
    level = recording.envelope.shape[0] // 2
    part = recording.envelope[level, max(left - 1, 0) : right + 2, ::4].astype(np.float32)
    change = np.abs(part[2:] - part[:-2]).mean(axis=1)
    return float((left + int(np.argmin(change))) * ANALYSIS_SECONDS)


def _wander(steps: int, generator: np.random.Generator) -> np.ndarray:
    """Return float64 [steps] seconds by which the reading position moves while a vowel is held."""
    noise = smooth_noise(steps, STEP_SECONDS, _WANDER_HZ, generator)
    return np.clip(noise * _WANDER_SECONDS, -_MOST_WANDER_SECONDS, _MOST_WANDER_SECONDS)
