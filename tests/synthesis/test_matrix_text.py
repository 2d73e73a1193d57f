"""The matrix, rows 7 to 11, 26 and 27: symbols, words and languages in each stage's own ids."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from singsynth_mcp.errors import InvalidVoicebank
from tests.matrix_banks import (
    DURATIONS,
    build,
    edit_yaml,
    inputs_without,
    ka_sa,
    sing,
)


def test_row_7_a_word_goes_from_one_vowel_to_the_next(tmp_path: Path) -> None:
    fed = sing(build(tmp_path / "b"), ka_sa()).fed
    assert fed["dsdur/encoder"]["word_div"].tolist() == [2, 2, 1]
    assert fed["dsdur/encoder"]["word_dur"].tolist() == [43, 43, 43]
    for stage in ("dspitch", "dsvariance"):
        assert fed[f"{stage}/encoder"]["word_div"].tolist() == [2, 2, 2]
        assert fed[f"{stage}/encoder"]["word_dur"].tolist() == [14, 43, 51]


@pytest.mark.parametrize("promised", [True, False])
def test_row_8_an_encoder_in_phoneme_mode_takes_final_frames(tmp_path: Path, promised: bool) -> None:
    config = {stage: {"predict_dur": promised} for stage in ("pitch", "variance")}
    encoder = {"encoder": {"words": False}}
    fed = sing(build(tmp_path / "b", pitch=encoder, variance=encoder, config=config), ka_sa()).fed
    for stage in ("dspitch", "dsvariance"):
        assert set(fed[f"{stage}/encoder"]) == {"tokens", "languages", "ph_dur"}
        assert fed[f"{stage}/encoder"]["ph_dur"].tolist() == DURATIONS


def test_row_9_an_encoder_of_tokens_alone_takes_nothing_else(tmp_path: Path) -> None:
    encoder = {"encoder": {"tokens_only": True, "languages": False}}
    fed = sing(build(tmp_path / "b", pitch=encoder), ka_sa()).fed
    assert set(fed["dspitch/encoder"]) == {"tokens"}


def test_row_10_languages_go_by_prefix(tmp_path: Path) -> None:
    fed = sing(build(tmp_path / "b"), ka_sa()).fed
    assert fed["dsdur/encoder"]["languages"].tolist() == [0, 2, 2, 2, 2]
    for model in ("dspitch/encoder", "dsvariance/encoder", "model"):
        assert fed[model]["languages"].tolist() == [0, 2, 2, 2, 2, 0]


def test_row_10_a_stage_without_a_table_borrows_one(tmp_path: Path) -> None:
    fed = sing(build(tmp_path / "b", languages=("variance",)), ka_sa()).fed
    for model in ("dspitch/encoder", "dsvariance/encoder", "model"):
        assert fed[model]["languages"].tolist() == [0, 2, 2, 2, 2, 0]


def test_row_11_prefixed_symbols_need_no_language_ids(tmp_path: Path) -> None:
    encoder = {"encoder": {"languages": False}}
    folder = build(
        tmp_path / "b",
        languages=(),
        ids={"SP": 1, "AP": 2, "ja/a": 3, "en/a": 4, "k": 5, "ja/s": 6},
        acoustic={"inputs": inputs_without("languages")},
        durations=encoder,
        pitch=encoder,
        variance=encoder,
    )
    phrase = ka_sa()
    bare = tuple(replace(one, symbol="k") if one.symbol == "ja/k" else one for one in phrase.phonemes)
    song = sing(folder, replace(phrase, phonemes=bare))
    assert song.fed["model"]["tokens"].tolist() == [1, 5, 3, 6, 3, 1]
    assert song.bank.languages == ("en", "ja")
    assert (song.bank.resolve("a", "en"), song.bank.resolve("ja/k")) == ("en/a", "k")


def test_row_26_every_stage_has_ids_of_its_own_and_some_are_shared(tmp_path: Path) -> None:
    tables = {
        "pitch": {"SP": 1, "AP": 1, "ja/a": 2, "ja/k": 3, "ja/s": 3},
        "variance": {"SP": 90, "AP": 91, "ja/a": 92, "ja/k": 93, "ja/s": 94},
    }
    fed = sing(build(tmp_path / "b", tables=tables), ka_sa()).fed
    assert fed["dsdur/encoder"]["tokens"].tolist() == [3, 6, 5, 7, 5]
    assert fed["dspitch/encoder"]["tokens"].tolist() == [1, 3, 2, 3, 2, 1]
    assert fed["dsvariance/encoder"]["tokens"].tolist() == [90, 93, 92, 94, 92, 90]
    assert fed["model"]["tokens"].tolist() == [3, 6, 5, 7, 5, 3]


@pytest.mark.parametrize(
    ("lines", "tokens"),
    [
        ("<PAD>\nSP\nAP\nja/a\nja/k\nja/s\n", [1, 4, 3, 5, 3, 1]),
        ("<PAD>\n<EOS>\n<UNK>\nSP\nAP\nja/a\nja/k\nja/s", [3, 6, 5, 7, 5, 3]),
        ("<PAD>\r\n<PAD>\r\n<PAD>\r\nAP\r\nSP\r\nja/a\r\nja/k\r\nja/s\r\n", [4, 6, 5, 7, 5, 4]),
        ("\ufeff<PAD>\n\n#\nSP\nja/a\nja/k\nja/s\nSP\nAP\n", [7, 5, 4, 6, 4, 7]),
    ],
)
def test_row_27_a_text_tables_ids_are_line_numbers(tmp_path: Path, lines: str, tokens: list[int]) -> None:
    fed = sing(build(tmp_path / "b", tables={"acoustic": lines.encode()}), ka_sa()).fed
    assert fed["model"]["tokens"].tolist() == tokens


def test_row_27_a_table_is_read_by_what_it_holds_where_its_name_lies(tmp_path: Path) -> None:
    folder = build(tmp_path / "b")
    (folder / "phonemes.json").rename(folder / "phonemes.txt")
    edit_yaml(folder / "dsconfig.yaml", phonemes="phonemes.txt")
    assert sing(folder, ka_sa()).fed["model"]["tokens"].tolist() == [3, 6, 5, 7, 5, 3]


def test_files_are_found_whatever_separator_and_case_the_config_has(tmp_path: Path) -> None:
    folder = build(tmp_path / "b")
    (folder / "dsmain").mkdir()
    (folder / "phonemes.json").rename(folder / "dsmain" / "Phonemes.json")
    edit_yaml(folder / "dsconfig.yaml", phonemes="dsmain\\phonemes.json")
    edit_yaml(folder / "dspitch" / "dsconfig.yaml", phonemes="..\\DSMAIN\\phonemes.json")
    assert sing(folder, ka_sa()).fed["dspitch/encoder"]["tokens"].tolist() == [3, 6, 5, 7, 5, 3]


def test_a_symbol_that_a_stage_lacks_is_never_fed_as_padding(tmp_path: Path) -> None:
    folder = build(tmp_path / "b", tables={"variance": {"SP": 1, "AP": 2, "ja/a": 3, "ja/k": 4}})
    with pytest.raises(InvalidVoicebank, match=r"the variance stage has no phoneme ja/s in .*phonemes\.json"):
        sing(folder, ka_sa())


def test_a_languages_file_that_is_none_is_named(tmp_path: Path) -> None:
    folder = build(tmp_path / "b")
    (folder / "languages.json").write_text(json.dumps(["ja"]), encoding="utf-8")
    with pytest.raises(InvalidVoicebank, match=r"languages\.json is no JSON object"):
        sing(folder, ka_sa())
