"""What is wrong with a voicebank's files is found before a model is opened: file, key, found, expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.voicebanks import read_voicebank
from singsynth_mcp.voicebanks.findings import Finding
from singsynth_mcp.voicebanks.probing import probe_syllables
from singsynth_mcp.voicebanks.survey import survey_files
from tests import voicebank_factory as factory
from tests.voicebanks.test_aviary import FOLDER


def configure(path: Path, **keys: object) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8")) | keys
    path.write_text(yaml.safe_dump({key: value for key, value in document.items() if value is not None}), "utf-8")


def surveyed(folder: Path) -> list[Finding]:
    return survey_files(read_voicebank(folder))


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    return factory.multi(tmp_path / "multi")


def test_a_sound_bank_has_nothing_to_say(bank: Path) -> None:
    assert surveyed(bank) == []


def test_the_shipped_bank_has_nothing_to_say() -> None:
    assert surveyed(FOLDER) == []


def test_an_older_bank_has_notes_alone(tmp_path: Path) -> None:
    found = surveyed(factory.legacy(tmp_path / "legacy"))
    assert {(row.level, row.code) for row in found} == {
        ("note", "mel_base_converted"),
        ("note", "no_range"),
        ("warning", "no_licence"),
    }


CASES: dict[str, tuple[Callable[[Path], object], Finding]] = {
    "missing model": (
        lambda bank: (bank / "dspitch" / "pitch.onnx").unlink(),
        Finding("error", "invalid_voicebank", "dspitch/pitch.onnx is missing", "dspitch/pitch.onnx"),
    ),
    "missing vocoder model": (
        lambda bank: (bank / "dsvocoder" / "sine.onnx").unlink(),
        Finding("error", "missing_file", "the vocoder's model is missing", "dsvocoder/sine.onnx", "model"),
    ),
    "model outside the bank": (
        lambda bank: configure(bank / "dsdur" / "dsconfig.yaml", dur="../../../dur.onnx"),
        Finding(
            "error", "invalid_voicebank", "dsdur names a file outside the voicebank: ../../../dur.onnx", "dur.onnx"
        ),
    ),
    "phoneme table that is no table": (
        lambda bank: (bank / "dsvariance" / "phonemes.json").write_text("{", encoding="utf-8"),
        Finding(
            "error",
            "invalid_voicebank",
            "dsvariance/phonemes.json is no JSON object of names and ids",
            "dsvariance/phonemes.json",
        ),
    ),
    "languages that are none": (
        lambda bank: (bank / "languages.json").unlink(),
        Finding(
            "error", "invalid_voicebank", "languages.json cannot be read: No such file or directory", "languages.json"
        ),
    ),
    "embedding missing": (
        lambda bank: (bank / "dsdur" / "solo.emb").unlink(),
        Finding("error", "no_embedding", "the embedding of speaker solo is missing", "dsdur/solo.emb", "speakers"),
    ),
    "embedding cut off": (
        lambda bank: (bank / "solo.emb").write_bytes(b"\0" * 15),
        Finding("error", "embedding_size", "an embedding is 32-bit floats", "solo.emb", found="15 bytes"),
    ),
    "embedding of another size than the key": (
        lambda bank: configure(bank / "dsdur" / "dsconfig.yaml", hidden_size=256),
        Finding(
            "warning",
            "embedding_size",
            "hidden_size and the embedding disagree: OpenUtau reads hidden_size numbers of it",
            "dsdur/solo.emb",
            "hidden_size",
            "4",
            "256",
        ),
    ),
    "speaker that a stage lacks": (
        lambda bank: configure(bank / "dsvariance" / "dsconfig.yaml", speakers=["solo"]),
        Finding(
            "warning",
            "speaker_stands_in",
            "the variance stage has no speaker choir.v2/warm: its first one stands in",
            "dsvariance/dsconfig.yaml",
            "speakers",
            "solo",
            "choir.v2/warm",
        ),
    ),
    "colour without speaker": (
        lambda bank: configure(bank / "character.yaml", subbanks=[{"color": "Dark", "suffix": "night"}]),
        Finding(
            "warning",
            "colour_without_speaker",
            "the colour Dark names the speaker night, which the acoustic model lacks",
            "character.yaml",
            "subbanks",
            "night",
            "solo, choir.v2/warm",
        ),
    ),
    "vocoder of another mel": (
        lambda bank: configure(bank / "dsvocoder" / "vocoder.yaml", hop_size=256),
        Finding(
            "error",
            "mel_mismatch",
            "the vocoder wants hop_size 256, the acoustic model makes 512",
            "dsvocoder/vocoder.yaml",
            "hop_size",
            "256",
            "512",
        ),
    ),
    "unknown logarithm": (
        lambda bank: configure(bank / "dsconfig.yaml", mel_base="2"),
        Finding("error", "mel_base", "mel_base is unknown", "dsconfig.yaml", found="2", expected="10 or e"),
    ),
    "no vocoder": (
        lambda bank: (bank / "dsvocoder").rename(bank / "elsewhere"),
        Finding(
            "error",
            "invalid_voicebank",
            "voicebank multi has no vocoder: neither dsvocoder nor a package ",
            "dsvocoder",
        ),
    ),
    "invalid YAML in a dictionary": (
        lambda bank: (bank / "dsdur" / "dsdict-ja.yaml").write_text("entries: [", encoding="utf-8"),
        Finding(
            "warning", "invalid_voicebank", "dsdur/dsdict-ja.yaml is not valid YAML in line 2", "dsdur/dsdict-ja.yaml"
        ),
    ),
    "keys of a fork": (
        lambda bank: configure(bank / "dspitch" / "dsconfig.yaml", use_glide_embed=True),
        Finding("note", "unknown_key", "nothing reads use_glide_embed", "dspitch/dsconfig.yaml"),
    ),
    "other frames": (
        lambda bank: configure(bank / "dsvariance" / "dsconfig.yaml", hop_size=256),
        Finding(
            "note",
            "other_frames",
            "the variance stage has frames of 5.80 ms: its curves are resampled",
            "dsvariance/dsconfig.yaml",
            "hop_size",
        ),
    ),
    "no terms": (
        lambda bank: configure(bank / "character.yaml", license=None),
        Finding("warning", "no_licence", "no licence text and no license key: ask the author before publishing"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_fault_is_named_with_its_file_and_key(bank: Path, case: str) -> None:
    damage, expected = CASES[case]
    damage(bank)
    found = surveyed(bank)
    same = [row for row in found if row.code == expected.code and row.message.startswith(expected.message)]
    assert same, found
    assert Finding(**vars(same[0]) | {"message": expected.message}) == expected
    assert {row.code for row in found} <= {expected.code, "no_phonemes"}, "nothing else is wrong"


def test_phonemes_that_stages_lack_are_counted(bank: Path) -> None:
    table = bank / "dspitch" / "phonemes.json"
    ids = json.loads(table.read_text(encoding="utf-8"))
    for name in ("ja/k", "ja/cl"):
        del ids[name]
    table.write_text(json.dumps(ids), encoding="utf-8")
    [found] = surveyed(bank)
    assert found.message == "the pitch stage lacks ja/cl, ja/k; words with them cannot be sung"
    assert not any("ja/k" in syllable for syllable in probe_syllables(read_voicebank(bank)))


def test_entries_with_symbols_that_are_nowhere_are_told(bank: Path) -> None:
    path = bank / "dsdur" / "dsdict-ja.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "- {grapheme: x, phonemes: [ja/zz, q]}\n", encoding="utf-8")
    [found] = surveyed(bank)
    assert (found.level, found.code) == ("warning", "unknown_symbols")
    assert found.message == "no phoneme table has ja/zz, q of its entries"


@pytest.mark.parametrize("make", [factory.multi, factory.legacy, factory.plain])
def test_a_probe_sings_phonemes_that_every_stage_has(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    bank = read_voicebank(make(tmp_path / "bank"))
    syllables = [syllable.split() for syllable in probe_syllables(bank)]
    assert len(syllables) == 5
    assert len({syllable[-1] for syllable in syllables}) == 5
    for syllable in syllables:
        assert [bank.symbols[symbol] for symbol in syllable] == ["consonant", "vowel"]


LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n"
    for before, name in zip("bcdefghijklmnopqrst", "cdefghijklmnopqrstu", strict=True)
)


@pytest.mark.parametrize("value", ["&loop [*loop]", "&loop {again: *loop}"])
def test_yaml_that_holds_itself_is_refused_with_its_line(bank: Path, value: str) -> None:
    (bank / "dspitch" / "dsconfig.yaml").write_text(f"pitch: pitch.onnx\nspeakers: {value}\n", encoding="utf-8")
    with pytest.raises(InvalidVoicebank, match=r"dspitch/dsconfig\.yaml is not valid YAML in line 2"):
        read_voicebank(bank).stage("pitch")


def test_yaml_that_multiplies_is_read_in_no_time(bank: Path) -> None:
    text = f"{LAUGHS}credits: *u\nsubbanks: [{{color: *u, suffix: *u}}]\n"
    (bank / "character.yaml").write_text(text, encoding="utf-8")
    (bank / "dspitch" / "dsconfig.yaml").write_text(f"{LAUGHS}speakers: *u\npitch: pitch.onnx\n", encoding="utf-8")
    voicebank = read_voicebank(bank)
    assert voicebank.character.credits == ()
    assert voicebank.character.colours == ()
    with pytest.raises(InvalidVoicebank, match=r"dspitch/dsconfig\.yaml: speakers"):
        voicebank.stage("pitch")


def test_a_link_that_leads_to_itself_is_a_missing_file(bank: Path) -> None:
    (bank / "acoustic.onnx").unlink()
    (bank / "acoustic.onnx").symlink_to("acoustic.onnx")
    assert [row.message for row in surveyed(bank)] == ["acoustic.onnx is missing"]
