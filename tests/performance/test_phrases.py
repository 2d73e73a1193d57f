from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.performance.phrases import MAX_PHRASE_S, SPLIT_GAP_S, Span, split_into_phrases, to_grid


def spans_of(*notes: tuple[float, float], marks: tuple[int, ...] = (), held: tuple[int, ...] = ()) -> list[Span]:
    """Make spans of (rest before, duration); `marks` have a breath mark after them, `held` go on with a word."""
    spans, now = [], 0.0
    for i, (rest, duration) in enumerate(notes):
        spans.append(Span(now + rest, now + rest + duration, i not in held, i in marks))
        now += rest + duration
    return spans


def cuts(spans: list[Span]) -> list[tuple[int, int]]:
    return [(phrase.start, phrase.stop) for phrase in split_into_phrases(spans)]


def test_a_rest_of_six_tenths_ends_a_phrase_and_a_shorter_one_does_not() -> None:
    assert cuts(spans_of((0, 1), (0.59, 1), (0.6, 1))) == [(0, 2), (2, 3)]


def test_a_long_run_is_cut_at_its_longest_rest() -> None:
    assert cuts(spans_of((0, 6), (0.2, 6), (0.5, 6), (0.1, 6))) == [(0, 2), (2, 4)]


def test_without_rests_a_breath_mark_cuts() -> None:
    assert cuts(spans_of((0, 6), (0, 6), (0, 6), (0, 6), marks=(0,))) == [(0, 1), (1, 4)]


def test_without_either_the_last_word_within_twenty_seconds_begins_a_phrase() -> None:
    assert cuts(spans_of((0, 6), (0, 6), (0, 6), (0, 6))) == [(0, 3), (3, 4)]
    assert cuts(spans_of((0, 6), (0, 6), (0, 6), (0, 6), held=(3,))) == [(0, 2), (2, 4)]


def test_a_held_vowel_longer_than_allowed_stays_whole() -> None:
    assert cuts(spans_of((0, 15), (0, 15), (0, 1), held=(1,))) == [(0, 2), (2, 3)]
    assert cuts(spans_of((0, 30))) == [(0, 1)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.3, 0.59, 0.6, 2.0]),
            st.floats(0.05, 8),
            st.booleans(),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_every_note_lies_in_one_phrase_and_long_phrases_had_no_cut(
    notes: list[tuple[float, float, bool, bool]],
) -> None:
    spans, now = [], 0.0
    for rest, duration, starts_word, mark in notes:
        spans.append(Span(now + rest, now + rest + duration, starts_word, mark))
        now += rest + duration
    phrases = list(split_into_phrases(spans))
    assert [i for phrase in phrases for i in phrase] == list(range(len(spans)))
    for phrase in phrases:
        inside = spans[phrase.start : phrase.stop]
        assert all(right.start_s - left.end_s < SPLIT_GAP_S for left, right in pairwise(inside))
        is_long = inside[-1].end_s - inside[0].start_s > MAX_PHRASE_S + 1e-3
        if is_long:
            within = [span for span in inside[1:] if span.starts_word]
            assert not within or all(
                spans[i - 1].end_s > inside[0].start_s + MAX_PHRASE_S
                for i in range(phrase.start + 1, phrase.stop)
                if spans[i].starts_word
            )


@given(st.floats(0, 4000), st.integers(1, 300), st.integers(30, 300))
def test_the_grid_forgets_where_in_the_song_a_time_lay(origin: float, quarters: int, tempo: int) -> None:
    length = quarters * 60 / tempo
    assert to_grid((origin + length) - origin) == to_grid(length)
    assert to_grid(length) == pytest.approx(length, abs=1e-7)
