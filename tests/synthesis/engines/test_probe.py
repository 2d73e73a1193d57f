from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from singsynth_mcp.synthesis.engines.backends import OnnxCpu
from singsynth_mcp.synthesis.engines.probe import disagreement, probe_feeds, worst_difference
from tests import voicebank_factory as factory
from tests.synthesis.engines.made_backends import Bent
from tests.voicebanks.test_aviary import FOLDER


def _models(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.onnx"))


@pytest.mark.parametrize("bank", ["multi", "legacy", "plain"])
def test_the_models_of_any_voicebank_are_compared(bank: str, tmp_path: Path) -> None:
    getattr(factory, bank)(tmp_path / bank)
    for path in _models(tmp_path):
        session = OnnxCpu().open(path, 1)
        feeds = probe_feeds(session.get_inputs())
        assert feeds is not None, path
        assert disagreement(session, session) is None
        found = disagreement(Bent(session, 2.0), session)
        assert found is not None, path
        assert "differs from the CPU's by" in found


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
def test_a_little_less_precision_passes_and_a_cent_does_not() -> None:
    session = OnnxCpu().open(FOLDER / "dspitch" / "pitch.onnx", 1)
    assert disagreement(Bent(session, 0.0005), session) is None
    assert disagreement(Bent(session, 0.01), session) is not None


def test_an_unknown_input_means_no_comparison() -> None:
    class Odd:
        name, type, shape = "temperature", "tensor(float)", [1]

    assert probe_feeds([Odd()]) is None


def test_what_is_not_finite_or_of_another_size_is_as_wrong_as_can_be() -> None:
    flat = np.zeros(4, np.float32)
    assert worst_difference(flat + np.float32(np.nan), flat) == np.inf
    assert worst_difference(flat[:3], flat) == np.inf
    assert worst_difference(np.array([False]), np.array([True])) == 1.0
