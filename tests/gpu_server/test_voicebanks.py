from __future__ import annotations

import pytest

from singsynth_mcp.errors import InvalidVoicebank, UnknownVoicebank
from tests import voicebank_factory as factory
from tests.gpu_server.conftest import Gpu


async def test_one_bad_voicebank_hides_no_other(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi")
    factory.legacy(gpu.banks / "nested" / "deeper" / "legacy")
    factory.plain(gpu.banks / "Keiro" / "configs")
    broken = factory.plain(gpu.banks / "broken")
    (broken / "dsconfig.yaml").write_text("acoustic: [unclosed", encoding="utf-8")
    wordless = factory.plain(gpu.banks / "wordless")
    (wordless / "phonemes.json").write_text("{", encoding="utf-8")
    (factory.multi(gpu.banks / "mute") / "dsvocoder" / "sine.onnx").unlink()
    listed = await gpu.call("list_voicebanks")
    rows = {row.id: row for row in listed.voicebanks}
    assert {"multi", "legacy", "Keiro", "broken", "wordless"} <= set(rows)
    assert rows["multi"].name == "Sine"
    assert rows["multi"].default
    assert rows["multi"].languages == ["ja"]
    assert rows["legacy"].name == "歌う正弦波"
    assert "dsconfig.yaml is not valid YAML in line" in rows["broken"].error
    assert "phonemes.json" in rows["wordless"].error
    assert "sine.onnx is missing" in rows["mute"].error
    assert [row.id for row in listed.voicebanks if row.error] == ["broken", "mute", "wordless"]


async def test_many_voicebanks_make_a_short_listing(gpu: Gpu) -> None:
    for number in range(60):
        broken = gpu.banks / f"broken-{number:02}"
        broken.mkdir()
        (broken / "dsconfig.yaml").write_text("acoustic: [", encoding="utf-8")
    factory.plain(gpu.banks / "sound")
    listed = await gpu.call("list_voicebanks")
    assert listed.total >= 61
    assert len(listed.model_dump_json(exclude_none=True)) < 4096
    assert "sound" in [row.id for row in listed.voicebanks]


async def test_info_says_what_can_be_sung_and_on_what_terms(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi")
    info = await gpu.call("get_voicebank_info")
    assert (info.id, info.name, info.lowest, info.highest) == ("multi", "Sine", "A3", "E5")
    assert info.speakers == list(factory.SPEAKERS)
    assert info.colours == ["Solo", "Warm"]
    assert info.controls == ["gender", "velocity", "breathiness", "voicing", "expressiveness", "loudness", "dynamics"]
    assert info.stages == ["durations", "pitch", "variance", "acoustic", "vocoder"]
    assert info.licence == "CC0-1.0"
    assert info.credits == ["Sung by a sine"]
    assert info.sample_rate == 44100
    assert info.total == len(factory.SYMBOLS)


async def test_info_goes_by_the_graphs_where_flags_lie(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi", acoustic_inputs=("languages", "spk_embed", "steps", "breathiness"))
    info = await gpu.call("get_voicebank_info", voicebank="multi")
    assert info.controls == ["breathiness", "expressiveness", "loudness", "dynamics"]


async def test_terms_are_never_guessed(gpu: Gpu) -> None:
    folder = factory.plain(gpu.banks / "plain")
    info = await gpu.call("get_voicebank_info", voicebank="plain")
    assert info.licence.startswith("not stated")
    (folder / "LICENSE.txt").write_text("\nCC BY-NC-ND 4.0\nmore", encoding="utf-8")
    info = await gpu.call("get_voicebank_info", voicebank="plain")
    assert info.licence == "LICENSE.txt: CC BY-NC-ND 4.0"


async def test_an_unknown_voicebank_lists_those_there_are(gpu: Gpu) -> None:
    factory.plain(gpu.banks / "plain")
    with pytest.raises(UnknownVoicebank, match=r"no voicebank nobody\. Voicebanks: .*plain"):
        await gpu.call("get_voicebank_info", voicebank="nobody")


async def test_info_on_a_corrupt_model_names_it(gpu: Gpu) -> None:
    folder = factory.plain(gpu.banks / "plain")
    (folder / "acoustic.onnx").write_bytes(b"")
    with pytest.raises(InvalidVoicebank, match=r"acoustic\.onnx"):
        await gpu.call("get_voicebank_info", voicebank="plain")
