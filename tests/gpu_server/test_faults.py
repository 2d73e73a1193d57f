from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from singsynth_mcp.errors import (
    InvalidVoicebank,
    SingSynthError,
    StageMissing,
    SynthesisFailed,
    UnknownArtifact,
    UnknownVoicebank,
    VoicebankMismatch,
    WrongArtifactKind,
)
from tests import voicebank_factory as factory
from tests.gpu_server.conftest import CHAIN, Gpu
from tests.singing import phrase_of

SUNG = [(0.0, 0.5, 60.0, "k a"), (0.5, 0.5, 62.0, "s a")]


async def _sing(gpu: Gpu, bank: str = "multi", until: str = "vocode") -> list:
    phrase = phrase_of(SUNG, speaker={"solo": 1.0} if bank == "multi" else {})
    return await gpu.chain(await gpu.performance(bank, [(0.0, phrase)]), until=until)


async def _fails(gpu: Gpu, error: type[SingSynthError], *words: str) -> SingSynthError:
    """Sing with a broken bank; then a sound bank must still sing in the same process."""
    factory.plain(gpu.banks / "sound")
    with pytest.raises(error) as caught:
        await _sing(gpu)
    for word in words:
        assert word in str(caught.value)
    assert await _sing(gpu, "sound")
    return caught.value


MODELS = [
    "dsdur/linguistic.onnx",
    "dsdur/dur.onnx",
    "dspitch/linguistic.onnx",
    "dspitch/pitch.onnx",
    "dsvariance/variance.onnx",
    "acoustic.onnx",
    "dsvocoder/sine.onnx",
]


@pytest.mark.parametrize("model", MODELS)
async def test_a_corrupt_model_is_named_and_the_server_lives(gpu: Gpu, model: str) -> None:
    factory.multi(gpu.banks / "multi")
    (gpu.banks / "multi" / model).write_bytes(b"not a model at all")
    await _fails(gpu, InvalidVoicebank, Path(model).name, "phrase 1", "Reinstall")


@pytest.mark.parametrize("model", MODELS)
async def test_a_truncated_model_is_named(gpu: Gpu, model: str) -> None:
    path = factory.multi(gpu.banks / "multi") / model
    path.write_bytes(path.read_bytes()[:-200])
    await _fails(gpu, InvalidVoicebank, Path(model).name)


@pytest.mark.parametrize("model", MODELS)
async def test_a_missing_model_is_named(gpu: Gpu, model: str) -> None:
    (factory.multi(gpu.banks / "multi") / model).unlink()
    await _fails(gpu, InvalidVoicebank, Path(model).name, "is missing")


