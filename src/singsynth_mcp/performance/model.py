"""One singer's rendering of a part, growing stage by stage: align → durations → pitch → variance.

A performance is a header and phrases. Times inside a phrase are seconds from the phrase's origin, which is the written
onset of its first note; where the phrase lies in the song stands in the manifest alone, so that equal phrases are equal
blobs. Arrays of a phrase are per phoneme or per frame of the voicebank's acoustic model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Role = Literal["vowel", "consonant", "rest", "breath"]
RetakenStage = Literal["pitch", "variance"]
Pin = tuple[tuple[float, float], ...]
"""A stretch that predictions keep: (seconds, value) points from its first to its last; the later of two counts."""
Curve = float | tuple[tuple[float, float], ...]
"""A constant, or (time, value) points, linear between; in a phrase, time is seconds from its origin."""


@dataclass(frozen=True)
class PhraseNote:
    """A played note inside a phrase."""

    note_id: str
    pass_number: int
    start_s: float
    duration_s: float
    midi: float
    """What is sung: written pitch plus transposition."""
    lyric: str
    """The text, with a hyphen where the word goes on; "+~" on a melisma's continuation."""

    @property
    def syllable(self) -> str:
        """The text without that hyphen; empty where the note continues one."""
        return "" if self.lyric.startswith("+") else self.lyric.removesuffix("-")

    @property
    def goes_on(self) -> bool:
        """Whether the next syllable is of the same word."""
        return self.lyric.endswith("-")

    @property
    def key(self) -> str:
        """The note and which pass over it, as edits name it: "n12@1"."""
        return f"{self.note_id}@{self.pass_number}"


@dataclass(frozen=True)
class Phoneme:
    """A symbol of the voicebank's own inventory."""

    symbol: str
    language: str
    """As in the voicebank's languages.json; "" for SP, AP and other global symbols."""
    role: Role
    note: int
    """Index into the phrase's notes of the note it belongs to; a rest belongs to the note before it."""
    index: int
    """Position among the phonemes of its note, from 0: with the note's id and pass it addresses a pin."""


@dataclass(frozen=True)
class Group:
    """Phonemes that share an anchor in time: a vowel with what follows it, or a rest.

    The first group holds the consonants before the first vowel and may be empty; it has no anchor of its own: its
    phonemes end where the second group starts (OpenUtau's head group without its SP).
    """

    first: int
    """Index of its first phoneme; the group ends where the next begins."""
    start_s: float
    """Anchor: its first phoneme starts here, on the written onset."""
    midi: float
    """The tone that the duration model is told."""


@dataclass(frozen=True)
class Retake:
    """A stretch that is predicted once more, with noise of its own; the rest of the phrase stays as it was."""

    start_s: float
    end_s: float
    seed: int


@dataclass(frozen=True)
class Nudge:
    """A stretch of pitch that is moved as a whole, whatever is predicted there."""

    start_s: float
    end_s: float
    semitones: float
    after: int
    """How many of the phrase's pitch pins it moves too: those set before it. A later pin is not moved."""


@dataclass(frozen=True, eq=False)
class Phrase:
    """The unit of inference, caching and streaming; None means that the stage has not run."""

    notes: tuple[PhraseNote, ...]
    phonemes: tuple[Phoneme, ...]
    """Without the SP padding that synthesis adds at both ends."""
    groups: tuple[Group, ...]
    end_s: float
    """Where the last group ends: the end of the last note."""
    head_s: float = 0.5
    """Room before the origin that the leading consonants may take."""
    speaker: Mapping[str, Curve] = field(default_factory=dict)
    """Weights by speaker name; empty for a voicebank without speakers."""
    controls: Mapping[str, Curve] = field(default_factory=dict)
    dynamics_db: Curve = 0.0
    """Gain of the score's dynamics and hairpins; the control `dynamics` says how far it is followed."""
    boundary_pins: tuple[tuple[int, float], ...] = ()
    """(phoneme, seconds) where that phoneme starts whatever is predicted, by rising phoneme."""
    pitch_pins: tuple[Pin, ...] = ()
    """Stretches of pitch, in MIDI numbers, that predictions keep."""
    nudges: tuple[Nudge, ...] = ()
    variance_pins: Mapping[str, tuple[Pin, ...]] = field(default_factory=dict)
    """Stretches of a variance curve, in its own unit, that predictions keep."""
    retakes: Mapping[RetakenStage, tuple[Retake, ...]] = field(default_factory=dict)
    """Taken one after the other."""
    boundaries_s: npt.NDArray[np.float64] | None = None
    """[len(phonemes) + 1] start of each phoneme and the end of the last; set by predict_durations."""
    pitch: npt.NDArray[np.float32] | None = None
    """[frames] MIDI note number; frame 0 lies 8 frames before boundaries_s[0]; set by predict_pitch."""
    variance: Mapping[str, npt.NDArray[np.float32]] | None = None
    """Name → [frames], the model's own unit; set by predict_variance (empty where the voicebank has none)."""


def unedited(phrase: Phrase) -> Phrase:
    """Return a phrase without the pins, retakes and gain that only its predictions and its audio heed."""
    return replace(phrase, dynamics_db=0.0, boundary_pins=(), pitch_pins=(), nudges=(), variance_pins={}, retakes={})


@dataclass(frozen=True)
class PerformanceHeader:
    """What holds for a whole performance."""

    score: str
    """Artifact id."""
    part: str
    verse: int | None
    voicebank: str
    voicebank_digest: str
    language: str
    seed: int = 0
    warnings: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, eq=False)
class MelPhrase:
    """What synthesize_audio makes of a phrase."""

    mel: npt.NDArray[np.float32]
    """[frames, bins], as the voicebank's acoustic model defines it."""
    f0_hz: npt.NDArray[np.float32]
    """[frames] what the vocoder is to sing."""
    offset_s: float
    """Start of frame 0 relative to the phrase's origin; negative."""


@dataclass(frozen=True, eq=False)
class AudioPhrase:
    """What vocode makes of a phrase; phrases are summed where they overlap."""

    audio: npt.NDArray[np.float32]
    """[samples], -1…1, faded at both ends."""
    sample_rate: int
    offset_s: float
    """Time of sample 0 relative to the phrase's origin; negative."""
