"""The matrix, rows 12 to 14, 19, 20, 22 and 25: what a pitch model wants, and banks without one; pins and retakes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from singsynth_mcp.errors import SynthesisFailed
from singsynth_mcp.performance.model import Retake
from tests.matrix_banks import (
    DURATIONS,
    FRAME_S,
    FRAMES,
    TIMES,
    build,
    inputs_without,
    ka_sa,
    sing,
)
from tests.probe_models import HEADS


def test_rows_12_to_14_rests_glides_and_expressiveness(tmp_path: Path) -> None:
    phrase = ka_sa(controls={"expressiveness": ((0.0, 1.0), (1.0, 0.0))})
    fed = sing(build(tmp_path / "b", pitch={"glide": True}), phrase).fed["dspitch/model"]
    assert fed["note_rest"].tolist() == [True, False, False, True]
    assert fed["note_glide"].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(fed["expr"], 1 - np.clip(TIMES, 0, 1), atol=1e-6)
    assert [str(fed[name].dtype) for name in ("note_rest", "note_glide", "expr")] == ["bool", "int64", "float32"]


def test_rows_12_to_14_a_model_without_them_gets_none(tmp_path: Path) -> None:
    folder = build(tmp_path / "b", pitch={"rests": False, "expr": False}, config={"pitch": {"use_expr": True}})
    song = sing(folder, ka_sa())
    assert not {"note_rest", "note_glide", "expr"} & set(song.fed["dspitch/model"])


@pytest.mark.parametrize("expressiveness", [0.0, 0.5, 1.0])
def test_row_14_expressiveness_scales_what_a_model_without_expr_adds_to_the_line(
    tmp_path: Path, expressiveness: float
) -> None:
    folder = build(tmp_path / "b", pitch={"rests": False, "expr": False, "speakers": False})
    song = sing(folder, ka_sa(controls={"expressiveness": expressiveness}))
    assert song.phrase.pitch is not None
    body = song.phrase.pitch[70:95]
    # The probe adds 0.5 for retake, 0.001 a step and 0.01 a word; the second vowel is the third word.
    np.testing.assert_allclose(body, 62 + expressiveness * (0.5 + 0.01 + 0.02), atol=1e-4)


def test_rows_19_20_and_22_a_bank_of_an_acoustic_model_alone_is_sung_by_rule(tmp_path: Path) -> None:
    folder = build(
        tmp_path / "b",
        without=("durations", "pitch", "variance"),
        acoustic={"inputs": inputs_without(*HEADS)},
    )
    song = sing(folder, ka_sa(controls={"expressiveness": 0.0}))
    assert song.phrase.variance == {}
    assert song.phrase.boundaries_s is not None
    np.testing.assert_allclose(song.phrase.boundaries_s, [-0.06, 0.0, 0.4, 0.5, 1.0])
    assert song.phrase.pitch is not None
    assert set(np.unique(song.phrase.pitch[14:50])) == {60.0}


@pytest.mark.parametrize(("hop", "rate"), [(256, 44100), (1024, 44100), (480, 48000)])
def test_row_25_stages_of_other_frame_rates_are_resampled_between_their_pads(
    tmp_path: Path, hop: int, rate: int
) -> None:
    other = {"hop_size": hop, "sample_rate": rate}
    song = sing(build(tmp_path / "b", config={"pitch": other, "variance": other}), ka_sa())
    frame_s = hop / rate
    ends = np.cumsum([8 * frame_s, 5 * FRAME_S, 0.5 * 20 / 26, 0.5 * 6 / 26, 0.5, 8 * frame_s]) / frame_s
    durations = np.diff([0, *(round(end + 0.5) for end in ends)])
    for stage in ("dspitch", "dsvariance"):
        assert song.fed[f"{stage}/model"]["ph_dur"].tolist() == durations.tolist()
        assert len(song.fed[f"{stage}/model"]["pitch"]) == durations.sum()
    assert song.fed["dspitch/model"]["note_dur"].sum() == durations.sum()
    assert song.phrase.pitch is not None
    assert song.phrase.variance is not None
    assert len(song.phrase.pitch) == len(song.phrase.variance["energy"]) == FRAMES
    assert song.fed["model"]["durations"].tolist() == DURATIONS
    np.testing.assert_allclose(song.phrase.variance["energy"][60:95], -20 - song.phrase.pitch[60:95] / 10, atol=2e-3)


def test_a_retake_changes_its_own_frames_and_keeps_pins(tmp_path: Path) -> None:
    folder = build(tmp_path / "b", pitch={"noise": True}, variance={"noise": True})
    pinned = ka_sa()
    pinned = replace(pinned, pitch_pins=(((0.6, 63.0), (0.8, 64.0)),))
    before = sing(folder, pinned)
    retakes = {"pitch": (Retake(0.4, 0.7, 5),), "variance": (Retake(0.0, 0.25, 9),)}
    after = sing(folder, replace(pinned, retakes=retakes))
    taken = (TIMES >= 0.4) & (TIMES < 0.7)
    pins = (TIMES >= 0.6) & (TIMES < 0.8)
    fed = after.fed["dspitch/model"]
    np.testing.assert_array_equal(fed["retake"], taken & ~pins)
    np.testing.assert_array_equal(fed["pitch"], before.phrase.pitch)
    assert before.phrase.pitch is not None
    assert after.phrase.pitch is not None
    changed = before.phrase.pitch != after.phrase.pitch
    np.testing.assert_array_equal(changed, taken & ~pins)
    np.testing.assert_allclose(after.phrase.pitch[pins], 63 + 5 * (TIMES[pins] - 0.6), atol=1e-5)
    again = after.fed["dsvariance/model"]
    early = (TIMES >= 0.0) & (TIMES < 0.25)
    np.testing.assert_array_equal(again["retake"], np.repeat(early[:, np.newaxis], 4, axis=1))
    assert after.phrase.variance is not None
    kept = sing(folder, replace(pinned, retakes={"pitch": retakes["pitch"]})).phrase.variance
    assert kept is not None
    np.testing.assert_array_equal(again["voicing"], kept["voicing"])
    np.testing.assert_array_equal(after.phrase.variance["voicing"] != kept["voicing"], early)


def test_pins_hold_on_a_first_take_and_without_a_pitch_model(tmp_path: Path) -> None:
    phrase = replace(ka_sa(), pitch_pins=(((0.1, 61.0), (0.3, 61.5)),))
    pins = (TIMES >= 0.1) & (TIMES < 0.3)
    song = sing(build(tmp_path / "b"), phrase)
    np.testing.assert_array_equal(song.fed["dspitch/model"]["retake"], ~pins)
    np.testing.assert_allclose(song.fed["dspitch/model"]["pitch"][pins], song.phrase.pitch[pins])
    drawn = sing(build(tmp_path / "drawn", without=("pitch",)), phrase)
    np.testing.assert_allclose(drawn.phrase.pitch[pins], 61 + 2.5 * (TIMES[pins] - 0.1), atol=1e-5)


def test_a_model_that_answers_nonsense_is_named(tmp_path: Path) -> None:
    folder = build(tmp_path / "b", pitch={"answer": "nan"})
    with pytest.raises(SynthesisFailed, match="not finite"):
        sing(folder, ka_sa())
