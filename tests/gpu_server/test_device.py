"""What the tools say of the device, and that a result of one engine is never taken for another's."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.performance.blobs import audio_from_bytes, mel_from_bytes, phrase_from_bytes
from tests import voicebank_factory as factory
from tests.gpu_server.conftest import Gpu
from tests.gpu_server.test_aviary import FIRST, SECOND
from tests.singing import phrase_of
from tests.voicebanks.test_aviary import FOLDER, NAME

PHRASE = [(0.0, phrase_of([(0.0, 0.5, 60.0, "k a")], speaker={"solo": 1.0}))]


def _on(gpu: Gpu, device: str) -> Gpu:
    """Return the tools with another setting over the same store."""
    settings = gpu.services.settings.model_copy(update={"device": device})
    return Gpu(GpuServices(settings, gpu.services.store), gpu.banks)


async def test_every_result_says_what_it_ran_on(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi")
    cpu = _on(gpu, "cpu")
    results = await cpu.chain(await cpu.performance("multi", PHRASE))
    assert {result.device.partition(" ")[0] for result in results} == {"onnxruntime"}
    assert all(result.device.endswith(" on cpu (SINGSYNTH_DEVICE is cpu)") for result in results)
    assert all(result.warnings is None for result in results)


@pytest.mark.skipif(find_spec("onnxruntime_ep_nv_tensorrt_rtx") is not None, reason="the device may be there")
async def test_a_device_that_cannot_be_had_is_a_warning_of_every_result(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi")
    wanting = _on(gpu, "tensorrt")
    results = await wanting.chain(await wanting.performance("multi", PHRASE))
    for result in results:
        assert result.device.endswith(" on cpu (tensorrt cannot be had)")
        (warning,) = result.warnings
        assert warning.code == "device_passed_over"
        assert warning.message.startswith("SINGSYNTH_DEVICE is tensorrt, but onnxruntime:tensorrt: ")


async def test_where_the_models_run_alike_the_memo_serves_both(gpu: Gpu, runs: list[str]) -> None:
    factory.multi(gpu.banks / "multi")
    cpu = _on(gpu, "cpu")
    await cpu.chain(await cpu.performance("multi", PHRASE))
    runs.clear()
    other = _on(gpu, "onnxruntime:cpu")
    await other.chain(await other.performance("multi", PHRASE))
    assert runs == []


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
async def test_the_engines_agree_on_a_song_and_are_remembered_apart(gpu: Gpu, runs: list[str]) -> None:
    pytest.importorskip("torch")
    song = [(0.0, phrase_of(FIRST)), (5.0, phrase_of(SECOND))]
    sung = {}
    for device in ("cpu", "torch:cpu"):
        runs.clear()
        tools = _on(gpu, device)
        results = await tools.chain(await tools.performance(NAME, song))
        assert len(runs) == 16, "nothing is recalled of the other engine's work"
        sung[device] = [await tools.blobs(result.id) for result in results]
        engine = "torch" if device == "torch:cpu" else "onnxruntime"
        assert {result.device.partition(" ")[0] for result in results} == {engine}
        assert all(result.warnings is None for result in results)
    for index in range(len(song)):
        _agree(*([stage[index] for stage in sung[device]] for device in ("cpu", "torch:cpu")))


def _agree(expected: list[bytes], found: list[bytes]) -> None:
    """Compare what the five stages made of a phrase: frames equal, 0.1 cent, 0.01 dB, the waveform to -46 dB.

    A rounding of the pitch moves the phase of late samples: that is what remains of the waveforms' difference.
    """
    before, after = phrase_from_bytes(expected[2]), phrase_from_bytes(found[2])
    assert before.boundaries_s is not None
    assert before.pitch is not None
    assert before.variance is not None
    np.testing.assert_allclose(after.boundaries_s, before.boundaries_s, atol=1e-5)
    np.testing.assert_allclose(after.pitch, before.pitch, atol=1e-3)
    for name, curve in before.variance.items():
        np.testing.assert_allclose(after.variance[name], curve, atol=1e-2)
    np.testing.assert_allclose(mel_from_bytes(found[3]).mel, mel_from_bytes(expected[3]).mel, atol=5e-3)
    ours, theirs = audio_from_bytes(found[4]).audio, audio_from_bytes(expected[4]).audio
    assert len(ours) == len(theirs)
    assert np.sqrt(np.mean((ours - theirs) ** 2)) < 10 ** (-46 / 20) * np.sqrt(np.mean(theirs**2))
