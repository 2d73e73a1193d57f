"""Dynamics and hairpins → a part's loudness curve."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from singsynth_mcp.score.model import Loudness, Measure

LEVELS = {
    "pppp": -20.0, "ppp": -16.0, "pp": -12.0, "p": -7.0, "mp": -3.0, "mf": 0.0, "f": 3.0, "ff": 6.0, "fff": 8.0,
    "ffff": 9.0,
}  # fmt: skip
"""dB. A singer's span between pp and ff is near 20 dB, and wider downwards."""
_SUDDEN = frozenset({"sf", "sfz", "fz", "rf", "rfz", "sffz", "sfp", "sfpp"})
_ACCENT_DB = 4.0
_HAIRPIN_DB = 4.0
"""Where nothing after a hairpin says how loud it ends."""
_WORD_MEASURES = 4
"""A "cresc." that no dynamic ends is over after so many measures."""
_CRESCENDO = re.compile(r"\bcres(c|cendo)?\b", re.IGNORECASE)
_DIMINUENDO = re.compile(r"\b(dim|dimin|diminuendo|decres|decresc|decrescendo)\b", re.IGNORECASE)
_LETTERS = re.compile(r"[^pfmszr]")

MarkKind = Literal["level", "sudden", "crescendo", "diminuendo", "stop"]


@dataclass(frozen=True, slots=True)
class DynamicMark:
    """A dynamic, or a hairpin's beginning or end, as a file states it."""

    measure: int
    """Index, from 0."""
    offset: Fraction
    kind: MarkKind
    level: float = 0.0
    """dB, of a "level"."""
    open_ended: bool = False
    """A "cresc." in words, which no sign ends."""


def dynamic_mark(text: str, measure: int, offset: Fraction) -> DynamicMark | None:
    """Return the mark of a dynamic's letters ("p", "sfz", "fp" is the p after its accent); None for other signs."""
    letters = _LETTERS.sub("", text.lower())
    if letters in LEVELS:
        return DynamicMark(measure, offset, "level", LEVELS[letters])
    if letters in _SUDDEN:
        return DynamicMark(measure, offset, "sudden")
    if letters in ("fp", "ffp", "fpp", "pf", "mfp"):
        return DynamicMark(measure, offset, "level", LEVELS["p" if letters.endswith("p") else "f"])
    return None


def mark_in_words(text: str, measure: int, offset: Fraction) -> DynamicMark | None:
    """Return the mark of "cresc." or "dim."."""
    if _CRESCENDO.search(text):
        return DynamicMark(measure, offset, "crescendo", open_ended=True)
    if _DIMINUENDO.search(text):
        return DynamicMark(measure, offset, "diminuendo", open_ended=True)
    return None


def loudness_of(marks: Sequence[DynamicMark], measures: Sequence[Measure]) -> tuple[Loudness, ...]:
    """Return the loudness curve of a part's marks; empty where it has none."""
    placed = sorted(
        ((measures[mark.measure].position + mark.offset, mark) for mark in marks), key=lambda placed: placed[0]
    )
    curve = _Curve()
    for index, (position, mark) in enumerate(placed):
        if mark.kind == "level":
            curve.jump(position, mark.level)
        elif mark.kind == "sudden":
            curve.accent(position)
        elif mark.kind in ("crescendo", "diminuendo"):
            target, end = _goal(placed, index, measures)
            curve.swell(position, end, mark.kind, target)
    return tuple(curve.points)


def _goal(
    placed: Sequence[tuple[Fraction, DynamicMark]], index: int, measures: Sequence[Measure]
) -> tuple[float | None, Fraction]:
    """Return the level that a hairpin leads to (None: not said) and where it ends."""
    position, mark = placed[index]
    last = measures[min(mark.measure + _WORD_MEASURES, len(measures)) - 1]
    end = last.position + last.duration
    for after, other in placed[index + 1 :]:
        if other.kind == "stop":
            if mark.open_ended:
                continue
            end = after
            # A dynamic right at the hairpin's end says how loud it ends.
            near = [m.level for p, m in placed[index + 1 :] if m.kind == "level" and after <= p <= after + 1]
            return (near[0] if near else None), max(end, position)
        if after > position:
            return (other.level if other.kind == "level" else None), min(after, end) if mark.open_ended else after
    return None, end


class _Curve:
    def __init__(self) -> None:
        self.points: list[Loudness] = []
        self._level = 0.0

    def jump(self, position: Fraction, level: float) -> None:
        if self.points and self.points[-1].position <= position and self._level != level:
            self._add(position, self._level)
        self._add(position, level)

    def accent(self, position: Fraction) -> None:
        """Louder at once, back after a quarter."""
        level = self._level
        self.jump(position, level + _ACCENT_DB)
        self._add(position + 1, level)

    def swell(self, start: Fraction, end: Fraction, kind: MarkKind, target: float | None) -> None:
        step = _HAIRPIN_DB if kind == "crescendo" else -_HAIRPIN_DB
        is_towards = target is not None and (target - self._level) * step > 0
        reached = target if is_towards and target is not None else self._level + step
        reached = min(max(reached, LEVELS["pppp"]), LEVELS["ffff"])
        if end <= start:
            return
        self._add(start, self._level)
        self._add(end, reached)

    def _add(self, position: Fraction, level: float) -> None:
        """Add a point; the curve never goes back in time."""
        if self.points and position < self.points[-1].position:
            position = self.points[-1].position
        self._level = level
        point = Loudness(position, level)
        if not self.points or self.points[-1] != point:
            self.points.append(point)
