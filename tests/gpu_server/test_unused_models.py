"""A model that is there and cannot be used is said, with the input that it lacks; singing goes on without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.performance.blobs import phrase_from_bytes
from singsynth_mcp.performance.model import Phrase
from tests.gpu_server.conftest import Gpu
from tests.matrix_banks import build, edit_yaml, inputs_without, ka_sa
from tests.probe_models import HEADS
from tests.singing import phrase_of

NO_HEADS = {"inputs": inputs_without(*HEADS)}


async def _sing(gpu: Gpu, phrase: Phrase, seed: int = 0, **choices: Any) -> tuple[list[Any], Phrase]:
    folder = gpu.banks / "bank"
    if not folder.exists():
        build(folder, **choices)
    results = await gpu.chain(await gpu.performance("bank", [(0.0, phrase)], seed=seed), until="synthesize_audio")
    return results, phrase_from_bytes((await gpu.blobs(results[2].id))[0])


@pytest.mark.parametrize("stage", ["durations", "pitch", "variance"])
async def test_a_predictor_with_an_unknown_input_gives_way_to_the_rules(gpu: Gpu, stage: str) -> None:
    results, phrase = await _sing(gpu, ka_sa(), acoustic=NO_HEADS, **{stage: {"mystery": True}})
    warnings = [warning for result in results for warning in result.warnings or []]
    assert [warning.code for warning in warnings] == ["model_not_used"]
    assert f"the {stage} model" in warnings[0].message
    assert "needs the input mystery, which nothing supplies" in warnings[0].message
    assert phrase.boundaries_s is not None
    assert phrase.pitch is not None
    np.testing.assert_allclose(phrase.boundaries_s[[1, 3, 4]], [0.0, 0.5, 1.0])
    assert (phrase.variance == {}) == (stage == "variance")
    assert np.abs(np.median(phrase.pitch[20:40]) - 60) < 1


async def test_a_predictor_that_wants_a_speaker_nobody_named_gives_way(gpu: Gpu) -> None:
    edit_yaml(build(gpu.banks / "bank") / "dspitch" / "dsconfig.yaml", speakers=[])
    results, _ = await _sing(gpu, ka_sa())
    assert [warning.code for result in results for warning in result.warnings or []] == ["model_not_used"]
    assert "needs the input spk_embed, but" in results[1].warnings[0].message
    assert "names no speakers" in results[1].warnings[0].message


async def test_an_acoustic_model_cannot_do_without_what_it_needs(gpu: Gpu) -> None:
    with pytest.raises(InvalidVoicebank, match="needs energy, which the voicebank's variance model does not predict"):
        await _sing(gpu, ka_sa(), variance={"mystery": True})


async def test_an_acoustic_model_with_an_unknown_input_is_refused(gpu: Gpu) -> None:
    with pytest.raises(InvalidVoicebank, match="needs the input mystery, which nothing supplies"):
        await _sing(gpu, ka_sa(), acoustic={"inputs": (*inputs_without(), "mystery")})


async def test_languages_without_a_table_are_said(gpu: Gpu) -> None:
    results, _ = await _sing(gpu, ka_sa(), languages=())
    messages = [warning.message for result in results for warning in result.warnings or []]
    assert len(messages) == 4
    assert all("takes languages and no languages.json says their ids" in message for message in messages)


async def test_a_shift_that_the_vocoder_does_not_take_is_said(gpu: Gpu) -> None:
    results, _ = await _sing(gpu, ka_sa(controls={"tone_shift": 3.0}))
    assert [warning.code for result in results for warning in result.warnings or []] == ["control_not_supported"]


async def test_drawn_pitch_is_a_seeds_own_and_stays_in_tune(gpu: Gpu) -> None:
    curves = {}
    for seed in (0, 0, 1):
        _, phrase = await _sing(gpu, ka_sa(), seed, acoustic=NO_HEADS, without=("pitch",))
        assert phrase.pitch is not None
        assert seed not in curves or np.array_equal(curves[seed], phrase.pitch)
        curves[seed] = phrase.pitch
    assert not np.array_equal(curves[0], curves[1])
    for curve in curves.values():
        assert 0.005 < curve[16:45].std() < 0.2
        assert np.abs(np.median(curve[16:45]) - 60) < 0.15
    _, still = await _sing(gpu, ka_sa(controls={"expressiveness": 0.0}))
    assert still.pitch is not None
    assert (still.pitch[16:45] == 60).all()


async def test_drawn_vibrato_sets_in_on_held_notes(gpu: Gpu) -> None:
    _, phrase = await _sing(gpu, phrase_of([(0.0, 3.0, 60.0, "k a")]), acoustic=NO_HEADS, without=("pitch",))
    assert phrase.pitch is not None
    early, late = phrase.pitch[14:38], phrase.pitch[100:230]
    assert np.ptp(early) < 0.35
    assert 0.3 < np.ptp(late) < 0.9
    spectrum = np.abs(np.fft.rfft(late - late.mean()))
    swing_hz = np.fft.rfftfreq(len(late), 512 / 44100)[spectrum.argmax()]
    assert 4.5 < swing_hz < 6.5
