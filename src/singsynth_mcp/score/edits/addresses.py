"""Places and ranges as a model writes them → positions and notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from singsynth_mcp.errors import InvalidRequest, UnknownName
from singsynth_mcp.score.edits.draft import Draft, DraftLine, quarters
from singsynth_mcp.score.model import Measure, Note

_NOTE = re.compile(r"n\d{1,9}")
_HINT = 'Write "3" or "3-8" (measures), "3:2-4:1" (measure:beat) or "n12-n20" (notes)'


@dataclass(frozen=True)
class Span:
    """A range of the score as written."""

    start: Fraction
    end: Fraction
    text: str
    line: DraftLine | None = None
    """The line of a range of notes."""


def measure_index(draft: Draft, number: str) -> int:
    """Return the index of the first measure with a printed number. Raises UnknownName."""
    wanted = number.strip()
    for index, measure in enumerate(draft.measures):
        if measure.number == wanted:
            return index
    first, last = draft.measures[0].number, draft.measures[-1].number
    raise UnknownName(f'There is no measure "{wanted[:60]}"', hint=f"Measures: {first} to {last}", measure=wanted[:60])


def place(draft: Draft, measure: str, beat: float) -> Fraction:
    """Return the position of a beat. Raises UnknownName or InvalidRequest: no such measure or beat."""
    return _on_beat(draft.measures[measure_index(draft, measure)], beat)


def _on_beat(measure: Measure, beat: float) -> Fraction:
    offset = (quarters(beat) - 1) * 4 / measure.beat_type
    if not 0 <= offset < measure.duration:
        last = 1 + measure.duration * measure.beat_type / 4
        message = f"Measure {measure.number} has no beat {beat:g}"
        raise InvalidRequest(message, hint=f"Its beats run from 1 to below {float(last):g}", measure=measure.number)
    return measure.position + offset


def span_of(draft: Draft, where: str | None) -> Span:
    """Return what a range means; None is the whole score. Raises UnknownName or InvalidRequest."""
    if where is None:
        return Span(Fraction(0), draft.end, "everywhere")
    text = where.strip()
    first, last = _ends(draft, text)
    if _NOTE.fullmatch(first) and _NOTE.fullmatch(last):
        line, _, start = draft.find(first)
        other, _, end = draft.find(last)
        if other is not line:
            message = f"{first} and {last} are not of one line ({draft.label(line)}, {draft.label(other)})"
            raise InvalidRequest(message, hint="Give two notes of one line, or measures")
        if end.position < start.position:
            raise InvalidRequest(f'The range "{text}" ends before it begins', hint=f"Write {last}-{first}")
        # A grace note has no length: the smallest span that holds its position.
        return Span(start.position, max(end.position + end.duration, end.position + Fraction(1, 10**6)), text, line)
    start_position, _ = _edges(draft, first)
    _, end_position = _edges(draft, last)
    if end_position <= start_position:
        raise InvalidRequest(f'The range "{text}" ends before it begins', hint=_HINT)
    return Span(start_position, end_position, f"measure {text}" if first == last else f"measures {text}")


def measures_of(draft: Draft, where: str) -> tuple[int, int]:
    """Return the index of a range's first measure and that after its last. Raises UnknownName or InvalidRequest."""
    first, last = _ends(draft, where.strip())
    if ":" in where or _NOTE.fullmatch(first):
        raise InvalidRequest(f'"{where}" are no whole measures', hint='Write "3" or "3-8"')
    start, stop = measure_index(draft, first), measure_index(draft, last) + 1
    if stop <= start:
        raise InvalidRequest(f'The range "{where}" ends before it begins', hint=f"Write {last}-{first}")
    return start, stop


def chosen(draft: Draft, part: str | None, where: str | None) -> Iterator[tuple[DraftLine, list[int]]]:
    """Yield each line of the part with the indices of its notes that begin in the range.

    Raises UnknownName, or InvalidRequest where a range of notes is not of the part.
    """
    span = span_of(draft, where)
    lines = draft.lines_named(part)
    if span.line is not None:
        if part is not None and span.line not in lines:
            message = f"The notes {span.text} are of {draft.label(span.line)}, not of {part}"
            raise InvalidRequest(message, hint="Leave part out")
        lines = [span.line]
    for line in lines:
        yield line, [index for index, note in enumerate(line.notes) if _is_inside(note, span)]


def _is_inside(note: Note, span: Span) -> bool:
    return span.start <= note.position < span.end


def _ends(draft: Draft, text: str) -> tuple[str, str]:
    """Return a range's two ends; a measure's printed number may hold a hyphen itself."""
    if any(measure.number == text for measure in draft.measures):
        return text, text
    first, hyphen, last = text.partition("-")
    first, last = first.strip(), last.strip()
    if not first or (hyphen and not last):
        raise InvalidRequest(f'"{text}" is no range', hint=_HINT)
    return first, last or first


def _edges(draft: Draft, end: str) -> tuple[Fraction, Fraction]:
    """Return where a measure, or a beat in it, begins and ends."""
    number, colon, beat = end.partition(":")
    measure = draft.measures[measure_index(draft, number)]
    if not colon:
        return measure.position, measure.position + measure.duration
    try:
        value = float(beat)
    except ValueError as error:
        raise InvalidRequest(f'"{end}" is no place', hint=_HINT) from error
    if not 1 <= value <= 10_000:
        raise InvalidRequest(f'"{end}" is no place: beats count from 1', hint=_HINT)
    start = _on_beat(measure, value)
    return start, min(start + Fraction(4, measure.beat_type), measure.position + measure.duration)
