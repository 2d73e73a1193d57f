"""What the committed files say of the nets they came from; needs no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from singsynth_mcp.synthesis.engines.torch.inference.graphs import Graph, NotOurNet, module_path
from tests import probe_models
from tests.voicebanks.test_aviary import FOLDER

shipped = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")


@pytest.mark.parametrize(
    ("node", "module"),
    [
        ("/place/MatMul", "place"),
        ("/phonemes.0/widen/MatMul", "phonemes.0.widen"),
        ("/blocks/blocks.3/narrow/MatMul", "blocks.3.narrow"),
        ("/synthesiser/fourier_1/MatMul_1", "synthesiser.fourier_1"),
        ("/MatMul", ""),
    ],
)
def test_a_node_says_whose_it_is(node: str, module: str) -> None:
    assert module_path(node) == module


@shipped
def test_every_linear_layers_weight_is_found_under_its_name() -> None:
    weights = Graph(FOLDER / "acoustic.onnx").weights
    layers = {name.removesuffix(".bias") for name in weights if name.endswith(".bias")}
    assert {f"{layer}.weight" for layer in layers} <= weights.keys()
    assert not [name for name in weights if name.startswith("onnx::")]
    assert weights["blocks.0.widen.weight"].shape == (len(weights["blocks.0.widen.bias"]), len(weights["norm.bias"]))


@shipped
def test_what_is_no_weight_is_read_from_the_graph() -> None:
    turn = Graph(FOLDER / "dspitch" / "pitch.onnx").angular_step()
    assert turn / (2 * np.pi) * 44100 / 512 == pytest.approx(5.5, abs=0.6)
    tables = Graph(FOLDER / "dsvocoder" / "vocoder.onnx").factors("synthesiser")
    assert [table.shape for table in tables[:2]] == [(256, 40 * 17)] * 2
    assert np.allclose(tables[0].sum(axis=0), 1.0, atol=0.2), "interpolation weights of every bin add up to one"


def test_a_graph_without_a_wave_says_so(tmp_path: Path) -> None:
    probe_models.dur(tmp_path / "dur.onnx", speakers=True)
    with pytest.raises(NotOurNet, match="no wave"):
        Graph(tmp_path / "dur.onnx").angular_step()


def test_a_damaged_file_is_no_net(tmp_path: Path) -> None:
    (tmp_path / "acoustic.onnx").write_bytes(b"\x00damaged")
    with pytest.raises(NotOurNet, match=r"acoustic\.onnx cannot be read"):
        Graph(tmp_path / "acoustic.onnx")
