"""The shipped voice's files as torch modules: the same numbers, and a clear word where a file is not of these nets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from singsynth_mcp.synthesis.engines.torch.inference.graphs import (  # noqa: E402
    NET_KEY,
    VERSION_KEY,
    Graph,
    NotOurNet,
)
from singsynth_mcp.synthesis.engines.torch.inference.weights import NETS_VERSION, load_weights, read_net  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.linguistic import LinguisticEncoder  # noqa: E402
from tests import probe_models  # noqa: E402
from tests.voicebanks.test_aviary import FOLDER  # noqa: E402

shipped = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
LINGUISTIC = FOLDER / "dspitch" / "linguistic.onnx"


def _edited(path: Path, edit) -> Graph:
    model = onnx.load(LINGUISTIC)
    edit(model)
    onnx.save(model, path)
    return Graph(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: probe_models.linguistic(path, words=True, languages=True), "its weights are not those"),
        (lambda path: probe_models.dur(path, speakers=True), "its weights are not those of the durations net"),
        (lambda path: probe_models.vocoder(path), "its weights are not those of the vocoder net"),
        (
            lambda path: probe_models.pitch(path, speakers=True, sampling="steps", rests=True, expr=True),
            "its weights are not those of the pitch net",
        ),
    ],
)
def test_another_makers_graph_is_not_taken_for_ours(make, message: str, tmp_path: Path) -> None:
    make(tmp_path / "model.onnx")
    with pytest.raises(NotOurNet, match=message):
        read_net(Graph(tmp_path / "model.onnx"))


@shipped
def test_what_was_changed_in_a_file_is_named(tmp_path: Path) -> None:
    def rename(model) -> None:
        model.graph.initializer[2].name = "word.slope"

    def reshape(model) -> None:
        tensor = next(t for t in model.graph.initializer if t.name == "blocks.0.scale")
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.ones(3, np.float32), "blocks.0.scale"))

    with pytest.raises(NotOurNet, match=r"its weight word\.bias is missing"):
        read_net(_edited(tmp_path / "a.onnx", rename))
    with pytest.raises(NotOurNet, match=r"its weight blocks\.0\.scale is \[3\], not \[125\]"):
        read_net(_edited(tmp_path / "b.onnx", reshape))


@shipped
def test_the_metadata_overrules_the_structure(tmp_path: Path) -> None:
    def signed(net: str, version: str):
        return lambda model: onnx.helper.set_model_props(model, {NET_KEY: net, VERSION_KEY: version})

    assert isinstance(read_net(_edited(tmp_path / "a.onnx", signed("linguistic", NETS_VERSION))), LinguisticEncoder)
    with pytest.raises(NotOurNet, match="version 0 of the nets"):
        read_net(_edited(tmp_path / "b.onnx", signed("linguistic", "0")))
    with pytest.raises(NotOurNet, match="not exported from the shipped nets"):
        read_net(_edited(tmp_path / "c.onnx", signed("acoustic", NETS_VERSION)))


@shipped
def test_new_phonemes_get_fresh_rows_and_the_others_keep_theirs() -> None:
    stored = Graph(LINGUISTIC).weights
    rows, inner = stored["token.weight"].shape
    torch.manual_seed(1)
    net = LinguisticEncoder(rows + 5, len(stored["language.weight"]) + 1, inner + 3, depth=2)
    fresh = net.token.weight.detach().clone()
    load_weights(net, LINGUISTIC)
    np.testing.assert_array_equal(net.token.weight.detach()[:rows], stored["token.weight"])
    torch.testing.assert_close(net.token.weight.detach()[rows:], fresh[rows:], rtol=0, atol=0)
    with pytest.raises(NotOurNet, match=r"its weight token\.weight is"):
        load_weights(LinguisticEncoder(rows - 1, 2, inner + 3, depth=2), LINGUISTIC)
    with pytest.raises(NotOurNet, match="is missing"):
        load_weights(LinguisticEncoder(rows, 2, inner + 3, depth=3), LINGUISTIC)
