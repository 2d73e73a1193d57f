"""The matrix, rows 1 to 6 and 30: how samplers are driven, by what the graphs declare and not by the flags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.matrix_banks import (
    build,
    ka_sa,
    sing,
)
from tests.probe_models import HEADS


def test_row_1_a_fixed_depth_takes_the_largest_divisor_of_a_thousand(tmp_path: Path) -> None:
    song = sing(build(tmp_path / "b", acoustic={"inputs": ("speedup",)}), ka_sa())
    assert song.fed["model"]["speedup"] == 50
    assert "depth" not in song.fed["model"]


@pytest.mark.parametrize(
    ("max_depth", "depth", "speedup"), [(400, 400, 20), (300, 300, 15), (0.4, 400, 20), (70, 69, 3), (4000, 1000, 50)]
)
def test_row_2_an_integer_depth_is_a_multiple_of_its_speedup(
    tmp_path: Path, max_depth: float, depth: int, speedup: int
) -> None:
    acoustic = {"inputs": ("depth", "speedup"), "integer_depth": True}
    folder = build(tmp_path / "b", acoustic=acoustic, config={"acoustic": {"max_depth": max_depth}})
    fed = sing(folder, ka_sa()).fed["model"]
    assert (int(fed["depth"]), int(fed["speedup"])) == (depth, speedup)
    assert fed["depth"].dtype == np.int64


def test_row_3_continuous_sampling_without_depth_takes_steps(tmp_path: Path) -> None:
    folder = build(tmp_path / "b", acoustic={"inputs": ("steps",)}, config={"acoustic": {"use_variable_depth": True}})
    fed = sing(folder, ka_sa()).fed["model"]
    assert fed["steps"] == 20
    assert set(fed) == {"tokens", "durations", "f0", "steps"}


@pytest.mark.parametrize(("max_depth", "depth"), [(0.6, 0.6), (600, 0.6), (1.0, 1.0), (None, 1.0), (2500, 1.0)])
def test_row_4_a_depth_that_is_a_float_is_a_fraction(tmp_path: Path, max_depth: float | None, depth: float) -> None:
    config = {} if max_depth is None else {"acoustic": {"max_depth": max_depth}}
    fed = sing(build(tmp_path / "b", config=config), ka_sa()).fed["model"]
    assert fed["depth"] == np.float32(depth)
    assert fed["depth"].dtype == np.float32


@pytest.mark.parametrize("acoustic", ["steps", "speedup"])
@pytest.mark.parametrize("pitch", ["steps", "speedup"])
@pytest.mark.parametrize("variance", ["steps", "speedup"])
def test_rows_5_and_6_each_model_is_driven_as_it_declares(
    tmp_path: Path, acoustic: str, pitch: str, variance: str
) -> None:
    folder = build(
        tmp_path / "b",
        acoustic={"inputs": (acoustic,)},
        pitch={"sampling": pitch},
        variance={"sampling": variance},
        config={stage: {"use_continuous_acceleration": False} for stage in ("acoustic", "pitch", "variance")},
    )
    fed = sing(folder, ka_sa()).fed
    asked = {"model": (20, 50), "dspitch/model": (10, 100), "dsvariance/model": (20, 50)}
    for model, declared in zip(asked, (acoustic, pitch, variance), strict=True):
        steps, speedup = asked[model]
        sampled = {name: int(value) for name, value in fed[model].items() if name in ("steps", "speedup")}
        assert sampled == {declared: steps if declared == "steps" else speedup}


@pytest.mark.parametrize("opset", [11, 15, 17, 18, 21])
def test_row_30_any_opset_sings(tmp_path: Path, opset: int) -> None:
    versions = {"opset": opset}
    encoded = versions | {"encoder": versions}
    folder = build(
        tmp_path / "b", acoustic=versions, durations=encoded, pitch=encoded, variance=encoded, vocoder=versions
    )
    assert np.abs(sing(folder, ka_sa()).audio.audio).max() > 0.2


FLAGS = {
    "acoustic": [
        *("use_lang_id", "use_key_shift_embed", "use_speed_embed", "use_energy_embed", "use_breathiness_embed"),
        *("use_voicing_embed", "use_tension_embed", "use_continuous_acceleration", "use_variable_depth"),
        "use_shallow_diffusion",
    ],
    "pitch": ["use_expr", "use_note_rest", "predict_dur", "use_continuous_acceleration", "use_lang_id"],
    "variance": [*(f"predict_{head}" for head in HEADS), "predict_dur", "use_continuous_acceleration", "use_lang_id"],
    "durations": ["predict_dur", "use_lang_id"],
}


@pytest.mark.parametrize("value", [True, False])
def test_no_flag_changes_what_is_fed(tmp_path: Path, value: bool) -> None:
    honest = sing(build(tmp_path / "honest"), ka_sa()).fed
    lies = {stage: dict.fromkeys(flags, value) | {"unheard_of": 1} for stage, flags in FLAGS.items()}
    lying = sing(build(tmp_path / "lying", config=lies), ka_sa()).fed
    assert {model: set(feeds) for model, feeds in honest.items()} == {
        model: set(feeds) for model, feeds in lying.items()
    }
    for model, feeds in honest.items():
        for name, values in feeds.items():
            np.testing.assert_array_equal(lying[model][name], values, err_msg=f"{model} {name}")
