"""Windows cover every phrase once, begin small and stay under a minute of music."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.recipes.windows import windows_of


@given(phrases=st.integers(1, 400), seconds_a_phrase=st.floats(0.1, 20))
def test_windows_cover_the_phrases_in_order(phrases: int, seconds_a_phrase: float) -> None:
    windows = windows_of(3, phrases, phrases * seconds_a_phrase)
    covered = [phrase for window in windows for phrase in range(window.first, window.last + 1)]
    assert covered == list(range(1, phrases + 1))
    assert windows[0].size == 1
    assert all(
        (window.part == 3 and window.size * seconds_a_phrase <= 60.001) or window.size == 1 for window in windows
    )
    assert all(later.size <= 2 * earlier.size for earlier, later in itertools.pairwise(windows))
    assert windows == sorted(windows)


@given(phrases=st.integers(1, 60), sung=st.sets(st.integers(1, 60)))
def test_phrases_that_were_sung_before_come_along_with_the_others(phrases: int, sung: set[int]) -> None:
    windows = windows_of(0, phrases, 4.0 * phrases, [f"{phrase}-{phrase}" for phrase in sung])
    covered = [phrase for window in windows for phrase in range(window.first, window.last + 1)]
    assert covered == list(range(1, phrases + 1))
    new = [len(set(range(window.first, window.last + 1)) - sung) for window in windows]
    assert new == [window.size for window in windows_of(0, sum(new), 4.0 * sum(new))] or not any(new)
    assert all(window.first not in sung for window in windows[1:])


def test_a_song_that_was_sung_before_is_one_window() -> None:
    assert [window.phrases for window in windows_of(0, 6, 30, ["1-2", "4-6"])] == ["1-6"]


def test_a_window_is_the_phrases_argument_of_the_gpu_tools() -> None:
    assert [window.phrases for window in windows_of(0, 6, 30)] == ["1-1", "2-3", "4-6"]
