"""Each stage's models against what singing feeds them and what the config claims."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from singsynth_mcp.contracts.voicebanks import VoicebankInfoResult
from singsynth_mcp.synthesis import acoustic, durations, pitch, variance, vocoder
from singsynth_mcp.synthesis.engines.onnx import OnnxModel
from singsynth_mcp.voicebanks.graphs import feeds_of
from tests import probe_models as models
from tests import voicebank_factory as factory
from tests.gpu_server.conftest import Gpu
from tests.singing import phrase_of
from tests.voicebanks.test_survey import configure

STAGES = ("files", "durations", "pitch", "variance", "acoustic", "vocoder")


async def examined(gpu: Gpu, stage: str, bank: str = "multi") -> VoicebankInfoResult:
    return await gpu.call("get_voicebank_info", voicebank=bank, stage=stage)


def codes(result: VoicebankInfoResult) -> list[tuple[str, str, str | None]]:
    return [(row.level, row.code, row.key) for row in result.findings or ()]


async def test_what_is_said_to_be_fed_is_fed(gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of what feeds each input names exactly what the stages offer their models."""
    offered: dict[str, set[str]] = {}

    def run_model(model: OnnxModel, supply: Mapping[str, Any], stage: str, *more: Any) -> dict[str, np.ndarray]:
        offered[f"{stage}/{model.path.stem}"] = set(supply)
        return original(model, supply, stage, *more)

    original = acoustic.run_model
    for module in (durations, pitch, variance, acoustic, vocoder):
        monkeypatch.setattr(module, "run_model", run_model)
    factory.multi(gpu.banks / "multi")
    await gpu.chain(await gpu.performance("multi", [(0.0, phrase_of([(0.0, 0.5, 60.0, "k a")]))]))
    told = {
        "durations/linguistic": feeds_of("linguistic", "durations"),
        "durations/dur": feeds_of("dur", "durations"),
        "pitch/linguistic": feeds_of("linguistic", "pitch"),
        "pitch/pitch": feeds_of("pitch", "pitch"),
        "variance/linguistic": feeds_of("linguistic", "variance"),
        "variance/variance": feeds_of("variance", "variance"),
        "acoustic/acoustic": feeds_of("acoustic", "acoustic"),
        "vocoder/sine": feeds_of("vocoder", None),
    }
    assert set(offered) == set(told)
    for name, table in told.items():
        assert set(table) <= offered[name], name
        assert offered[name] - set(table) <= {"x_masks"}, f"{name}: graphs.py has to know these inputs"


async def test_a_sound_bank_is_fed_everywhere(gpu: Gpu) -> None:
    bank = factory.multi(gpu.banks / "multi")
    configure(bank / "dsdur" / "dsconfig.yaml", use_lang_id=True)
    configure(bank / "dspitch" / "dsconfig.yaml", use_lang_id=True, use_continuous_acceleration=True)
    voicing = {"predict_voicing": True, "predict_energy": False, "predict_dur": False}
    configure(bank / "dsvariance" / "dsconfig.yaml", use_lang_id=True, use_continuous_acceleration=True, **voicing)
    for stage in STAGES:
        result = await examined(gpu, stage)
        assert result.findings == [], stage
        assert all(item.fed for model in result.models or () for item in model.inputs)
        assert len(result.model_dump_json(exclude_none=True)) < 4096
    [encoder, model] = (await examined(gpu, "variance")).models or ()
    assert encoder.file == "dsvariance/linguistic.onnx"
    assert {item.name for item in encoder.inputs} == {"tokens", "languages", "ph_dur"}
    assert next(item for item in model.inputs if item.name == "retake").shape == "[1, n_frames, 2]"


