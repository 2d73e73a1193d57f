"""The score as written: parts, lines, notes with lyrics, tempo map, measures. Immutable; an edit makes a new one.

Positions and durations are in quarter notes as exact fractions. Pitches are sounding MIDI note numbers (transposing
instruments resolved; microtones as fractions).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Syllabic = Literal["single", "begin", "middle", "end"]
Jump = Literal["da_capo", "dal_segno"]
Articulation = Literal["staccato", "tenuto", "accent"]


@dataclass(frozen=True)
class Lyric:
    """What one note carries of one verse."""

    verse: int
    """From 1."""
    syllables: tuple[str, ...]
    """More than one is an elision: several syllables on one note."""
    syllabic: Syllabic = "single"
    """Normalised by syllables.py: within a verse of a line, a word always runs begin, middle …, end."""
    extend: bool = False
    language: str | None = None
    """ISO 639, as the score's xml:lang says; None where it says nothing."""

    @property
    def text(self) -> str:
        """What stands under the note; a hyphen says that the word goes on."""
        return " ".join(self.syllables) + ("-" if self.syllabic in ("begin", "middle") else "")


@dataclass(frozen=True)
class Note:
    """A written note, ties merged into the first of them."""

    id: str
    """Given at parse, kept through edits: unique in the score."""
    position: Fraction
    duration: Fraction
    """0 for a grace note."""
    midi: float
    measure: str
    """The measure's number as printed ("0" or "X1" for a pickup)."""
    beat: Fraction
    """From 1, in the meter's beat unit."""
    lyrics: tuple[Lyric, ...] = ()
    grace: bool = False
    """A grace note; `position` is that of the note it leads to, `duration` 0."""
    tied: bool = False
    """Tied to the note before, but not merged into it: it has a syllable of its own."""
    slurred: bool = False
    """True when a slur from the note before reaches this one."""
    breath_mark: bool = False
    """A breath mark or caesura after this note."""
    fermata: bool = False
    articulations: tuple[Articulation, ...] = ()
    """Sorted, none twice."""


@dataclass(frozen=True)
class Loudness:
    """A point of a part's loudness curve: linear between two, held after the last; two at one position are a jump."""

    position: Fraction
    decibels: float
    """0 is mf."""


@dataclass(frozen=True)
class Line:
    """Notes that one singer can sing: sorted by position, never overlapping. Gaps are rests."""

    id: str
    """"P1" for the top line of part P1, "P1/2" for the second."""
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Part:
    """A part of the score; its first line is the top one."""

    id: str
    name: str
    lines: tuple[Line, ...]
    percussion: bool = False
    loudness: tuple[Loudness, ...] = ()
    """From dynamics and hairpins; empty where the part has none."""


@dataclass(frozen=True)
class Tempo:
    """A tempo that holds from `position` on."""

    position: Fraction
    quarters_per_minute: float


@dataclass(frozen=True)
class Key:
    """A key that holds from `position` on."""

    position: Fraction
    fifths: int
    """Sharps, or flats below 0; beyond 7 it is written enharmonically."""
    minor: bool = False


@dataclass(frozen=True)
class TempoBend:
    """What a ritardando, a "più mosso" and the like do to the tempo map: a factor from `position` to `end`."""

    position: Fraction
    end: Fraction
    first: float
    """Factor of the tempo at `position`; it moves steadily to `last` at `end`."""
    last: float


@dataclass(frozen=True)
class Measure:
    """A written measure with the meter that holds in it."""

    number: str
    position: Fraction
    duration: Fraction
    beats: int
    beat_type: int
    repeat_start: bool = False
    repeat_times: int = 0
    """How often the section that ends here is played; 0 where no repeat ends. Where there are endings, they decide."""
    endings: tuple[int, ...] = ()
    """The passes that play this measure (an ending, "volta"); empty: all."""
    jump: Jump | None = None
    """After this measure: D.C. or D.S."""
    segno: bool = False
    to_coda: bool = False
    """After the jump, go from the end of this measure to the coda."""
    coda: bool = False
    fine: bool = False
    """After the jump, the piece ends with this measure."""
    swing: Fraction | None = None
    """The share of a beat that the first of two equal halves lasts (2/3: as a triplet); None where they are even."""


@dataclass(frozen=True)
class ScoreWarning:
    """Something in the score that singing passes over, with its position where it has one."""

    code: str
    message: str
    part: str | None = None
    measure: str | None = None
    beat: float | None = None


@dataclass(frozen=True)
class Score:
    """A whole score. `tempos` holds at least one tempo, at position 0."""

    title: str
    parts: tuple[Part, ...]
    measures: tuple[Measure, ...]
    tempos: tuple[Tempo, ...]
    language: str | None = None
    warnings: tuple[ScoreWarning, ...] = ()
    next_note: int = 1
    """Number of the next new note's id, so that a deleted note's id never comes back."""
    bends: tuple[TempoBend, ...] = ()
    """In order, never overlapping."""
    keys: tuple[Key, ...] = ()
    """In order; before the first, and where there is none, the notes tell the key (score/keys.py)."""


@dataclass(frozen=True)
class PlayedNote:
    """A note as it sounds in one pass: what phonemize and align read (see score/played.py)."""

    note_id: str
    pass_number: int
    """From 1."""
    start_quarters: Fraction
    duration_quarters: Fraction
    start_s: float
    duration_s: float
    """Seconds by the tempo map."""
    midi: float
    lyric: Lyric | None
    """None for a melisma's continuation: the vowel before is held."""
    measure: str
    beat: Fraction
    breath_mark: bool = False
