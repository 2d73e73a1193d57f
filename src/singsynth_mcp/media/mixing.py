"""Mixing: phrases of several tracks become one stream of blocks, so that no song is ever whole in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from singsynth_mcp.performance.model import AudioPhrase

if TYPE_CHECKING:
    import numpy.typing as npt

    Block = npt.NDArray[Any]
    """float32 [samples, channels]"""

BLOCK_SAMPLES = 65_536
"""libsndfile's Vorbis writer crashes on much larger pieces."""


class Placed(Protocol):
    """What has a place in the song: a phrase, or what is known of one."""

    @property
    def first_seconds(self) -> float:
        """Where its audio begins in the song."""

    @property
    def stop_seconds(self) -> float:
        """Where its audio ends in the song."""

    @property
    def sample_rate(self) -> int:
        """Of its audio."""


@dataclass(frozen=True)
class PlacedPhrase:
    """A phrase's audio and where its origin lies in the song."""

    start_seconds: float
    phrase: AudioPhrase

    @property
    def first_seconds(self) -> float:
        """Where its audio begins in the song."""
        return self.start_seconds + self.phrase.offset_s

    @property
    def stop_seconds(self) -> float:
        """Where its audio ends in the song."""
        return self.first_seconds + len(self.phrase.audio) / self.sample_rate

    @property
    def sample_rate(self) -> int:
        """Of its audio."""
        return self.phrase.sample_rate


@dataclass(frozen=True)
class Track:
    """One singer in a mix."""

    phrases: Sequence[PlacedPhrase]
    """In the order of their start; each is asked for when it is about to sound, so they may be read on demand."""
    gain_db: float = 0.0
    pan: float = 0.0
    """-1 left … 1 right, constant power; a mix in which nothing is panned is mono."""
    offset_seconds: float = 0.0


@dataclass(frozen=True)
class Mix:
    """Tracks that sound together, and the format of their sum."""

    tracks: tuple[Track, ...]
    sample_rate: int
    """The highest of the tracks'; others are resampled to it."""
    channels: int
    lead_seconds: float
    """Time in the mix at which the song's beat 0 lies: room for what sounds before it."""
    seconds: float
    """Until the end of the last phrases."""

    @classmethod
    def of(cls, tracks: Sequence[Track], known: Sequence[Placed] = ()) -> Mix:
        """Look at the first and last phrase of each track to fix format, lead and length.

        known: the places of the only track's phrases, where no phrase need be read for them.
        """
        placed = [(track.offset_seconds, known or track.phrases) for track in tracks if track.phrases]
        # The first one last: it is what sounds next, and need not be read again.
        ends = [(offset, phrases[-1], phrases[0]) for offset, phrases in placed]
        starts = [offset + first.first_seconds for offset, _, first in ends]
        stops = [offset + last.stop_seconds for offset, last, _ in ends]
        lead = max(0.0, -min(starts, default=0.0))
        return cls(
            tracks=tuple(tracks),
            sample_rate=max((first.sample_rate for _, _, first in ends), default=44_100),
            channels=2 if any(track.pan for track in tracks) else 1,
            lead_seconds=lead,
            seconds=lead + max(stops, default=0.0),
        )

    def first_sample(self, track: Track, seconds: float) -> int:
        """Return the sample of the mix at which a track's `seconds` lie."""
        return round((seconds + (track.offset_seconds + self.lead_seconds)) * self.sample_rate)

    def blocks(self) -> Iterator[Block]:
        """Yield the mix, float32 [65 536, channels] and a shorter last block; empty for tracks without phrases."""
        import numpy as np

        waiting = [_Voice(self, track) for track in self.tracks]
        start = 0
        while any(voice.sounding(start) for voice in waiting):
            stop = start + BLOCK_SAMPLES
            block = np.zeros((BLOCK_SAMPLES, self.channels), np.float32)
            ends = [voice.add_to(block, start) for voice in waiting]
            last = not any(voice.sounding(stop) for voice in waiting)
            yield block[: max(ends) - start] if last else block
            start = stop


class _Voice:
    """A track on its way through the mix: the phrases that sound in the block at hand."""

    def __init__(self, mix: Mix, track: Track) -> None:
        self._mix = mix
        self._gains = _channel_gains(track, mix.channels)
        self._track = track
        self._coming = iter(track.phrases)
        self._next = next(self._coming, None)
        self._active: list[tuple[int, Block]] = []

    def sounding(self, start: int) -> bool:
        """Say whether anything sounds at or after sample `start`."""
        return self._next is not None or any(first + len(audio) > start for first, audio in self._active)

    def add_to(self, block: Block, start: int) -> int:
        """Add what sounds in the block that starts at sample `start`; return where the latest known phrase ends."""
        stop = start + len(block)
        while self._next is not None and self._first_sample(self._next) < stop:
            self._active.append((max(0, self._first_sample(self._next)), self._rendered(self._next.phrase)))
            self._next = next(self._coming, None)
        for first, audio in self._active:
            low, high = max(start, first), min(stop, first + len(audio))
            if low < high:
                block[low - start : high - start] += audio[low - first : high - first]
        end = max((first + len(audio) for first, audio in self._active), default=start)
        self._active = [(first, audio) for first, audio in self._active if first + len(audio) > stop]
        return end

    def _first_sample(self, placed: PlacedPhrase) -> int:
        return self._mix.first_sample(self._track, placed.first_seconds)

    def _rendered(self, phrase: AudioPhrase) -> Block:
        """Return the phrase at the mix's rate, panned, [samples, channels]."""
        import numpy as np

        audio = phrase.audio
        if phrase.sample_rate != self._mix.sample_rate:
            import soxr

            audio = soxr.resample(audio, phrase.sample_rate, self._mix.sample_rate)
        if self._gains == (1.0,):  # as nearly always: nothing to copy ten seconds for
            return audio[:, np.newaxis]
        return audio[:, np.newaxis] * np.array(self._gains, np.float32)


def _channel_gains(track: Track, channels: int) -> tuple[float, ...]:
    gain: float = 10 ** (track.gain_db / 20)
    if channels == 1:
        return (gain,)
    angle = (track.pan + 1) * math.pi / 4
    return (gain * math.cos(angle), gain * math.sin(angle))
