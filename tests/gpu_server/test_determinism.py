"""The same song in any order, by two workers and after a cache wipe is the same, sample for sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.engines.onnx import shared_engine
from tests import voicebank_factory as factory
from tests.gpu_server.conftest import Gpu
from tests.singing import Sung, phrase_of
from tests.voicebanks.test_aviary import FOLDER, NAME

PHRASES: list[list[Sung]] = [
    [(0.0, 0.4, 64.0, "k a"), (0.4, 0.4, 67.0, "s a")],
    [(0.0, 0.5, 60.0, "s a"), (0.5, 0.6, 64.0, "t o")],
    [(0.0, 0.7, 62.0, "N")],
    [(0.0, 0.4, 64.0, "k a"), (0.4, 0.4, 67.0, "s a")],
]
"""The last is the first again."""


def _noisy(gpu: Gpu) -> tuple[str, dict[str, float]]:
    factory.multi(gpu.banks / "multi", noise=True)
    return "multi", {"solo": 1.0}


def _shipped(gpu: Gpu) -> tuple[str, dict[str, float]]:
    return NAME, {}


def _song(speaker: dict[str, float]) -> list[tuple[float, Phrase]]:
    return [(3.0 * index, phrase_of(notes, speaker=speaker)) for index, notes in enumerate(PHRASES)]


def _wiped(gpu: Gpu, name: str) -> Gpu:
    """The same voicebanks with an empty store and no model open."""
    shared_engine.cache_clear()
    settings = gpu.services.settings.model_copy(update={"artifacts": gpu.banks.parent / name})
    store = FolderStore(settings.artifacts, max_bytes=2**30, max_days=30)
    return Gpu(replace(gpu.services, settings=settings, store=store), gpu.banks)


async def _audio(gpu: Gpu, bank: str, song: list[tuple[float, Phrase]], *windows: str, seed: int = 0) -> list[bytes]:
    """Sing the windows one after the other, then gather the song."""
    performance = await gpu.performance(bank, song, seed=seed)
    for window in windows:
        await gpu.chain(performance, phrases=window)
    results = await gpu.chain(performance)
    assert all(result.deterministic for result in results)
    return await gpu.blobs(results[-1].id)


shipped = pytest.param(_shipped, marks=pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice is not made yet"))


@pytest.mark.parametrize("choose", [_noisy, shipped])
async def test_order_workers_and_wiped_caches_change_nothing(
    gpu: Gpu, choose: Callable[[Gpu], tuple[str, dict[str, float]]]
) -> None:
    bank, speaker = choose(gpu)
    song = _song(speaker)
    in_order = await _audio(gpu, bank, song)
    assert await _audio(_wiped(gpu, "reverse"), bank, song, "4", "3", "2", "1") == in_order
    both = _wiped(gpu, "both")
    performance = await both.performance(bank, song)
    async with anyio.create_task_group() as group:
        for window in ("3-4", "1-2"):
            group.start_soon(both.chain, performance, "vocode", window)
    results = await both.chain(performance)
    assert await both.blobs(results[-1].id) == in_order
    assert in_order[0] == in_order[3], "an equal phrase sounds equal wherever it stands"
    alone = await _audio(_wiped(gpu, "alone"), bank, song[1:2])
    assert alone == in_order[1:2]


async def test_another_seed_is_another_take(gpu: Gpu) -> None:
    bank, speaker = _noisy(gpu)
    takes = [await _audio(gpu, bank, _song(speaker), seed=seed) for seed in (0, 1)]
    assert all(one != other for one, other in zip(*takes, strict=True))


async def test_a_control_keeps_the_take(gpu: Gpu) -> None:
    bank, speaker = _noisy(gpu)
    plain = phrase_of(PHRASES[0], speaker=speaker)
    gendered = phrase_of(PHRASES[0], speaker=speaker, controls={"gender": 0.5})
    audio = [await _audio(gpu, bank, [(0.0, phrase)]) for phrase in (plain, gendered)]
    assert audio[0] == audio[1], "the probe's vocoder does not hear gender, and the noise is the same"


async def test_noise_that_cannot_be_seeded_is_said(gpu: Gpu) -> None:
    folder = factory.multi(gpu.banks / "multi")
    _add_dice(folder / "acoustic.onnx")
    results = await gpu.chain(await gpu.performance("multi", _song({"solo": 1.0})))
    assert [result.deterministic for result in results] == [True, True, True, False, False]


def _add_dice(path: Path) -> None:
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((1, 2), np.float32), "odds"))
    model.graph.node.append(helper.make_node("Multinomial", ["odds"], ["dice"], dtype=TensorProto.INT32))
    model.graph.output.append(helper.make_tensor_value_info("dice", TensorProto.INT32, None))
    onnx.save(model, path)
