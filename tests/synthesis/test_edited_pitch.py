"""Nudges, and how a curve meets a pin, on models that say what they are fed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from singsynth_mcp.performance.model import Nudge, Phrase, Retake
from singsynth_mcp.synthesis.durations import with_pins
from singsynth_mcp.synthesis.retakes import GLIDE_S, joined_to_pins
from tests.matrix_banks import TIMES, build, ka_sa, sing


def pitch_of(folder: Path, phrase: Phrase) -> np.ndarray:
    pitch = sing(folder, phrase).phrase.pitch
    assert pitch is not None
    return pitch


def test_a_nudge_is_whole_between_its_ends_and_glides_outside(tmp_path: Path) -> None:
    folder = build(tmp_path / "b")
    moved = pitch_of(folder, replace(ka_sa(), nudges=(Nudge(0.3, 0.6, 0.5, 0),))) - pitch_of(folder, ka_sa())
    np.testing.assert_allclose(moved[(TIMES >= 0.3) & (TIMES <= 0.6)], 0.5, atol=1e-5)
    np.testing.assert_allclose(moved[(TIMES < 0.3 - GLIDE_S) | (TIMES > 0.6 + GLIDE_S)], 0, atol=1e-5)
    assert (np.abs(np.diff(moved)) < 0.25).all()


def test_the_model_is_told_pins_and_the_nudges_come_after(tmp_path: Path) -> None:
    phrase = replace(ka_sa(), pitch_pins=(((0.1, 61.0), (0.3, 61.0)),))
    inside = (TIMES >= 0.1) & (TIMES < 0.3)
    folder = build(tmp_path / "b")
    for after, midi in ((1, 61.5), (0, 61.0)):
        song = sing(folder, replace(phrase, nudges=(Nudge(0.1, 0.3, 0.5, after),)))
        np.testing.assert_allclose(song.fed["dspitch/model"]["pitch"][inside], 61)
        assert song.phrase.pitch is not None
        np.testing.assert_allclose(song.phrase.pitch[inside], midi, atol=1e-5)


def test_a_retake_of_a_model_without_noise_moves_as_a_drawn_curve(tmp_path: Path) -> None:
    folder = build(tmp_path / "b")
    before = pitch_of(folder, ka_sa())
    takes = [pitch_of(folder, replace(ka_sa(), retakes={"pitch": (Retake(0.0, 0.4, seed),)})) for seed in (1, 2)]
    taken = (TIMES >= 0.0) & (TIMES < 0.4)
    for left, right in ((takes[0], before), (takes[1], before), (takes[0], takes[1])):
        assert (np.abs(left - right)[taken] > 0).all()
        np.testing.assert_array_equal(left[~taken], right[~taken])
        assert np.abs(left - right).max() < 0.5


def test_a_drawn_variance_stands_and_the_rest_is_predicted(tmp_path: Path) -> None:
    folder = build(tmp_path / "b")
    pinned = replace(
        ka_sa(), variance_pins={"voicing": (((0.1, -5.0), (0.3, -15.0)),), "tension": (((0.0, 2.0), (0.1, 2.0)),)}
    )
    before, after = sing(folder, ka_sa()).phrase.variance, sing(folder, pinned).phrase.variance
    assert before is not None
    assert after is not None
    inside = (TIMES >= 0.1) & (TIMES < 0.3)
    np.testing.assert_allclose(after["voicing"][inside], -5 - 50 * (TIMES[inside] - 0.1), atol=1e-5)
    np.testing.assert_array_equal(after["voicing"][~inside], before["voicing"][~inside])
    np.testing.assert_array_equal(after["energy"], before["energy"])


def test_a_curve_is_bent_towards_a_pin_and_not_into_the_next_one() -> None:
    curve, pinned, pins = np.zeros(30), np.zeros(30, bool), np.zeros(30)
    pinned[10:12] = pinned[14:16] = True
    pins[10:12], pins[14:16] = 1.0, -1.0
    joined = joined_to_pins(curve, pinned, pins)
    np.testing.assert_array_equal(joined[pinned], pins[pinned])
    assert (np.diff(joined[4:11]) > 0).all()
    assert np.abs(np.diff(joined[:11])).max() < 0.3
    np.testing.assert_array_equal(joined[:4], 0)
    np.testing.assert_array_equal(joined[22:], 0)
    assert joined[12] > 0 > joined[13]


@pytest.mark.parametrize(
    ("pins", "expected"),
    [
        (((1, 0.15),), [0, 0.15, 0.3, 0.6]),
        (((1, 0.5),), [0, 0.5, 0.51, 0.6]),
        (((2, 0.05),), [0, 0.04, 0.05, 0.6]),
        (((0, -0.2), (2, 0.4)), [-0.2, 0.1, 0.4, 0.6]),
    ],
)
def test_what_stands_in_a_boundarys_way_is_pushed_aside(
    pins: tuple[tuple[int, float], ...], expected: list[float]
) -> None:
    np.testing.assert_allclose(with_pins(np.array([0, 0.1, 0.3, 0.6]), pins, 0.01), expected)
