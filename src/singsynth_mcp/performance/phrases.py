"""Where a line is cut into phrases, and the grid of time inside a phrase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SPLIT_GAP_S = 0.6
"""A rest this long ends a phrase."""
MAX_PHRASE_S = 20.0
MIN_REST_S = 0.1
"""A shorter gap is articulation: the note before is held through it."""

_GRID = 2**24
_TOLERANCE_S = 1e-6


@dataclass(frozen=True)
class Span:
    """What cutting needs to know of a sung note."""

    start_s: float
    end_s: float
    starts_word: bool
    """False where a vowel or a word goes on: no phrase longer than allowed is cut here unless nothing else helps."""
    breath_mark: bool = False
    """A breath mark after the note."""


def to_grid(seconds: float) -> float:
    """Return the nearest multiple of 2⁻²⁴ s (60 ns).

    Differences of song times carry rounding noise that depends on where in the song they lie; on the grid, equal
    phrases have equal times, and sums and differences are exact.
    """
    return round(seconds * _GRID) / _GRID


def is_rest(gap_s: float) -> bool:
    """Tell whether a gap between two notes is heard as a rest."""
    return gap_s >= MIN_REST_S - _TOLERANCE_S


def split_into_phrases(spans: Sequence[Span]) -> Iterator[range]:
    """Yield the index ranges of phrases: runs without a rest of 0.6 s, cut where they are longer than 20 s.

    A long run is cut at the longest rest of its first 20 s, else at the last breath mark there, else at the last word
    that begins there. Looking no further than 20 s ahead keeps an edit from moving cuts elsewhere in the song.
    """
    start = 0
    for i in range(1, len(spans) + 1):
        if i == len(spans) or spans[i].start_s - spans[i - 1].end_s >= SPLIT_GAP_S - _TOLERANCE_S:
            yield from _cut_run(spans, start, i)
            start = i


def _cut_run(spans: Sequence[Span], start: int, stop: int) -> Iterator[range]:
    while start < stop:
        too_long = spans[stop - 1].end_s - spans[start].start_s > MAX_PHRASE_S + _TOLERANCE_S
        cut = _best_cut(spans, start, stop) if too_long else stop
        yield range(start, cut)
        start = cut


def _best_cut(spans: Sequence[Span], start: int, stop: int) -> int:
    limit = spans[start].start_s + MAX_PHRASE_S + _TOLERANCE_S
    best, best_rank = stop, (-1.0, False)
    for i in range(start + 1, stop):
        if spans[i - 1].end_s > limit and best < stop:
            break
        if spans[i].starts_word:
            gap = round(spans[i].start_s - spans[i - 1].end_s, 6)
            rank = (gap if is_rest(gap) else 0.0, spans[i - 1].breath_mark)
            if rank >= best_rank:
                best, best_rank = i, rank
    return best
