"""What was sung and how it should sound: the common form of a voicebank's and a teacher's singing.

A song's clock counts seconds from its beat 0; frames are those of the voicebank's acoustic model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from singsynth_mcp.performance.model import PhraseNote, Role

UNVOICED = frozenset(
    ["k", "ky", "kw", "s", "sh", "t", "ty", "ts", "ch", "h", "hy", "hh", "f", "fy", "p", "py", "cl", "q", "th", "x"]
)
"""Names of consonants sung without voice, as inventories of voicebanks write them."""


@dataclass(frozen=True)
class TimedPhoneme:
    """A phoneme in a phrase's frames."""

    symbol: str
    role: Role
    first: int
    stop: int

    @property
    def name(self) -> str:
        """The symbol without its language."""
        return self.symbol.rpartition("/")[2].lower()

    @property
    def voiced(self) -> bool:
        """Whether it is sung with the voice."""
        return self.role == "vowel" or (self.role == "consonant" and self.name not in UNVOICED)


@dataclass(frozen=True, eq=False)
class SungPhrase:
    """A phrase's samples and labels, ``T`` frames; sample 0 is where frame 0 starts."""

    audio: np.ndarray
    """float32 [T * hop]."""
    sample_rate: int
    hop: int
    start_s: float
    """Of sample 0, on the song's clock."""
    f0: np.ndarray
    """float32 [T] Hz: what was asked for, continuous everywhere."""
    phonemes: tuple[TimedPhoneme, ...]
    voiced: np.ndarray
    """bool [T]: the labels' voicing."""
    mel: np.ndarray | None = None

    @property
    def stop_s(self) -> float:
        """The end on the song's clock."""
        return self.start_s + len(self.audio) / self.sample_rate

    @property
    def frame_s(self) -> float:
        """Seconds a frame."""
        return self.hop / self.sample_rate

    def frames_with(self, *roles: Role) -> np.ndarray:
        """Return bool [T]: frames of phonemes of these roles."""
        chosen = np.zeros(len(self.f0), bool)
        for phoneme in self.phonemes:
            if phoneme.role in roles:
                chosen[phoneme.first : phoneme.stop] = True
        return chosen


def label_voicing(phonemes: Sequence[TimedPhoneme], frames: int) -> np.ndarray:
    """Return bool [frames] from the phonemes alone."""
    voiced = np.zeros(frames, bool)
    for phoneme in phonemes:
        voiced[phoneme.first : phoneme.stop] = phoneme.voiced
    return voiced


@dataclass(frozen=True, eq=False)
class Singing:
    """A song, or a line of it, as it was sung."""

    phrases: tuple[SungPhrase, ...]
    notes: tuple[PhraseNote, ...]
    """On the song's clock, transposed."""
    lines: tuple[tuple[float, float], ...]
    """Where each line of the song starts and ends."""
    seconds_of_work: float = 0.0
    """Wall time that acoustic model and vocoder took."""
    cpu_seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def sample_rate(self) -> int:
        """Of all phrases."""
        return self.phrases[0].sample_rate

    @property
    def lead_s(self) -> float:
        """Where beat 0 lies in the mix."""
        return max(0.0, -min(phrase.start_s for phrase in self.phrases))

    def mix(self) -> np.ndarray:
        """Return float32 [samples]: the phrases summed, beat 0 at ``lead_s``."""
        rate, lead = self.sample_rate, self.lead_s
        places = [round((phrase.start_s + lead) * rate) for phrase in self.phrases]
        size = max(place + len(phrase.audio) for place, phrase in zip(places, self.phrases, strict=True))
        mixed = np.zeros(size, np.float32)
        for place, phrase in zip(places, self.phrases, strict=True):
            mixed[place : place + len(phrase.audio)] += phrase.audio
        return mixed

    def line_audio(self, edge_s: float = 0.4) -> Iterator[np.ndarray]:
        """Yield each line's samples with some room around it."""
        mixed, rate, lead = self.mix(), self.sample_rate, self.lead_s
        for start, stop in self.lines:
            yield mixed[max(0, round((start + lead - edge_s) * rate)) : round((stop + lead + edge_s) * rate)]
