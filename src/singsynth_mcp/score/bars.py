"""What all parts of a score share: the measures with their meter, their marks for the playing order, and the tempos.

Every format's reader writes into the same bars; any part may carry what all share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from singsynth_mcp.errors import InvalidScore
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.model import Jump, Measure, Tempo

DEFAULT_TEMPO = 120.0
MAX_BARS = 20_000
SLOWEST, FASTEST = 5.0, 1000.0
"""Quarters a minute; what lies outside is a typing error."""
MAX_REPEATS = 64


@dataclass(frozen=True)
class Modulation:
    """A tempo given by the one before it: "note = note"."""

    ratio: float


@dataclass(slots=True)
class Bar:
    """A measure in the making."""

    number: str
    beats: int
    beat_type: int
    duration: Fraction = Fraction(0)
    """Where the longest part has come."""
    repeat_start: bool = False
    repeat_times: int = 0
    endings: tuple[int, ...] = ()
    jump: Jump | None = None
    segno: bool = False
    to_coda: bool = False
    coda: bool = False
    fine: bool = False
    swing: Fraction | None = None
    words: list[tuple[Fraction, str]] = field(default_factory=list)
    """(offset, text) of directions in words, which tell tempo and jumps where no number or sign does."""
    tempos: list[tuple[Fraction, int, float | Modulation]] = field(default_factory=list)
    """(offset, 0 for a printed mark or 1 for what playback is told, which wins, tempo)."""

    @property
    def nominal(self) -> Fraction:
        """Quarters that the meter gives a whole measure."""
        return Fraction(4 * self.beats, self.beat_type)


def new_bar(bars: Sequence[Bar], number: str, beats: int, beat_type: int, name: str) -> Bar:
    """Return one more measure. Raises InvalidScore where there are more than any score has."""
    if len(bars) >= MAX_BARS:
        message = f"{name} has more than {MAX_BARS} measures"
        raise InvalidScore(message, hint="Split the score, or look for an event that lies hours too late", file=name)
    return Bar(number, beats, beat_type)


def measures_of(bars: Sequence[Bar]) -> tuple[Measure, ...]:
    """Return the measures, one after the other; a measure without content has its meter's length."""
    measures: list[Measure] = []
    position = Fraction(0)
    swing: Fraction | None = None
    for bar in bars:
        duration = bar.duration or bar.nominal
        swing = bar.swing or swing
        measures.append(
            Measure(
                bar.number, position, duration, bar.beats, bar.beat_type, bar.repeat_start, bar.repeat_times,
                bar.endings, bar.jump, bar.segno, bar.to_coda, bar.coda, bar.fine,
                swing if swing and swing > Fraction(1, 2) else None,
            )
        )  # fmt: skip
        position += duration
    return tuple(measures)


def tempos_of(
    bars: Sequence[Bar],
    measures: Sequence[Measure],
    findings: Findings,
    in_words: Sequence[tuple[Fraction, float]] = (),
) -> tuple[Tempo, ...]:
    """Return the tempo map: one tempo a position, the first at 0 (120 where the score says nothing).

    `in_words` are the tempos that words give before the first number. A mark outside what music has (a typing error)
    is passed over with a warning.
    """
    by_position = {Fraction(0): DEFAULT_TEMPO, **dict(in_words)}
    tempo = by_position[max(by_position)]
    for position, mark, measure in marked_tempos(bars, measures):
        found = tempo * mark.ratio if isinstance(mark, Modulation) else mark
        if not SLOWEST <= found <= FASTEST:
            message = f"No tempo from {SLOWEST:g} to {FASTEST:g} quarters a minute ({found:g}): {tempo:g} goes on"
            findings.add("tempo_ignored", message, measure=measure)
        else:
            by_position[position] = tempo = found
    return tuple(Tempo(position, tempo) for position, tempo in sorted(by_position.items()))


def marked_tempos(
    bars: Sequence[Bar], measures: Sequence[Measure]
) -> Iterator[tuple[Fraction, float | Modulation, str]]:
    """Yield the tempo marks in order: position, tempo, number of the measure."""
    marks = [
        (measure.position + offset, rank, mark, bar.number)
        for bar, measure in zip(bars, measures, strict=True)
        for offset, rank, mark in bar.tempos
    ]
    for position, _, mark, number in sorted(marks, key=lambda mark: mark[:2]):
        yield position, mark, number
