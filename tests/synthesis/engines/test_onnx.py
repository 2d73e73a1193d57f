"""Which backend a model ends up on, what is said of it, and how many models stay open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from singsynth_mcp.errors import InvalidVoicebank, SynthesisFailed
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, Placement
from singsynth_mcp.synthesis.engines.torch.inference.graphs import NotOurNet
from tests import probe_models
from tests.synthesis.engines.made_backends import MadeBackend


@pytest.fixture
def dur(tmp_path: Path) -> Path:
    (tmp_path / "dsdur").mkdir()
    probe_models.dur(tmp_path / "dsdur" / "dur.onnx", speakers=True)
    return tmp_path / "dsdur" / "dur.onnx"


def _engine(backend: MadeBackend, device: str = "drum") -> OnnxEngine:
    return OnnxEngine(1, device, choose=backend.chosen)


def test_a_backend_that_answers_as_the_cpu_does_is_used(dur: Path) -> None:
    place = _engine(MadeBackend(offset=1e-4)).open(dur).placement
    assert (str(place), place.warnings) == ("made 1 on drum", ())


def test_a_backend_that_answers_otherwise_is_not_used(dur: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = _engine(MadeBackend(offset=0.5)).open(dur)
    assert model.placement.device == "cpu"
    (warning,) = model.placement.warnings
    assert warning.startswith("dsdur/dur.onnx does not run on made:drum: its ph_dur_pred differs from the CPU's by 0.")
    assert caplog.messages == [warning]


def test_a_backend_that_fails_is_not_used(dur: Path) -> None:
    model = _engine(MadeBackend(failure=RuntimeError("no memory left\nat line 3"))).open(dur)
    assert model.placement.device == "cpu"
    assert model.placement.warnings == ("dsdur/dur.onnx does not run on made:drum: no memory left",)


def test_that_a_voice_is_not_ours_is_said_to_those_who_asked(dur: Path) -> None:
    backend = MadeBackend(failure=NotOurNet("it was not exported from the shipped nets"))
    assert _engine(backend, "auto").open(dur).placement.warnings == ()
    (warning,) = _engine(backend).open(dur).placement.warnings
    assert "not exported from the shipped nets" in warning


def test_what_draws_noise_is_used_without_a_comparison(tmp_path: Path) -> None:
    path = tmp_path / "acoustic.onnx"
    probe_models.acoustic(path, inputs=["steps"], vowels=[2], noise=True)
    assert _engine(MadeBackend(offset=0.5)).open(path).placement.device == "drum"


def test_small_models_stay_on_the_cpu(dur: Path) -> None:
    backend = MadeBackend()
    engine = _engine(backend)
    assert engine.placement(dur, on_cpu=True).device == engine.open(dur, on_cpu=True).placement.device == "cpu"
    assert backend.opened == []
    assert engine.placement(dur).device == "drum"


def test_a_placement_that_needs_no_look_opens_nothing(tmp_path: Path) -> None:
    assert OnnxEngine(1).placement(tmp_path / "missing.onnx").device == "cpu"
    with pytest.raises(InvalidVoicebank, match="is missing"):
        OnnxEngine(1).open(tmp_path / "missing.onnx")


def test_a_failing_run_names_the_device_and_the_way_out(dur: Path) -> None:
    with pytest.raises(SynthesisFailed) as caught:
        _engine(MadeBackend()).open(dur).run({"encoder_out": np.zeros(3, np.float32)})
    assert caught.value.hint == "It ran on made 1 on drum; SINGSYNTH_DEVICE=cpu runs it on the CPU."
    with pytest.raises(SynthesisFailed) as caught:
        OnnxEngine(1).open(dur).run({"encoder_out": np.zeros(3, np.float32)})
    assert "SINGSYNTH_DEVICE" not in caught.value.hint


@pytest.fixture
def copies(dur: Path) -> Callable[[str], Path]:
    def copy(name: str) -> Path:
        path = dur.with_name(f"{name}.onnx")
        return path if path.exists() else Path(shutil.copy(dur, path))

    return copy


def test_what_was_used_least_recently_is_closed(dur: Path, copies: Callable[[str], Path]) -> None:
    engine = OnnxEngine(1, max_bytes=int(2.5 * dur.stat().st_size))
    first, second = engine.open(copies("a")), engine.open(copies("b"))
    assert engine.open(copies("a")) is first
    engine.open(copies("c"))
    assert engine.open(copies("a")) is first
    assert engine.open(copies("b")) is not second
    assert second.inputs, "who holds a closed model can still run it"


def test_a_model_that_was_closed_is_opened_where_it_ran(copies: Callable[[str], Path]) -> None:
    faithful, broken = MadeBackend(), MadeBackend(failure=RuntimeError("no memory left"))
    for backend, device in ((faithful, "drum"), (broken, "cpu")):
        engine = OnnxEngine(1, "drum", 0, backend.chosen)
        first = engine.open(copies("a"))
        engine.open(copies("b"))
        backend.opened.clear()
        assert engine.placement(copies("a")) is first.placement
        assert backend.opened == []
        again = engine.open(copies("a"))
        assert again is not first
        assert again.placement == first.placement
        assert again.placement.device == device
    assert broken.opened == [], "what failed is not tried again"


def test_torch_on_cuda_does_not_promise_equal_bits() -> None:
    assert not Placement("torch", "2", "cuda").repeats
    assert Placement("torch", "2", "cpu").repeats
    assert Placement("onnxruntime", "1", "cuda").repeats


def test_a_model_larger_than_the_limit_is_kept_while_it_is_the_last(copies: Callable[[str], Path]) -> None:
    engine = OnnxEngine(1, max_bytes=0)
    model = engine.open(copies("a"))
    assert engine.open(copies("a")) is model
    engine.open(copies("b"))
    assert engine.open(copies("a")) is not model


def test_a_file_that_changed_is_opened_anew(dur: Path) -> None:
    engine = OnnxEngine(1)
    before = engine.open(dur)
    probe_models.dur(dur, speakers=False)
    assert "spk_embed" in before.inputs
    assert "spk_embed" not in engine.open(dur).inputs
