"""Pooling over songs and registers, bars met and missed, and the tables printed of them."""

from __future__ import annotations

import numpy as np
import pytest

from training.report.bars import Measure, measures
from training.report.table import ELSEWHERE, Findings, rows, table, unmet


def _measure(key: str, *, man: bool = False, place: int = 0) -> Measure:
    return [measure for measure in measures(man=man) if measure.key == key][place]


def test_values_are_pooled_over_songs_not_averaged_twice() -> None:
    findings = Findings("a", "ja")
    findings.add("low", {"common": np.array([[1, 10], [0, 10]])})
    findings.add("low", {"common": np.array([[4, 5]])})
    findings.add("high", {"common": np.array([[0, 75]])})
    (row,) = rows(findings, [_measure("common")])
    assert row.by_register == {"low": pytest.approx(0.2), "high": 0.0}
    assert row.value == pytest.approx(0.05)
    assert row.teacher is None
    assert row.met is None, "the bar names the teacher, of whom nothing is known"


def test_gross_errors_do_not_hide_in_the_rmse() -> None:
    findings = Findings("a", "ja")
    findings.add("middle", {"f0": np.array([3.0, -4.0, 3.0, 1200.0])})
    fine, gross = rows(findings, [_measure("f0"), _measure("f0", place=1)])
    assert fine.value == pytest.approx(np.sqrt(34 / 3))
    assert fine.met
    assert gross.value == 25
    assert gross.met is False


def test_the_wide_range_takes_in_what_lies_beyond_the_claimed_one() -> None:
    findings = Findings("a", "ja")
    findings.add("middle", {"f0": np.full(50, 5.0)})
    findings.add("above", {"f0": np.full(50, 40.0)})
    inside, wide = rows(findings, [_measure("f0"), _measure("f0", place=2)])
    assert (inside.value, inside.met) == (pytest.approx(5), True)
    assert (wide.value, wide.met) == (pytest.approx(np.sqrt(812.5)), False)
    assert set(wide.by_register) == {"middle"}


@pytest.mark.parametrize(
    ("value", "teacher", "met"),
    [(0.1, 0.06, True), (0.1, 0.04, False), (0.16, 0.15, False), (0.1, None, None), (0.2, None, False)],
)
def test_words_must_meet_both_their_bars(value: float, teacher: float | None, met: bool | None) -> None:
    assert _measure("common").met(value, teacher) is met


@pytest.mark.parametrize(
    ("value", "teacher", "met"), [(0.28, None, True), (0.34, 0.30, True), (0.36, 0.30, False), (0.36, None, False)]
)
def test_an_octave_up_one_of_both_bars_is_enough(value: float, teacher: float | None, met: bool) -> None:
    assert _measure("octave").met(value, teacher) is met


def test_naturalness_has_a_floor_that_differs_for_men() -> None:
    assert _measure("p808").met(3.1, 3.2) is True
    assert _measure("p808").met(3.1, 3.3) is False
    assert _measure("p808", man=True).met(3.1, 3.2) is False
    assert _measure("p808", man=True).met(3.5, 3.6) is True


def test_what_could_not_be_computed_is_not_met() -> None:
    assert _measure("f0").met(float("nan"), None) is False


def test_the_table_says_what_is_met() -> None:
    findings = Findings("a", "ja")
    for register, clicks in (("low", 0.0), ("middle", 2.0), ("high", 0.0)):
        findings.add(register, {"clicks": np.array([clicks]), "spread": np.array([12.0])})
        findings.add(register, {"spread": np.array([15.5])}, teacher=True)
    findings.add(ELSEWHERE, {"chain_mcd": np.array([3.0, 5.0])})
    found = rows(findings, measures(man=False))
    lines = table(found).splitlines()
    assert lines[0] == "| measure | low | middle | high | all | teacher | bar | |"
    assert "| clicks | 0 | 2 | 0 | 2 |  | ≤ 0 | **not met** |" in lines
    assert (
        "| level spread of what is sung, p10–p90 | 12.0 dB | 12.0 dB | 12.0 dB | 12.0 dB | 15.5 dB | ≤ 13.0 dB | met |"
        in lines
    )
    assert "| full chain against the teacher's rendering: MCD |  |  |  | 4.00 dB |  | ≤ 5.50 dB | met |" in lines
    assert unmet(found) == ["clicks"]
    assert len({line.count("|") for line in lines}) == 1


def test_every_bar_of_the_report_is_said_in_words() -> None:
    bars = {measure.key: measure.bar for measure in measures(man=False)}
    assert bars["common"] == "≤ 0.15 and ≤ teacher + 0.05"
    assert bars["made_up"] == "≤ teacher + 0.08"
    assert bars["octave"] == "≤ 0.30 or ≤ teacher + 0.05"
    assert bars["p808"] == "≥ 3.00 and ≥ teacher − 0.15"
    assert bars["silence"] == "≤ -55 dBFS"
    assert all(bars.values())


def test_a_remark_is_kept_once() -> None:
    findings = Findings("a", "ja")
    findings.note("x")
    findings.note("x")
    assert findings.notes == ["x"]
