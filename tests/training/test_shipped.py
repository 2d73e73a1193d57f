"""Fitting goes on from the committed voicebank, and what is exported then can be read again."""

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("scipy")

from singsynth_mcp.synthesis.engines.torch.inference.graphs import Graph, NotOurNet  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.inference.weights import NETS_VERSION, read_net  # noqa: E402
from tests.voicebanks.test_aviary import FOLDER  # noqa: E402
from training.export import GRAPHS, export_graph  # noqa: E402
from training.shipped import shipped  # noqa: E402
from training.stages import STAGES  # noqa: E402

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_starts_from_the_committed_weights(name):
    stage = shipped(STAGES[name]())
    for graph in (graph for graph in GRAPHS if graph.stage == name):
        stored = Graph(FOLDER / graph.file).weights
        for key, value in stage.modules[graph.module].state_dict().items():
            known = value[tuple(slice(size) for size in stored[key].shape)]
            assert np.array_equal(known, stored[key]), key
    assert all(weight.requires_grad for weight in stage.modules.parameters())


def test_nets_that_have_changed_are_refused(tmp_path):
    (tmp_path / "dsdur").mkdir()
    for file in ("linguistic.onnx", "dur.onnx"):
        (tmp_path / "dsdur" / file).write_bytes((FOLDER / "dspitch" / "linguistic.onnx").read_bytes())
    with pytest.raises(NotOurNet):
        shipped(STAGES["durations"](), tmp_path)


@pytest.mark.parametrize("file", ["dspitch/pitch.onnx", "dsvocoder/vocoder.onnx", "acoustic.onnx"])
def test_an_exported_net_says_what_it_is_and_comes_back_whole(file, tmp_path):
    graph = next(graph for graph in GRAPHS if graph.file == file)
    net = shipped(STAGES[graph.stage]()).modules[graph.module]
    export_graph(graph, net, tmp_path / "net.onnx")
    props = {entry.key: entry.value for entry in onnx.load(tmp_path / "net.onnx").metadata_props}
    assert props == {"singsynth.net": graph.module, "singsynth.nets_version": NETS_VERSION}
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    back = read_net(Graph(tmp_path / "net.onnx"))
    inputs = graph.inputs().values()
    with torch.no_grad():
        torch.testing.assert_close(back(*inputs), net(*inputs), rtol=0, atol=1e-5)
