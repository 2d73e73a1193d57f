from __future__ import annotations

import json
from pathlib import Path

import pytest

from singsynth_mcp.errors import InvalidVoicebank, UnknownName
from singsynth_mcp.voicebanks import read_voicebank
from singsynth_mcp.voicebanks.inventory import read_phonemes
from tests import voicebank_factory as factory


def test_symbols_have_roles_by_the_dictionaries(tmp_path: Path) -> None:
    bank = read_voicebank(factory.multi(tmp_path / "multi"))
    assert bank.symbols["SP"] == "rest"
    assert bank.symbols["AP"] == "breath"
    assert bank.symbols["ja/N"] == "vowel"
    assert bank.symbols["ja/cl"] == "consonant"
    assert bank.symbols["ja/y"] == "consonant"
    assert bank.glides == {"ja/y", "ja/w"}
    assert bank.languages == ("ja",)
    assert bank.controls == ("gender", "velocity", "breathiness", "voicing", "expressiveness", "loudness", "dynamics")


def test_symbols_without_a_dictionary_have_the_usual_vowels(tmp_path: Path) -> None:
    folder = factory.plain(tmp_path / "plain")
    for path in folder.rglob("dsdict*.yaml"):
        path.unlink()
    bank = read_voicebank(folder)
    assert {symbol for symbol, role in bank.symbols.items() if role == "vowel"} == set(factory.VOWELS)


def test_symbols_are_found_with_and_without_their_language(tmp_path: Path) -> None:
    multi = read_voicebank(factory.multi(tmp_path / "multi"))
    assert multi.resolve("k", "ja") == "ja/k"
    assert multi.resolve("ja/k") == "ja/k"
    assert multi.resolve("K", "ja") is None
    assert multi.resolve("SP", "ja") == "SP"
    bare = read_voicebank(factory.legacy(tmp_path / "legacy"))
    assert bare.resolve("ja/k", "ja") == "k"


def test_words_that_yaml_takes_for_booleans_stay_words(tmp_path: Path) -> None:
    bank = read_voicebank(factory.multi(tmp_path / "multi"))
    dictionary = bank.dictionary("ja")
    assert dictionary.lookup("no") == ("n", "o")
    assert dictionary.lookup("On") == ("ja/o", "ja/N")
    assert dictionary.lookup("yes") is None


def test_a_broken_dictionary_matters_only_where_it_is_asked_for(tmp_path: Path) -> None:
    folder = factory.multi(tmp_path / "multi")
    (folder / "dsdur" / "dsdict-xx.yaml").write_text("entries: [", encoding="utf-8")
    bank = read_voicebank(folder)
    assert bank.symbols["ja/a"] == "vowel"
    assert bank.dictionary("ja").lookup("no")
    with pytest.raises(InvalidVoicebank, match=r"dsdict-xx\.yaml is not valid YAML"):
        bank.dictionary("xx")


def test_glued_symbols_are_split(tmp_path: Path) -> None:
    folder = factory.multi(tmp_path / "multi")
    (folder / "dsdur" / "dsdict-pt.yaml").write_text(
        'entries:\n- {grapheme: si, phonemes: ["pt/s pt/i"]}\n', encoding="utf-8"
    )
    assert read_voicebank(folder).dictionary("pt").lookup("si") == ("pt/s", "pt/i")


def test_lines_of_a_text_table_count_from_zero_and_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "phonemes.txt"
    path.write_bytes(b"\xef\xbb\xbf<PAD>\r\n<PAD>\r\n#\r\n\r\nSP\r\n a\r\nk\r\nSP")
    assert read_phonemes(path) == {"#": 2, "SP": 7, " a": 5, "k": 6}


def test_a_table_is_read_by_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "phonemes.txt"
    path.write_text('{"SP": 1, "ja/a": 2, "zh/a": 2}', encoding="utf-8")
    assert read_phonemes(path) == {"SP": 1, "ja/a": 2, "zh/a": 2}


def test_speakers_are_known_by_name_last_part_and_colour(tmp_path: Path) -> None:
    bank = read_voicebank(factory.multi(tmp_path / "multi"))
    for name in ("choir.v2/warm", "warm", "Warm"):
        assert bank.speaker(name) == "choir.v2/warm"
    with pytest.raises(UnknownName, match="Speakers: solo, choir"):
        bank.speaker("loud")


def test_a_stage_finds_its_own_name_of_a_speaker(tmp_path: Path) -> None:
    bank = read_voicebank(factory.multi(tmp_path / "multi"))
    pitch = bank.stage("pitch")
    assert pitch is not None
    assert pitch.speaker("solo", bank.speakers) == "bank.solo"
    assert pitch.speaker("choir.v2/warm", bank.speakers) == "elsewhere/warm"
    assert pitch.speaker("nobody", bank.speakers) is None
    assert pitch.embedding("bank.solo").name == "bank.solo.emb"


def test_paths_may_be_windows_like_and_of_another_case(tmp_path: Path) -> None:
    folder = factory.plain(tmp_path / "plain")
    (folder / "Models").mkdir()
    (folder / "phonemes.json").rename(folder / "Models" / "Phonemes.JSON")
    config = (folder / "dsconfig.yaml").read_text(encoding="utf-8")
    (folder / "dsconfig.yaml").write_text(config.replace("phonemes.json", r"models\phonemes.json"), encoding="utf-8")
    assert "ja/a" in read_voicebank(folder).symbols


@pytest.mark.parametrize("outside", ["../../secret.json", "/etc/hostname"])
def test_paths_may_not_leave_the_bank(tmp_path: Path, outside: str) -> None:
    folder = factory.plain(tmp_path / "plain")
    (tmp_path.parent / "secret.json").write_text(json.dumps({"SP": 1}), encoding="utf-8")
    config = (folder / "dsconfig.yaml").read_text(encoding="utf-8")
    (folder / "dsconfig.yaml").write_text(config.replace("phonemes.json", outside), encoding="utf-8")
    with pytest.raises(InvalidVoicebank, match="outside the voicebank"):
        _ = read_voicebank(folder).symbols


def test_a_text_in_shift_jis_is_read(tmp_path: Path) -> None:
    bank = read_voicebank(factory.legacy(tmp_path / "legacy"))
    assert bank.name == "歌う正弦波"
    assert bank.credits == ("Voicebank: 誰か",)
    assert bank.languages == ()