async def test_flags_that_contradict_the_graphs_are_warned_of(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi", acoustic_inputs=("languages", "spk_embed", "speedup", "breathiness"))
    result = await examined(gpu, "acoustic")
    assert set(codes(result)) == {
        ("warning", "config_contradicts_graph", key)
        for key in (
            *("use_key_shift_embed", "use_speed_embed", "use_voicing_embed", "use_variable_depth"),
            "use_continuous_acceleration",
        )
    }
    row = next(row for row in result.findings or () if row.key == "use_speed_embed")
    assert (row.file, row.found, row.expected) == ("dsconfig.yaml", "true", "false")
    encoder = await examined(gpu, "variance")
    told = {row.key: row.found for row in encoder.findings or ()}
    assert told["predict_dur"] == "left out, which means true"


async def test_an_input_that_nothing_supplies_is_an_error(gpu: Gpu) -> None:
    inputs = (*factory.ACOUSTIC_INPUTS, "mystery")
    factory.multi(gpu.banks / "multi", acoustic_inputs=inputs)
    result = await examined(gpu, "acoustic")
    assert codes(result) == [("error", "input_not_fed", "mystery")]
    assert result.models is not None
    assert [item.name for item in result.models[0].inputs if item.fed is None] == ["mystery"]


async def test_a_variance_that_nothing_predicts_is_an_error(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi", heads=("breathiness",))
    assert ("error", "input_not_fed", "voicing") in codes(await examined(gpu, "acoustic"))
    bank = factory.multi(gpu.banks / "bare")
    (bank / "dsvariance" / "dsconfig.yaml").unlink()
    told = codes(await examined(gpu, "acoustic", "bare"))
    assert [row for row in told if row[0] == "error"] == [
        ("error", "input_not_fed", "breathiness"),
        ("error", "input_not_fed", "voicing"),
    ]


async def test_dimensions_that_disagree_are_errors(gpu: Gpu) -> None:
    bank = factory.multi(gpu.banks / "multi")
    (bank / "solo.emb").write_bytes(bytes(4 * 7))
    configure(bank / "dsconfig.yaml", num_mel_bins=80)
    models.dur(bank / "dsdur" / "dur.onnx", speakers=True)
    acoustic_rows = (await examined(gpu, "acoustic")).findings or []
    facts = {(row.code, row.file, row.found, row.expected) for row in acoustic_rows}
    assert facts == {("embedding_size", "solo.emb", "7", "4"), ("dimension", "acoustic.onnx", "20", "80")}
    [row] = (await examined(gpu, "vocoder")).findings or []
    assert (row.code, row.key, row.found, row.expected) == ("dimension", "mel", "20", "80")


async def test_wrong_types_and_shapes_are_errors(gpu: Gpu) -> None:
    bank = factory.plain(gpu.banks / "plain")
    graph = models.Graph()
    mel = graph.input("mel", models.FLOAT, [1, "n_frames", models.BINS])
    graph.input("f0", models.INT, ["n_frames"])
    graph.save(bank / "dsvocoder" / "sine.onnx", {"waveform": (graph.channel(mel, 0), models.FLOAT, [1, "n_frames"])})
    rows = (await examined(gpu, "vocoder", "plain")).findings or []
    assert {(row.code, row.key, row.found, row.expected) for row in rows} == {
        ("input_type", "f0", "int64", "float"),
        ("input_shape", "f0", "[n_frames]", "2 dimensions"),
    }


@pytest.mark.parametrize("damage", [b"", b"no model"])
async def test_a_model_that_cannot_be_opened_leaves_the_others(gpu: Gpu, damage: bytes) -> None:
    bank = factory.multi(gpu.banks / "multi")
    (bank / "dspitch" / "pitch.onnx").write_bytes(damage)
    result = await examined(gpu, "pitch")
    assert [model.file for model in result.models or ()] == ["dspitch/linguistic.onnx"]
    rows = [row for row in result.findings or () if row.level == "error"]
    assert [(row.code, row.file) for row in rows] == [("invalid_voicebank", "dspitch/pitch.onnx")]


async def test_a_table_that_cannot_be_read_leaves_the_other_findings(gpu: Gpu) -> None:
    bank = factory.multi(gpu.banks / "multi")
    (bank / "phonemes.json").write_text("{", encoding="utf-8")
    (bank / "dspitch" / "pitch.onnx").unlink()
    result = await examined(gpu, "files")
    assert {row.file for row in result.findings or ()} >= {"phonemes.json", "dspitch/pitch.onnx"}
    assert result.syllables == []


async def test_what_an_encoder_gives_by_another_name_is_fed(gpu: Gpu) -> None:
    bank = factory.plain(gpu.banks / "plain")
    encoder = models.Graph()
    tokens = encoder.input("tokens", models.INT, [1, "n_tokens"])
    outputs = {"hidden": (encoder.real(tokens), models.FLOAT, [1, "n_tokens"])}
    encoder.save(bank / "dsdur" / "linguistic.onnx", outputs)
    predictor = models.Graph()
    hidden = predictor.input("hidden", models.FLOAT, [1, "n_tokens"])
    predictor.save(bank / "dsdur" / "dur.onnx", {"ph_dur_pred": (hidden, models.FLOAT, [1, "n_tokens"])})
    result = await examined(gpu, "durations", "plain")
    assert [item.fed for item in (result.models or [])[1].inputs] == ["the encoder's output"]
    assert not [row for row in result.findings or () if row.code == "input_not_fed"]


async def test_many_findings_are_cut_to_fit_and_counted(gpu: Gpu) -> None:
    bank = factory.multi(gpu.banks / "multi")
    names = [f"speaker-{number}" for number in range(60)]
    configure(bank / "dsconfig.yaml", speakers=names)
    result = await examined(gpu, "files")
    assert result.findings_total == len(names) * 4 + 2
    assert 0 < len(result.findings or ()) < 20
    assert len(result.model_dump_json(exclude_none=True)) < 4096


async def test_a_stage_that_is_not_there_has_no_models(gpu: Gpu) -> None:
    factory.plain(gpu.banks / "plain")
    result = await examined(gpu, "pitch", "plain")
    assert (result.models, result.findings) == (None, [])


async def test_the_written_line_is_drawn_on_request(gpu: Gpu, runs: list[str]) -> None:
    folder: Path = factory.multi(gpu.banks / "multi")
    performance = await gpu.performance("multi", [(0.0, phrase_of([(0.0, 0.5, 60.0, "k a"), (0.5, 1.0, 64.0, "a")]))])
    [timed] = await gpu.chain(performance, until="predict_durations")
    sung = await gpu.call("predict_pitch", performance=timed.id)
    assert "dspitch/pitch.onnx" in runs
    runs.clear()
    drawn = await gpu.call("predict_pitch", performance=timed.id, drawn=True)
    assert runs == []
    assert drawn.id != sung.id
    assert drawn.warnings is None
    assert (folder / "dspitch").is_dir()