async def test_an_input_that_nothing_supplies_is_named(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi", acoustic_inputs=(*factory.ACOUSTIC_INPUTS, "mystery"))
    await _fails(gpu, InvalidVoicebank, "mystery", "acoustic.onnx")


async def test_a_variance_that_nothing_predicts_is_named(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi", acoustic_inputs=(*factory.ACOUSTIC_INPUTS, "tension"))
    await _fails(gpu, InvalidVoicebank, "needs tension", "acoustic.onnx")


async def test_numbers_that_are_not_finite_name_stage_and_phrase(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi", pitch_answer="nan")
    error = await _fails(gpu, SynthesisFailed, "predict_pitch, phrase 1", "not finite", "pitch.onnx")
    assert error.details["phrase"] == 1


async def test_an_embedding_of_the_wrong_size_is_named(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi")
    path = gpu.banks / "multi" / "choir.v2" / "warm.emb"
    path.write_bytes(b"\0" * 12)
    phrase = phrase_of(SUNG, speaker={"choir.v2/warm": 1.0})
    performance = await gpu.performance("multi", [(0.0, phrase)])
    with pytest.raises(InvalidVoicebank, match=r"warm\.emb holds 3 numbers, the model wants 4"):
        await gpu.chain(performance)


async def test_a_vocoder_of_another_mel_is_refused(gpu: Gpu) -> None:
    path = factory.multi(gpu.banks / "multi") / "dsvocoder" / "vocoder.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | {"mel_fmax": 12000}), "utf-8")
    await _fails(gpu, InvalidVoicebank, "mel_fmax 12000", "dsvocoder")


@pytest.mark.parametrize("missing", [*MODELS, "dsvocoder/vocoder.yaml", "dsvariance/phonemes.json"])
async def test_nothing_is_rendered_where_a_later_stage_misses_a_file(gpu: Gpu, runs: list[str], missing: str) -> None:
    (factory.multi(gpu.banks / "multi") / missing).unlink()
    with pytest.raises(InvalidVoicebank):
        await _sing(gpu)
    assert runs == []


async def test_nothing_is_rendered_where_a_file_has_gone_since_the_last_song(gpu: Gpu, runs: list[str]) -> None:
    bank = factory.multi(gpu.banks / "multi")
    await _sing(gpu)
    runs.clear()
    (bank / "dsvocoder" / "sine.onnx").unlink()
    with pytest.raises(InvalidVoicebank, match=r"sine\.onnx is missing"):
        await _sing(gpu)
    assert runs == []


async def test_a_missing_vocoder_says_where_it_belongs(gpu: Gpu) -> None:
    (factory.multi(gpu.banks / "multi") / "dsvocoder" / "vocoder.yaml").unlink()
    await _fails(gpu, InvalidVoicebank, "has no vocoder", "sine")


async def test_a_phoneme_that_a_stage_lacks_is_named(gpu: Gpu) -> None:
    path = factory.multi(gpu.banks / "multi") / "dspitch" / "phonemes.json"
    ids = json.loads(path.read_text(encoding="utf-8"))
    del ids["ja/s"]
    path.write_text(json.dumps(ids), encoding="utf-8")
    await _fails(gpu, InvalidVoicebank, "the pitch stage has no phoneme ja/s")


async def test_a_file_outside_the_bank_is_refused(gpu: Gpu) -> None:
    path = factory.multi(gpu.banks / "multi") / "dspitch" / "dsconfig.yaml"
    text = path.read_text(encoding="utf-8").replace("pitch: pitch.onnx", "pitch: ../../sound/acoustic.onnx")
    path.write_text(text, encoding="utf-8")
    await _fails(gpu, InvalidVoicebank, "outside the voicebank")


async def test_another_version_of_the_voicebank_is_refused(gpu: Gpu) -> None:
    folder = factory.multi(gpu.banks / "multi")
    performance = await gpu.performance("multi", [(0.0, phrase_of(SUNG))])
    (folder / "dsdur" / "dsdict.yaml").write_text("symbols: []\n", encoding="utf-8")
    with pytest.raises(VoicebankMismatch, match="another version of voicebank multi"):
        await gpu.chain(performance)


async def test_a_voicebank_that_is_gone_lists_those_there_are(gpu: Gpu) -> None:
    folder = factory.multi(gpu.banks / "multi")
    performance = await gpu.performance("multi", [(0.0, phrase_of(SUNG))])
    factory.plain(gpu.banks / "plain")
    folder.rename(gpu.banks.parent / "elsewhere")
    with pytest.raises(UnknownVoicebank, match="plain"):
        await gpu.chain(performance)


async def test_stages_out_of_order_name_the_tool_to_call(gpu: Gpu) -> None:
    factory.plain(gpu.banks / "plain")
    performance = await gpu.performance("plain", [(0.0, phrase_of(SUNG))])
    for tool, needed in zip(CHAIN[1:4], CHAIN[:3], strict=True):
        with pytest.raises(StageMissing, match=f"{tool}, phrase 1: .* Call {needed} first"):
            await gpu.call(tool, performance=performance)
        performance = (await gpu.call(needed, performance=performance)).id
    with pytest.raises(WrongArtifactKind, match="expected mel"):
        await gpu.call("vocode", mel=performance)
    with pytest.raises(UnknownArtifact):
        await gpu.call("predict_pitch", performance="performance-000000000000")
