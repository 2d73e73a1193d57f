"""The shipped voicebank by OpenUtau's rules: what its configs promise is what its graphs have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from singsynth_mcp.settings import Settings
from singsynth_mcp.synthesis.controls import supported_controls
from singsynth_mcp.synthesis.engines.files import file_facts
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, OnnxModel
from singsynth_mcp.synthesis.stages import STAGES
from singsynth_mcp.voicebanks import Voicebank, get_voicebank
from singsynth_mcp.voicebanks.find import shipped_folders

NAME = Settings.model_fields["default_voicebank"].default
FOLDER = next((folder / NAME for folder in shipped_folders() if (folder / NAME).is_dir()), Path(NAME))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
HEADS = ("energy", "breathiness", "voicing", "tension")
STAGE_FOLDERS = ("dsdur", "dspitch", "dsvariance")


@pytest.fixture(scope="module")
def bank() -> Voicebank:
    return get_voicebank(NAME)


@pytest.fixture(scope="module")
def engine() -> OnnxEngine:
    return OnnxEngine(threads=1)


def _config(folder: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / folder / "dsconfig.yaml").read_text(encoding="utf-8"))


def _open(engine: OnnxEngine, folder: str, key: str) -> OnnxModel:
    return engine.open(FOLDER / folder / _config(folder)[key])


def _common(config: dict[str, Any], *, sampled: bool = True) -> set[str]:
    sampler = {"steps" if config.get("use_continuous_acceleration") else "speedup"} if sampled else set()
    return sampler | ({"spk_embed"} if config.get("speakers") else set())


def test_the_acoustic_models_flags_are_true(engine: OnnxEngine) -> None:
    config = _config("")
    flags = {
        "languages": "use_lang_id",
        "gender": "use_key_shift_embed",
        "velocity": "use_speed_embed",
        "depth": "use_variable_depth",
        **{head: f"use_{head}_embed" for head in HEADS},
    }
    promised = {name for name, flag in flags.items() if config.get(flag)}
    model = _open(engine, "", "acoustic")
    assert set(model.inputs) == {"tokens", "durations", "f0"} | promised | _common(config)
    assert set(model.outputs) == {"mel"}
    assert model.outputs["mel"].shape[-1] == config["num_mel_bins"]


@pytest.mark.parametrize("folder", STAGE_FOLDERS)
def test_the_encoders_flags_are_true(engine: OnnxEngine, folder: str) -> None:
    config = _config(folder)
    model = _open(engine, folder, "linguistic")
    timing = {"word_div", "word_dur"} if config.get("predict_dur", True) else {"ph_dur"}
    assert set(model.inputs) == {"tokens"} | timing | ({"languages"} if config.get("use_lang_id") else set())
    assert set(model.outputs) == {"encoder_out", "x_masks"}
    assert model.outputs["encoder_out"].shape[-1] == config["hidden_size"]


def test_the_predictors_flags_are_true(engine: OnnxEngine) -> None:
    durations = _open(engine, "dsdur", "dur")
    assert set(durations.inputs) == {"encoder_out", "x_masks", "ph_midi"} | _common(_config("dsdur"), sampled=False)
    config = _config("dspitch")
    optional = {name for name, flag in {"expr": "use_expr", "note_rest": "use_note_rest"}.items() if config.get(flag)}
    always = {"encoder_out", "ph_dur", "note_midi", "note_dur", "pitch", "retake"}
    assert set(_open(engine, "dspitch", "pitch").inputs) == always | optional | _common(config)
    config = _config("dsvariance")
    promised = {"predict_energy": True, "predict_breathiness": True, "predict_voicing": False, "predict_tension": False}
    heads = [head for head in HEADS if config.get(f"predict_{head}", promised[f"predict_{head}"])]
    variance = _open(engine, "dsvariance", "variance")
    assert set(variance.inputs) == {"encoder_out", "ph_dur", "pitch", "retake", *heads} | _common(config)
    assert list(variance.outputs) == [f"{head}_pred" for head in heads]
    assert variance.inputs["retake"].shape[-1] == len(heads)


def test_the_variance_model_predicts_what_the_acoustic_model_needs(engine: OnnxEngine) -> None:
    needed = {head for head in HEADS if head in _open(engine, "", "acoustic").inputs}
    assert needed <= {name.removesuffix("_pred") for name in _open(engine, "dsvariance", "variance").outputs}


def test_the_vocoder_takes_the_mel_that_the_acoustic_model_makes(bank: Voicebank, engine: OnnxEngine) -> None:
    folder, vocoder = bank.vocoder
    assert folder == FOLDER / "dsvocoder"
    for key, value in vocoder.model_dump().items():
        if key not in ("name", "model", "pitch_controllable", "force_on_cpu"):
            assert value == getattr(bank.acoustic.config, key), key
    model = engine.open(folder / vocoder.model)
    assert (set(model.inputs), set(model.outputs)) == ({"mel", "f0"}, {"waveform"})


@pytest.mark.parametrize("folder", STAGE_FOLDERS)
def test_every_symbol_is_typed_in_every_dictionary(bank: Voicebank, folder: str) -> None:
    paths = sorted((FOLDER / folder).glob("dsdict*.yaml"))
    assert FOLDER / folder / "dsdict.yaml" in paths
    symbols = set(json.loads((FOLDER / folder / "phonemes.json").read_text(encoding="utf-8")))
    for path in paths:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert next(iter(document)) == "symbols"
        typed = {row["symbol"]: row["type"] for row in document["symbols"]}
        assert set(typed) == symbols, path
        assert typed["SP"] == typed["AP"] == "vowel"
        for entry in document["entries"] or []:
            assert isinstance(entry["grapheme"], str), f"{path}: {entry}"
            assert set(entry["phonemes"]) <= symbols, f"{path}: {entry}"


def test_every_stage_knows_every_symbol_and_language(bank: Voicebank) -> None:
    for name in ("durations", "pitch", "variance", "acoustic"):
        stage = bank.stage(name)
        assert stage is not None
        assert set(bank.symbols) <= set(stage.phonemes)
        assert min(stage.phonemes.values()) == 1
        assert set(bank.languages) <= set(stage.languages)
        for speaker in bank.speakers:
            own = stage.speaker(speaker, bank.speakers)
            assert own is not None
            size = stage.embedding(own).stat().st_size
            assert size == 4 * _config(str(stage.folder.relative_to(FOLDER)))["hidden_size"]


def test_kana_and_romaji_are_in_the_dictionary(bank: Voicebank) -> None:
    dictionary = bank.dictionary("ja")
    for grapheme, phonemes in {"か": "k a", "ka": "k a", "しゃ": "sh a", "つ": "ts u", "ん": "N"}.items():
        assert dictionary.lookup(grapheme) == tuple(f"ja/{name}" for name in phonemes.split())


def test_it_is_deterministic_small_and_says_whose_it_is(bank: Voicebank, engine: OnnxEngine) -> None:
    files = {path for stage in STAGES.values() for path in stage.files(bank)}
    assert not any(file_facts(path).draws_noise for path in files)
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 25 * 2**20
    assert bank.licence == "Apache-2.0"
    assert any("Kokoro" in line for line in bank.credits)
    assert (FOLDER / "LICENSE").is_file()
    assert bank.range is not None
    assert {"gender", "breathiness", "voicing", "expressiveness"} <= set(supported_controls(bank, engine))
    assert set(bank.controls) == set(supported_controls(bank, engine))
    assert bank.character.colours
    assert {speaker for _, speaker in bank.character.colours} == set(bank.speakers)
