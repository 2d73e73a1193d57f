"""The voicebank's texts against its graphs and the format's rules."""

import json

import pytest
import yaml

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from training import nets  # noqa: E402
from training.bank import CONFIGS, japanese_entries, write_texts  # noqa: E402
from training.export import GRAPHS  # noqa: E402
from training.inventory import PHONEME_IDS  # noqa: E402
from training.singers import SPEAKERS  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    write_texts(folder)
    return folder


def inputs_of(path):
    return next(set(graph.inputs()) for graph in GRAPHS if graph.file == path)


@pytest.mark.parametrize(
    ("flag", "name"),
    [
        ("use_key_shift_embed", "gender"),
        ("use_speed_embed", "velocity"),
        ("use_energy_embed", "energy"),
        ("use_breathiness_embed", "breathiness"),
        ("use_voicing_embed", "voicing"),
        ("use_tension_embed", "tension"),
        ("use_lang_id", "languages"),
        ("use_continuous_acceleration", "steps"),
        ("use_variable_depth", "depth"),
    ],
)
def test_acoustic_flags_say_what_the_graph_has(flag, name):
    assert CONFIGS[""][flag] == (name in inputs_of("acoustic.onnx"))


def test_stage_flags_say_what_the_graphs_have():
    assert CONFIGS["dspitch"]["use_expr"] == ("expr" in inputs_of("dspitch/pitch.onnx"))
    assert CONFIGS["dspitch"]["use_note_rest"] == ("note_rest" in inputs_of("dspitch/pitch.onnx"))
    for name in ("energy", "breathiness", "voicing", "tension"):
        told = CONFIGS["dsvariance"][f"predict_{name}"]
        assert told == (name in inputs_of("dsvariance/variance.onnx"))
    for stage in ("dsdur", "dspitch", "dsvariance"):
        assert CONFIGS[stage]["predict_dur"] == ("word_div" in inputs_of(f"{stage}/linguistic.onnx"))


@pytest.mark.parametrize("stage", CONFIGS)
def test_every_stage_has_the_files_its_config_names(stage, folder):
    config = yaml.safe_load((folder / stage / "dsconfig.yaml").read_text(encoding="utf-8"))
    ids = json.loads((folder / stage / config["phonemes"]).read_text(encoding="utf-8"))
    assert ids == PHONEME_IDS
    assert min(ids.values()) == 1
    for speaker in config["speakers"]:
        assert (folder / stage / f"{speaker}.emb").stat().st_size == 4 * config["hidden_size"]


@pytest.mark.parametrize(
    "name", ["dsdur/dsdict.yaml", "dsdur/dsdict-ja.yaml", "dspitch/dsdict.yaml", "dsvariance/dsdict.yaml"]
)
def test_dictionaries_type_every_symbol_before_any_entry(name, folder):
    text = (folder / name).read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    assert next(iter(document)) == "symbols"
    assert {row["symbol"] for row in document["symbols"]} == set(PHONEME_IDS)
    for entry in document["entries"]:
        assert isinstance(entry["grapheme"], str)
        assert set(entry["phonemes"]) <= set(PHONEME_IDS)


def test_kana_and_romaji_read_alike():
    entries = dict(japanese_entries())
    assert entries["しゃ"] == entries["sha"] == ["ja/sh", "ja/a"]
    assert entries["ん"] == ["ja/N"]
    assert entries["no"] == ["ja/n", "ja/o"]


def test_character_names_every_singer(folder):
    character = yaml.safe_load((folder / "character.yaml").read_text(encoding="utf-8"))
    assert [bank["suffix"] for bank in character["subbanks"]] == list(SPEAKERS)
    assert character["credits"]
    assert (folder / "LICENSE").is_file()
    assert len(nets.speaker_codes()) == len(SPEAKERS)
