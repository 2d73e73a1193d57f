"""Every graph of the voicebank against its torch module, at lengths it was not traced with."""

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("scipy")

from tests.training.made_examples import made_example  # noqa: E402
from training.export import GRAPHS, export_graph  # noqa: E402
from training.exported import Bank  # noqa: E402
from training.stages import STAGES  # noqa: E402


@pytest.fixture(scope="module")
def stages():
    torch.manual_seed(7)
    return {name: stage() for name, stage in STAGES.items()}


@pytest.fixture(scope="module")
def folder(stages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    for graph in GRAPHS:
        export_graph(graph, stages[graph.stage].modules[graph.module], folder / graph.file)
    return folder


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.file)
def test_graph_takes_the_formats_inputs(graph, folder):
    session = onnxruntime.InferenceSession(str(folder / graph.file))
    assert [i.name for i in session.get_inputs()] == list(graph.inputs())
    assert [o.name for o in session.get_outputs()] == list(graph.outputs)


class TorchBank(Bank):
    """The same chain, run by the torch modules."""

    def __init__(self, stages):
        self.stages = stages

    def run(self, graph, feed):
        found = next(g for g in GRAPHS if g.file == f"{graph}.onnx")
        inputs = [torch.from_numpy(np.asarray(feed[name])) for name in found.inputs() if name in feed]
        with torch.no_grad():
            outputs = self.stages[found.stage].modules[found.module].eval()(*inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return {name: value.numpy() for name, value in zip(found.outputs, outputs, strict=True)}


@pytest.mark.parametrize("notes", [1, 9])
def test_the_chain_gives_what_torch_gives_at_any_length(notes, folder, stages):
    example = made_example(3, notes)
    bank, reference = Bank(folder, threads=1), TorchBank(stages)
    sung, expected = bank.sing(example), reference.sing(example)
    for name in ("ph_dur_pred", "pitch", "breathiness", "voicing", "mel"):
        np.testing.assert_allclose(getattr(sung, name), getattr(expected, name), atol=2e-3, err_msg=name)
    assert len(sung.audio) == 512 * len(example.f0)
    # The same mel and F0 for both: a rounding of F0 alone moves the phase of late samples.
    feed = {"mel": expected.mel[None], "f0": example.f0[None]}
    waves = [bank.run("dsvocoder/vocoder", feed)["waveform"] for bank in (bank, reference)]
    np.testing.assert_allclose(*waves, atol=2e-3)


def test_two_runs_are_equal_bit_for_bit(folder):
    example = made_example(4)
    first, second = Bank(folder, threads=2).sing(example), Bank(folder, threads=2).sing(example)
    assert np.array_equal(first.audio, second.audio)
