"""Edits of marks: breaths, dynamics."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from singsynth_mcp.contracts.edits import AddBreath, SetDynamics
from singsynth_mcp.score.dynamics import LEVELS
from singsynth_mcp.score.edits.addresses import Span, span_of
from singsynth_mcp.score.edits.draft import Draft, DraftPart, described
from singsynth_mcp.score.model import Loudness


def add_breath(draft: Draft, operation: AddBreath) -> str:
    """Mark a breath after a note, or take the mark away."""
    line, index, note = draft.find(operation.note)
    draft.set(line, index, replace(note, breath_mark=not operation.remove))
    return f"{draft.label(line)}: {'no' if operation.remove else 'a'} breath after {described(note)}"


def set_dynamics(draft: Draft, operation: SetDynamics) -> str:
    """Set a part's loudness from a range's beginning on, or move it steadily over the range."""
    span = span_of(draft, operation.where)
    if operation.part is None:
        parts = [part for part in draft.parts if part.lines and (span.line is None or span.line in part.lines)]
    else:
        parts = [draft.part_named(operation.part.rpartition("/")[0] or operation.part)]
    for part in parts:
        _set_loudness(part, span, LEVELS[operation.level], None if operation.to is None else LEVELS[operation.to])
    names = ", ".join(part.id for part in parts[:8])
    if operation.to is None:
        return f"{names}: {operation.level} from {span.text} on"
    return f"{names}: {operation.level} to {operation.to} over {span.text}"


def _set_loudness(part: DraftPart, span: Span, level: float, to: float | None) -> None:
    """Write the curve: inside the span what was there gives way; after it, what was there goes on."""
    before = [point for point in part.loudness if point.position < span.start]
    after = [point for point in part.loudness if point.position >= span.end]
    held = before[-1].decibels if before else 0.0
    if part.loudness and loudness_at(part.loudness, span.start) != held:
        held = loudness_at(part.loudness, span.start)
    points = [*before]
    if span.start > 0 and held != level:
        points.append(Loudness(span.start, held))
    points.append(Loudness(span.start, level))
    if to is not None:
        points.append(Loudness(span.end, to))
    else:
        # Up to the next mark the new level is held.
        if after and after[0].decibels != level:
            points.append(Loudness(after[0].position, level))
    part.loudness = [*points, *after]


def loudness_at(points: list[Loudness], position: Fraction) -> float:
    """Return the decibels just before a position: linear between points, 0 before the first."""
    before = [point for point in points if point.position < position]
    after = [point for point in points if point.position >= position]
    if not before:
        return after[0].decibels if after and after[0].position == position else 0.0
    if not after:
        return before[-1].decibels
    length = after[0].position - before[-1].position
    share = float((position - before[-1].position) / length)
    return before[-1].decibels + share * (after[0].decibels - before[-1].decibels)
