"""Numbers of a performance, mel and audio, gathered phrase by phrase: what inspect_performance answers with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from singsynth_mcp.media.clicks import clicks
from singsynth_mcp.media.loudness import LoudnessMeter, decibels
from singsynth_mcp.media.measures import clipped_samples, note_levels_db, note_pitches, unfinite_samples
from singsynth_mcp.performance.model import AudioPhrase, MelPhrase, Phrase

if TYPE_CHECKING:
    import numpy.typing as npt

IN_TUNE_CENTS = 20.0
PADDING_FRAMES = 8
"""Frames of a pitch curve before the first phoneme."""


class PerformanceFindings:
    """How far a performance's pitch and phonemes are from what is written."""

    def __init__(self) -> None:
        self._notes = self._phonemes = 0
        self._cents: list[float] = []
        self._anchor_errors_s: list[float] = []
        self._lengths_s: list[float] = []
        self._consonants_s: list[float] = []
        self._range: list[float] = []

    def add(self, phrase: Phrase, frame_s: float) -> None:
        """Take a phrase at whatever stage; `frame_s` is the pitch curve's."""
        import numpy as np

        self._notes += len(phrase.notes)
        self._phonemes += len(phrase.phonemes)
        bounds = phrase.boundaries_s
        if bounds is None:
            return
        lengths = np.diff(bounds)
        self._lengths_s += lengths.tolist()
        consonants = [length for item, length in zip(phrase.phonemes, lengths, strict=True) if item.role == "consonant"]
        self._consonants_s += [float(length) for length in consonants]
        anchors = [group for group in phrase.groups[1:] if group.first < len(phrase.phonemes)]
        self._anchor_errors_s += [abs(float(bounds[group.first]) - group.start_s) for group in anchors]
        if phrase.pitch is not None:
            start_s = float(bounds[0]) - PADDING_FRAMES * frame_s
            sung = note_pitches(440 * 2 ** ((phrase.pitch - 69) / 12), frame_s, phrase.notes, first_frame_s=start_s)
            self._cents += [abs(note.cents) for note in sung if note.cents is not None]
            self._range += [float(phrase.pitch.min()), float(phrase.pitch.max())]

    def measures(self) -> dict[str, float]:
        """Return the numbers, those of stages that have not run left out."""
        import numpy as np

        found: dict[str, float] = {"notes": self._notes, "phonemes": self._phonemes}
        if self._lengths_s:
            found["shortest_phoneme_ms"] = 1000 * min(self._lengths_s)
            found["vowel_start_error_max_ms"] = 1000 * max(self._anchor_errors_s, default=0.0)
        if self._consonants_s:
            found["consonant_median_ms"] = 1000 * float(np.median(self._consonants_s))
        if self._cents:
            found["pitch_median_cents"] = float(np.median(self._cents))
            found["pitch_p90_cents"] = float(np.percentile(self._cents, 90))
            found["notes_within_20_cents_percent"] = 100 * float(np.mean(np.array(self._cents) <= IN_TUNE_CENTS))
            found["pitch_lowest_midi"], found["pitch_highest_midi"] = min(self._range), max(self._range)
        return found


class MelFindings:
    """The size and range of a mel."""

    def __init__(self) -> None:
        self._frames = self._unfinite = 0
        self._range: list[float] = []

    def add(self, mel: MelPhrase) -> None:
        """Take a phrase's mel."""
        self._frames += len(mel.mel)
        self._unfinite += unfinite_samples(mel.mel)
        if len(mel.mel):
            self._range += [float(mel.mel.min()), float(mel.mel.max())]

    def measures(self) -> dict[str, float]:
        """Return the numbers."""
        found: dict[str, float] = {"mel_frames": self._frames, "mel_values_not_finite": self._unfinite}
        if self._range:
            found["mel_lowest"], found["mel_highest"] = min(self._range), max(self._range)
        return found


class AudioFindings:
    """The levels of audio and what is wrong with it."""

    def __init__(self, sample_rate: int) -> None:
        self._meter = LoudnessMeter(sample_rate, 1)
        self._peak = 0.0
        self._clipped = self._unfinite = self._clicks = 0
        self._levels_db: list[float] = []

    def add(self, audio: AudioPhrase, phrase: Phrase | None) -> None:
        """Take a phrase's audio and, where it is known, what it sings."""
        import numpy as np

        samples: npt.NDArray[Any] = np.nan_to_num(audio.audio)
        self._meter.add(samples[:, np.newaxis])
        self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))
        self._clipped += clipped_samples(samples)
        self._unfinite += unfinite_samples(audio.audio)
        self._clicks += len(clicks(samples, audio.sample_rate))
        if phrase is not None:
            notes = [replace(note, start_s=note.start_s - audio.offset_s) for note in phrase.notes]
            self._levels_db += note_levels_db(samples, audio.sample_rate, notes)

    def measures(self) -> dict[str, float]:
        """Return the numbers; no loudness for silence."""
        import numpy as np

        found: dict[str, float] = {
            "peak_dbfs": decibels(self._peak),
            "clipped_samples": self._clipped,
            "samples_not_finite": self._unfinite,
            "clicks": self._clicks,
        }
        loudness = self._meter.integrated()
        if loudness is not None:
            found["loudness_lufs"] = loudness
        if self._levels_db:
            found["note_level_spread_db"] = float(np.subtract(*np.percentile(self._levels_db, [90, 10])))
        return found
