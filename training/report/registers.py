"""Where each song is sung: low, middle and high in the singer's claimed range, and beyond it."""

from __future__ import annotations

from dataclasses import dataclass

from training.report.songbook import HeldOutSong

WOMAN = 57, 76
"""A3-E5: what is claimed of a singer where the voicebank says nothing."""
BEYOND = 9, 8
"""Semitones below and above the range that F0 is measured in besides: C3-C6 around A3-E5."""


@dataclass(frozen=True)
class Register:
    """A name and how far a song is moved for it."""

    name: str
    transpose: int
    inside: bool
    """Whether the song stays in the claimed range."""


def registers(song: HeldOutSong, claimed: tuple[int, int]) -> list[Register]:
    """Return low, middle and high: the song at the bottom, in the midst and at the top of a range."""
    low, high = song.span
    to_bottom, to_top = claimed[0] - low, claimed[1] - high
    return [
        Register("low", to_bottom, True),
        Register("middle", round((to_bottom + to_top) / 2), True),
        Register("high", to_top, True),
    ]


def beyond(song: HeldOutSong, claimed: tuple[int, int]) -> list[Register]:
    """Return the registers under and over the range."""
    low, high = song.span
    return [
        Register("below", claimed[0] - BEYOND[0] - low, False),
        Register("above", claimed[1] + BEYOND[1] - high, False),
    ]


def octave_up(song: HeldOutSong, claimed: tuple[int, int]) -> Register:
    """Return the register whose highest note is A5 for a woman's A3-E5, and as far above any other range."""
    return Register("to A5" if claimed[1] >= 70 else "to A4", claimed[1] + 5 - song.span[1], False)


def claimed_range(named: tuple[float, float] | None) -> tuple[int, int]:
    """Return the MIDI notes a singer claims: what the voicebank says, else a woman's."""
    return WOMAN if named is None else (round(named[0]), round(named[1]))
