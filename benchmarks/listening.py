"""Listen to a rendering: is it in tune, on time and clean? Measured on the audio alone, against the written notes.

Definitions (media/measures.py, media/clicks.py hold the code):

* pitch: WORLD's harvest and stonemask, 5 ms frames. A note's body is the note without its first 120 ms and its last
  60 ms (15 % at either end of a short note). A note is in tune when the median of the frames of its body that are
  voiced and sound like its vowel (80 to 1500 Hz within 15 dB of the body's loudest frame: the next syllable's consonant
  begins inside the note) lies within 20 cents of the written pitch. A note with few such frames is not in tune.
* vowel onset: for syllables that begin with k s t p h sh ch ts (kana of the か さ た は ぱ rows and their y-forms, not
  ふ), where the energy between 300 and 1500 Hz, in dB, rises most steeply within 80 ms of the written onset. On time is
  within 30 ms.
* clean: no sample at full scale, none that is not finite, no click.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyworld

from singsynth_mcp.media.clicks import clicks
from singsynth_mcp.media.measures import (
    NotePitch,
    clipped_samples,
    note_levels_db,
    note_pitches,
    rest_level_db,
    unfinite_samples,
    vowel_levels_db,
    vowel_onset,
)
from singsynth_mcp.performance.model import PhraseNote

IN_TUNE_CENTS = 20.0
ON_TIME_S = 0.03
SHARE = 0.9
"""Of the notes and of the syllables that must be in tune and on time."""
MEASURED_ONSETS = frozenset("かきくけこさしすせそたちつてとはひへほぱぴぷぺぽ")
_FRAME_S = 0.005
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 1200.0


@dataclass(frozen=True)
class Listening:
    """What was heard."""

    notes: int
    in_tune: float
    """Share of the notes."""
    median_cents: float
    """Of the absolute deviations."""
    worst_cents: float
    onsets: int
    on_time: float
    """Share of the measured syllables."""
    median_onset_ms: float
    """Signed: positive is late."""
    worst_onset_ms: float
    clipped: int
    unfinite: int
    clicks: tuple[float, ...]
    """Their times in the audio."""
    level_spread_db: float
    """Between the 10th and the 90th percentile of the notes' levels."""
    rest_db: float | None
    """Level of the rests relative to the notes' median level."""
    out_of_tune: tuple[str, ...]
    """Note, lyric, second and cents of those that are not in tune."""
    off_time: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything that is asked of a rendering holds."""
        clean = not (self.clipped or self.unfinite or self.clicks)
        return clean and self.in_tune >= SHARE and (not self.onsets or self.on_time >= SHARE)

    def table(self) -> str:
        """Return the measures as lines of text."""
        rest = "-" if self.rest_db is None else f"{self.rest_db:.1f} dB"
        rows = [
            ("notes in tune (20 cents)", f"{self.in_tune:.1%} of {self.notes}", f"≥ {SHARE:.0%}"),
            ("  deviation, median / worst", f"{self.median_cents:.1f} / {self.worst_cents:.0f} cents", ""),
            ("vowels on time (30 ms)", f"{self.on_time:.1%} of {self.onsets}", f"≥ {SHARE:.0%}"),
            ("  lateness, median / worst", f"{self.median_onset_ms:+.0f} / {self.worst_onset_ms:+.0f} ms", ""),
            ("samples clipped / not finite", f"{self.clipped} / {self.unfinite}", "0"),
            ("clicks", str(len(self.clicks)), "0"),
            ("spread of note levels", f"{self.level_spread_db:.1f} dB", ""),
            ("rests below notes", rest, ""),
        ]
        lines = [f"{name:<30}{value:>22}  {bar}".rstrip() for name, value, bar in rows]
        details = [f"  click at {time:.3f} s" for time in self.clicks[:10]]
        details += [f"  out of tune: {text}" for text in self.out_of_tune[:10]]
        details += [f"  off time: {text}" for text in self.off_time[:10]]
        return "\n".join([*lines, *details, "passed" if self.passed else "FAILED"])


def listen(audio: npt.NDArray[np.floating], sample_rate: int, notes: Sequence[PhraseNote]) -> Listening:
    """Measure a rendering, float [samples], of `notes`, whose seconds count from the audio's first sample."""
    finite = np.nan_to_num(np.asarray(audio, np.float64))
    f0_hz = track_pitch(finite, sample_rate)
    levels_db = vowel_levels_db(finite, sample_rate, _FRAME_S, len(f0_hz))
    pitches = note_pitches(f0_hz, _FRAME_S, notes, levels_db=levels_db)
    lateness = {
        index: vowel_onset(finite, sample_rate, note.start_s) - note.start_s
        for index, note in enumerate(notes)
        if note.lyric[:1] in MEASURED_ONSETS
    }
    cents = np.array([1200.0 if pitch.cents is None else pitch.cents for pitch in pitches])
    late = np.array(list(lateness.values()) or [0.0])
    levels = np.array(note_levels_db(finite, sample_rate, notes))
    rest = rest_level_db(finite, sample_rate, notes)
    return Listening(
        notes=len(notes),
        in_tune=float(np.mean(np.abs(cents) <= IN_TUNE_CENTS)),
        median_cents=float(np.median(np.abs(cents))),
        worst_cents=float(np.abs(cents).max()),
        onsets=len(lateness),
        on_time=float(np.mean(np.abs(late) <= ON_TIME_S)),
        median_onset_ms=1000 * float(np.median(late)),
        worst_onset_ms=1000 * float(late[np.abs(late).argmax()]),
        clipped=clipped_samples(finite),
        unfinite=unfinite_samples(audio),
        clicks=tuple(clicks(finite, sample_rate)),
        level_spread_db=float(np.subtract(*np.percentile(levels, [90, 10]))),
        rest_db=None if rest is None else rest - float(np.median(levels)),
        out_of_tune=tuple(_out_of_tune(pitches)),
        off_time=tuple(
            f"{notes[index].lyric} at {notes[index].start_s:.2f} s: {1000 * seconds:+.0f} ms"
            for index, seconds in lateness.items()
            if abs(seconds) > ON_TIME_S
        ),
    )


def track_pitch(audio: npt.NDArray[np.float64], sample_rate: int) -> npt.NDArray[np.float64]:
    """Return f0 in Hz, [frames of 5 ms], 0 where unvoiced, by WORLD's harvest refined by stonemask."""
    rough, times = pyworld.harvest(
        audio, sample_rate, f0_floor=_LOWEST_HZ, f0_ceil=_HIGHEST_HZ, frame_period=1000 * _FRAME_S
    )
    refined: npt.NDArray[np.float64] = pyworld.stonemask(audio, rough, times, sample_rate)
    return refined


def _out_of_tune(pitches: Sequence[NotePitch]) -> list[str]:
    return [
        f"{pitch.note.lyric} ({pitch.note.midi:g}) at {pitch.note.start_s:.2f} s: "
        + ("unvoiced" if pitch.cents is None else f"{pitch.cents:+.0f} cents")
        for pitch in pitches
        if pitch.cents is None or abs(pitch.cents) > IN_TUNE_CENTS
    ]
