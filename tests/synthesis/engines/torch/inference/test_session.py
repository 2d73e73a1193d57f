"""The torch engine against onnxruntime, file by file, on the CPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from singsynth_mcp.synthesis.engines.backends import Array, OnnxCpu  # noqa: E402
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine  # noqa: E402
from singsynth_mcp.synthesis.engines.probe import disagreement, probe_feeds  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.inference.graphs import Graph  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.inference.session import TorchSession, run_net  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.inference.weights import read_net  # noqa: E402
from tests import voicebank_factory as factory  # noqa: E402
from tests.voicebanks.test_aviary import FOLDER  # noqa: E402

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.onnx"))
ACCELERATORS = [name for name in ("cuda", "mps") if getattr(torch, name).is_available()]
TOLERANCES = {
    "encoder_out": 1e-5,
    "x_masks": 0,
    "ph_dur_pred": 1e-4,
    "pitch_pred": 1e-4,
    "breathiness_pred": 1e-3,
    "voicing_pred": 1e-3,
    "tension_pred": 1e-3,
    "mel": 1e-3,
    "waveform": 1e-5,
}
"""Hidden units, frames, semitones, dB, log amplitude, full scale."""


def _longer(feeds: dict[str, Array]) -> dict[str, Array]:
    """Return the probe twice in a row: other lengths than any net was traced or tried with."""
    return {name: value if value.ndim < 2 else np.concatenate([value, value], axis=1) for name, value in feeds.items()}


@pytest.mark.parametrize("file", FILES)
def test_the_two_engines_agree_on_every_model(file: str) -> None:
    ours, theirs = TorchSession(FOLDER / file, "cpu"), OnnxCpu().open(FOLDER / file, 1)
    assert [(v.name, v.type, v.shape) for v in ours.get_inputs()] == [
        (v.name, v.type, v.shape) for v in theirs.get_inputs()
    ]
    assert [(v.name, v.type) for v in ours.get_outputs()] == [(v.name, v.type) for v in theirs.get_outputs()]
    names = [output.name for output in theirs.get_outputs()]
    feeds = probe_feeds(theirs.get_inputs())
    assert feeds is not None
    for given in (feeds, _longer(feeds)):
        for name, found, expected in zip(names, ours.run(names, given), theirs.run(names, given), strict=True):
            assert found.dtype == expected.dtype
            assert np.abs(found.astype(np.float64) - expected).max() <= TOLERANCES[name], name


@pytest.mark.skipif(not ACCELERATORS, reason="torch finds no accelerator")
@pytest.mark.parametrize("file", FILES)
def test_accelerators_agree_with_the_cpu(file: str) -> None:
    for device in ACCELERATORS:
        assert disagreement(TorchSession(FOLDER / file, device), OnnxCpu().open(FOLDER / file, 1)) is None


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_a_net_stays_on_its_device(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The meta device holds no numbers, but mixing it with the CPU fails as mixing any two devices does."""
    monkeypatch.setattr(torch.Tensor, "__float__", lambda tensor: 1.0)
    graph = Graph(FOLDER / file)
    feeds = probe_feeds(graph.inputs)
    assert feeds is not None
    device = torch.device("meta")
    made = run_net(read_net(graph).to(device), device, feeds)
    assert [value.device for value in made] == [device] * len(graph.outputs)


def test_outputs_come_as_they_are_asked_for() -> None:
    session = TorchSession(FOLDER / "dsvariance" / "variance.onnx", "cpu")
    feeds = probe_feeds(session.get_inputs())
    assert feeds is not None
    both = session.run(["breathiness_pred", "voicing_pred"], feeds)
    (voicing,) = session.run(["voicing_pred"], feeds)
    assert np.array_equal(voicing, both[1])


def test_threads_share_a_session() -> None:
    session = TorchSession(FOLDER / "dspitch" / "pitch.onnx", "cpu")
    feeds = probe_feeds(session.get_inputs())
    assert feeds is not None
    with ThreadPoolExecutor(4) as pool:
        curves = list(pool.map(lambda _: session.run(["pitch_pred"], feeds)[0], range(8)))
    assert all(np.array_equal(curve, curves[0]) for curve in curves)


def test_the_engine_runs_the_shipped_voice_in_torch_and_others_in_onnxruntime(tmp_path: Path) -> None:
    engine = OnnxEngine(1, "torch:cpu")
    for path in sorted(FOLDER.rglob("*.onnx")):
        place = engine.placement(path, on_cpu="linguistic" in path.name)
        assert (place.engine, place.device, place.warnings) == ("torch", "cpu", ())
    other = factory.multi(tmp_path / "multi") / "acoustic.onnx"
    place = engine.placement(other)
    assert place.engine == "onnxruntime"
    (warning,) = place.warnings
    assert warning.startswith(
        "multi/acoustic.onnx does not run on torch:cpu: its weights are not those of the acoustic"
    )
