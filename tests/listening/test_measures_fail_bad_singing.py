"""The acceptance's measures pass good singing and fail what is late, out of tune or clicks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.listening import Listening, listen
from singsynth_mcp.media.clicks import clicks
from tests.listening.singer import RATE, sing, song

NOTES = song(16)


@pytest.fixture(scope="module")
def sung() -> np.ndarray:
    return sing(NOTES)


@pytest.fixture(scope="module")
def heard(sung: np.ndarray) -> Listening:
    return listen(sung, RATE, NOTES)


def test_good_singing_passes(heard: Listening) -> None:
    assert heard.passed, heard.table()
    assert heard.notes == len(NOTES)
    assert heard.onsets == sum(note.lyric != "ま" for note in NOTES)
    assert heard.in_tune == 1
    assert heard.median_cents < 5
    assert heard.on_time == 1
    assert abs(heard.median_onset_ms) < 10
    assert heard.rest_db is not None
    assert heard.rest_db < -40


@pytest.mark.parametrize("shift_s", [0.05, -0.05])
def test_a_shift_of_50_ms_fails(sung: np.ndarray, shift_s: float) -> None:
    shifted = np.roll(sung, round(shift_s * RATE))
    heard = listen(shifted, RATE, NOTES)
    assert heard.on_time < 0.2, heard.table()
    assert heard.in_tune >= 0.9, "the shift is not a matter of pitch"
    assert heard.median_onset_ms == pytest.approx(1000 * shift_s, abs=12)
    assert not heard.passed


@pytest.mark.parametrize("cents", [40, -40])
def test_40_cents_off_fails(cents: float) -> None:
    heard = listen(sing(NOTES, cents=cents), RATE, NOTES)
    assert heard.in_tune < 0.1, heard.table()
    assert heard.on_time >= 0.9
    assert heard.median_cents == pytest.approx(40, abs=5)
    assert not heard.passed


def spoiled(sung: np.ndarray, kind: str, time_s: float) -> np.ndarray:
    audio = sung.copy()
    size = np.abs(sung).max() * 10 ** (-30 / 20)
    start = round(time_s * RATE)
    if kind == "spike":
        audio[start] += size
    elif kind == "step":
        audio[start : start + 2000] += size * np.linspace(1, 0, 2000)
    else:
        audio[start : start + 40] = 0
    return audio


@pytest.mark.parametrize("kind", ["spike", "step", "hole"])
@pytest.mark.parametrize("where", ["vowel", "rest"])
def test_a_click_30_db_under_the_peak_fails(sung: np.ndarray, heard: Listening, kind: str, where: str) -> None:
    note = NOTES[7]  # the last before a rest
    time_s = note.start_s + note.duration_s * 0.6 if where == "vowel" else note.start_s + note.duration_s + 0.5
    if (kind, where) == ("hole", "rest"):
        pytest.skip("a hole in silence is silence")
    spoilt = replace(heard, clicks=tuple(clicks(spoiled(sung, kind, time_s), RATE)))
    assert len(spoilt.clicks) in (1, 2), spoilt.table()
    assert abs(spoilt.clicks[0] - time_s) < 0.002
    assert not spoilt.passed


def test_clipping_and_nan_fail(sung: np.ndarray) -> None:
    clipped = listen(np.clip(sung / np.abs(sung).max() * 1.2, -1, 1), RATE, NOTES)
    assert clipped.clipped > 0
    assert not clipped.passed
    broken = sung.copy()
    broken[1000] = np.nan
    heard = listen(broken, RATE, NOTES)
    assert heard.unfinite == 1
    assert not heard.passed


def test_silence_fails() -> None:
    heard = listen(np.zeros(RATE * 20), RATE, NOTES)
    assert not heard.passed
    assert heard.in_tune == 0
