from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.errors import InvalidRequest, UnknownName
from singsynth_mcp.performance.controls import CONTROLS, check_controls, check_curve
from singsynth_mcp.performance.curves import TimeMap, phrase_curve, sample_curve

SLOWING = TimeMap((0.0, 4.0, 8.0), (0.0, 2.0, 6.0))
"""Four quarters at 120, then at 60."""


def test_points_in_quarters_become_points_in_seconds_of_the_phrase() -> None:
    curve = phrase_curve(((0.0, 0.0), (6.0, 1.0), (100.0, 1.0)), SLOWING, 2.0, -0.5, 4.0)
    assert isinstance(curve, tuple)
    assert [time for time, _ in curve] == [-0.5, 2.0, 4.0]
    assert [value for _, value in curve] == pytest.approx([0.5, 1.0, 1.0])


def test_a_curve_that_is_level_within_a_phrase_is_a_number() -> None:
    assert phrase_curve(((0.0, 0.3), (2.0, 0.3), (7.0, 1.0)), SLOWING, 0.0, 0.0, 1.0) == 0.3
    assert phrase_curve(0.25, SLOWING, 2.0, -0.5, 4.0) == 0.25
    assert phrase_curve(((0.0, 0.3), (1.0, 0.9)), SLOWING, 2.0, -0.5, 4.0) == 0.9


def test_equal_stretches_of_a_curve_are_equal_wherever_they_lie() -> None:
    steady = TimeMap((0.0, 1.0), (0.0, 60 / 97))
    wave = tuple((quarter / 3, float(quarter % 4)) for quarter in range(400))
    first = phrase_curve(wave, steady, 8 * 60 / 97, -0.5, 3.0)
    later = phrase_curve(wave, steady, 72 * 60 / 97, -0.5, 3.0)
    assert first == later


@given(st.floats(-10, 4000))
def test_quarters_and_seconds_go_both_ways(quarter: float) -> None:
    assert SLOWING.to_quarters(SLOWING.to_seconds(quarter)) == pytest.approx(quarter, abs=1e-9)


def test_a_curve_is_read_linearly_and_level_outside() -> None:
    times = np.array([-1.0, 0.0, 0.5, 1.0, 9.0])
    assert sample_curve(((0.0, 0.0), (1.0, 2.0)), times).tolist() == [0.0, 0.0, 1.0, 2.0, 2.0]
    assert sample_curve(0.5, times).tolist() == [0.5] * 5


def test_a_control_that_is_not_there_is_an_error_that_lists_them() -> None:
    with pytest.raises(UnknownName, match="growl") as caught:
        check_controls({"growl": 1.0})
    assert all(name in str(caught.value) for name in CONTROLS)


@pytest.mark.parametrize(
    "curve", [2.0, -1.5, float("nan"), float("inf"), [], [[0, 0], [4, 3]], [[4, 0], [0, 1]], [[float("nan"), 0]]]
)
def test_a_curve_out_of_range_or_out_of_order_is_an_error(curve: float | list[list[float]]) -> None:
    with pytest.raises(InvalidRequest, match="gender"):
        check_controls({"gender": curve})


def test_a_good_curve_is_kept() -> None:
    assert check_curve("gender", [[0, 0], [2, 0.5], [2, -0.5]], -1, 1) == ((0.0, 0.0), (2.0, 0.5), (2.0, -0.5))
