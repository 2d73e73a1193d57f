"""Noise that a seed decides: the same whatever ran before, and as good as what it stands in for."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from scipy import stats

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.synthesis.engines.files import file_facts
from singsynth_mcp.synthesis.engines.noise import SEED_INPUT, seeded_model
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, OnnxModel

LIKE = helper.make_node("RandomNormalLike", ["x"], ["y"])
FRAMES, BINS = 250, 128


def _model(
    path: Path, nodes: Sequence[onnx.NodeProto], outputs: Sequence[str] = ("y",), opset: int = 17, **more: Any
) -> Path:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "n", "m"])
    made = [helper.make_tensor_value_info(name, more.pop(name, TensorProto.FLOAT), None) for name in outputs]
    graph = helper.make_graph(nodes, "noisy", [x], made, more.pop("initializers", ()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **more)
    onnx.save(model, path)
    return path


def _run(model: OnnxModel, seed: int, frames: int = FRAMES, bins: int = BINS) -> dict[str, np.ndarray]:
    return model.run({"x": np.zeros((1, frames, bins), np.float32), SEED_INPUT: np.asarray(seed, np.int64)})


def _constant(name: str, value: object, dtype: type = np.int64) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value, dtype), name))


def _loop(body: Sequence[onnx.NodeProto], made: str, prefix: str = "") -> list[onnx.NodeProto]:
    """Three iterations that stack what the body makes; `made` becomes the scan output."""
    graph = helper.make_graph(
        [*body, helper.make_node("Identity", [f"{prefix}go"], [f"{prefix}on"])],
        f"{prefix}body",
        [
            helper.make_tensor_value_info(f"{prefix}i", TensorProto.INT64, []),
            helper.make_tensor_value_info(f"{prefix}go", TensorProto.BOOL, []),
        ],
        [
            helper.make_tensor_value_info(f"{prefix}on", TensorProto.BOOL, []),
            helper.make_tensor_value_info(f"{prefix}{made}", TensorProto.FLOAT, None),
        ],
    )
    return [
        _constant(f"{prefix}times", 3),
        _constant(f"{prefix}yes", True, np.bool_),
        helper.make_node("Loop", [f"{prefix}times", f"{prefix}yes"], [made], body=graph),
    ]


@pytest.fixture(scope="module")
def draws(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """[seeds, numbers] of a normal and of a uniform node in one graph."""
    nodes = [LIKE, helper.make_node("RandomUniformLike", ["x"], ["z"])]
    model = OnnxEngine(1).open(_model(tmp_path_factory.mktemp("noise") / "m.onnx", nodes, ("y", "z")))
    runs = [_run(model, seed) for seed in range(40)]
    return np.stack([run["y"].ravel() for run in runs]), np.stack([run["z"].ravel() for run in runs])


def test_normal_numbers_are_normal(draws: tuple[np.ndarray, np.ndarray]) -> None:
    normal = draws[0].astype(np.float64)
    count = normal.size
    assert abs(normal.mean()) < 4 / np.sqrt(count)
    assert abs(normal.var() - 1) < 4 * np.sqrt(2 / count)
    assert abs(stats.skew(normal.ravel())) < 4 * np.sqrt(6 / count)
    assert abs(stats.kurtosis(normal.ravel())) < 4 * np.sqrt(24 / count)
    assert stats.kstest(normal.ravel(), "norm").pvalue > 0.001
    for distance in (2.0, 3.0, 4.0):
        expected = 2 * stats.norm.sf(distance) * count
        assert abs((np.abs(normal) > distance).sum() - expected) < 5 * np.sqrt(expected)


def test_uniform_numbers_are_uniform_singly_and_in_pairs(draws: tuple[np.ndarray, np.ndarray]) -> None:
    uniform = draws[1]
    assert uniform.min() > 0
    assert uniform.max() <= 1
    cells = np.minimum((uniform * 64).astype(int), 63)
    for hits in (np.bincount(cells.ravel()), np.bincount((cells[:, ::2] * 64 + cells[:, 1::2]).ravel())):
        assert 0.001 < stats.chisquare(hits).pvalue < 0.999


def test_frames_bins_seeds_and_nodes_have_nothing_in_common(draws: tuple[np.ndarray, np.ndarray]) -> None:
    normal, uniform = draws
    count = normal.shape[1]
    seeds = np.corrcoef(normal)
    assert np.abs(seeds - np.eye(len(seeds))).max() * np.sqrt(count) < 5
    for lag in (1, 2, 3, 8, 64, BINS - 1, BINS, BINS + 1, 2 * BINS, count // 2, count // 2 + 1):
        for values in (normal, (uniform - 0.5) * np.sqrt(12)):
            products = values[:, :-lag] * values[:, lag:]
            assert abs(products.mean()) * np.sqrt(products.size) < 4.5, lag
    assert abs(np.corrcoef(normal.ravel(), uniform.ravel())[0, 1]) * np.sqrt(normal.size) < 4
    power = np.abs(np.fft.rfft(normal.ravel())) ** 2
    assert power.max() / power.mean() < 2 * np.log(len(power))


def test_a_draw_depends_on_the_seed_and_on_nothing_that_ran_before(tmp_path: Path) -> None:
    path = _model(tmp_path / "m.onnx", [LIKE])
    engine, fresh = OnnxEngine(2), OnnxEngine(2)
    forwards = [_run(engine.open(path), seed)["y"] for seed in range(6)]
    with ThreadPoolExecutor(2) as pool:
        backwards = list(pool.map(lambda seed: _run(fresh.open(path), seed)["y"], range(5, -1, -1)))
    for values, again in zip(forwards, backwards[::-1], strict=True):
        np.testing.assert_array_equal(values, again)
    assert len({values.tobytes() for values in forwards}) == 6
    longer = _run(engine.open(path), 0, frames=FRAMES + 3)["y"]
    assert longer.shape == (1, FRAMES + 3, BINS)


@pytest.mark.parametrize("opset", [11, 15, 17, 18])
def test_shape_type_and_scale_are_the_nodes_own(tmp_path: Path, opset: int) -> None:
    nodes = [
        helper.make_node("RandomNormal", [], ["y"], shape=[3, 7, 1001], mean=5.0, scale=0.5, seed=1.0),
        helper.make_node("RandomUniformLike", ["x"], ["z"], low=-2.0, high=4.0, dtype=TensorProto.DOUBLE),
    ]
    path = _model(tmp_path / "m.onnx", nodes, ("y", "z"), opset, z=TensorProto.DOUBLE)
    assert file_facts(path).is_repeatable
    made = _run(OnnxEngine(1).open(path), 3)
    assert made["y"].shape == (3, 7, 1001)
    assert made["y"].mean() == pytest.approx(5.0, abs=0.02)
    assert made["y"].std() == pytest.approx(0.5, abs=0.02)
    assert made["z"].dtype == np.float64
    assert (made["z"].min(), made["z"].max()) == (pytest.approx(-2, abs=0.01), pytest.approx(4, abs=0.01))


def test_a_coin_falls_as_often_as_it_is_told(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["x", "p"], ["chance"]),
        helper.make_node("Bernoulli", ["chance"], ["y"]),
    ]
    path = _model(tmp_path / "m.onnx", nodes, initializers=[numpy_helper.from_array(np.float32(0.2), "p")])
    fallen = _run(OnnxEngine(1).open(path), 1)["y"]
    assert set(np.unique(fallen)) == {0.0, 1.0}
    assert fallen.mean() == pytest.approx(0.2, abs=0.01)


def test_every_iteration_of_every_loop_draws_anew(tmp_path: Path) -> None:
    inner = _loop([helper.make_node("RandomNormalLike", ["x"], ["inner_z"])], "z", "inner_")
    outer = _loop([*inner, helper.make_node("Identity", ["z"], ["y_"])], "y")
    outer[-1].attribute[0].g.output[1].name = "y_"
    path = _model(tmp_path / "m.onnx", outer)
    made = _run(OnnxEngine(1).open(path), 9)["y"].reshape(9, -1)
    correlations = np.corrcoef(made) - np.eye(9)
    assert np.abs(correlations).max() < 5 / np.sqrt(made.shape[1])
    np.testing.assert_array_equal(_run(OnnxEngine(1).open(path), 9)["y"].reshape(9, -1), made)


def test_noise_in_a_branch_is_seeded(tmp_path: Path) -> None:
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node("RandomNormalLike", ["x"], [f"{name}_y"])],
            name,
            [],
            [helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)],
        )
        for name in ("then", "else")
    }
    nodes = [_constant("yes", True, np.bool_), helper.make_node("If", ["yes"], ["y"], **branches)]
    model = OnnxEngine(1).open(_model(tmp_path / "m.onnx", nodes))
    np.testing.assert_array_equal(_run(model, 4)["y"], _run(model, 4)["y"])


def test_noise_in_a_models_own_function_is_seeded(tmp_path: Path) -> None:
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    noise = helper.make_node("RandomNormalLike", ["a"], ["b"])
    function = helper.make_function("own", "Noise", ["a"], ["b"], [noise], domains[:1])
    graph = helper.make_graph(
        [helper.make_node("Noise", ["x"], ["h"], domain="own"), helper.make_node("Noise", ["h"], ["y"], domain="own")],
        "noisy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "n", "m"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "h")],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=domains, functions=[function], ir_version=8), path)
    model = OnnxEngine(1).open(path)
    made = _run(model, 4)
    np.testing.assert_array_equal(made["y"], _run(model, 4)["y"])
    assert not np.array_equal(made["y"], made["h"])


def test_what_cannot_be_seeded_is_said_and_still_runs(tmp_path: Path) -> None:
    nodes = [
        LIKE,
        _constant("odds", [[0.0, 0.0]], np.float32),
        helper.make_node("Multinomial", ["odds"], ["z"], dtype=TensorProto.INT64),
    ]
    path = _model(tmp_path / "m.onnx", nodes, ("y", "z"), z=TensorProto.INT64)
    assert file_facts(path).draws_noise
    assert not file_facts(path).is_repeatable
    model = OnnxEngine(1).open(path)
    assert SEED_INPUT not in model.inputs
    assert model.run({"x": np.zeros((1, 2, 2), np.float32)})["y"].shape == (1, 2, 2)


def test_weights_in_a_file_of_their_own_are_found(tmp_path: Path) -> None:
    weights = numpy_helper.from_array(np.full((BINS,), 2.0, np.float32), "w")
    nodes = [LIKE, helper.make_node("Add", ["x", "w"], ["z"])]
    path = _model(tmp_path / "m.onnx", nodes, ("y", "z"), initializers=[weights])
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="m.data", size_threshold=0)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    made = _run(OnnxEngine(1).open(path), 0)
    assert (made["z"] == 2).all()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before, "nothing is written"


def test_a_graph_without_noise_is_left_alone(tmp_path: Path) -> None:
    path = _model(tmp_path / "m.onnx", [helper.make_node("Neg", ["x"], ["y"])])
    assert not file_facts(path).draws_noise
    assert list(OnnxEngine(1).open(path).inputs) == ["x"]
    assert seeded_model(path) is None


def test_a_damaged_noisy_model_is_named(tmp_path: Path) -> None:
    path = _model(tmp_path / "m.onnx", [LIKE])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidVoicebank, match=r"m\.onnx is no usable ONNX model"):
        OnnxEngine(1).open(path)
