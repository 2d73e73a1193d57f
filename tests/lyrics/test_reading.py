from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from singsynth_mcp.errors import InvalidLyrics
from singsynth_mcp.lyrics.kana import spellings
from singsynth_mcp.lyrics.model import Phonemes
from singsynth_mcp.lyrics.reading import Reader
from singsynth_mcp.voicebanks import Voicebank
from tests.voicebank_texts import text_bank


def sung(bank: Voicebank, text: str, language: str = "ja") -> list[str]:
    """Return what is sung for each word of a text, without prefixes."""
    words = Reader(bank, language).read_text(text)
    return [" ".join(symbol.symbol.removeprefix("ja/") for symbol in word.phonemes) for word in words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("さくら", "s a k u r a"),
        ("サクラ", "s a k u r a"),
        ("sakura", "s a k u r a"),
        ("きょう", "ky o u"),
        ("みって", "m i cl t e"),
        ("かー", "k a"),
        ("しんぶん", "sh i N b u N"),
        ("は", "h a"),
        ("へ", "h e"),
        ("を", "o"),
        ("づ", "z u"),
        ("ティー", "t i"),
    ],
)
def test_kana_are_sung_as_written(kana: Voicebank, text: str, expected: str) -> None:
    assert sung(kana, text) == [expected]


def test_any_bank_reads_kana_through_its_own_dictionary(romaji: Voicebank, wordless: Voicebank) -> None:
    assert sung(romaji, "さくら きょう しんぶん わをん") == ["s a k u r a", "ky o u", "sh i N b u N", "w a o N"]
    assert sung(wordless, "さくら きょう ふぁ っ") == ["s a k u r a", "ky o u", "f a", "cl"]


def test_who_read_a_word_is_said(kana: Voicebank, wordless: Voicebank) -> None:
    words = Reader(kana, "ja").read_text("さ 桜 sa[s a] ### さ[ja/s ja/a]")
    assert [word.source for word in words] == ["dictionary", "g2p", "hint", "unread", "hint"]
    assert [word.source for word in Reader(wordless, "ja").read_text("さ N a")] == ["rules", "rules", "rules"]


def test_kanji_are_read_with_their_particles(kana: Voicebank) -> None:
    assert sung(kana, "私は山へ行く") == ["w a t a sh i", "w a", "y a m a", "e", "i k u"]
    assert sung(kana, "東京") == ["t o ky o"]
    assert sung(kana, "3回") == ["s a N k a i"]


def test_roles_and_languages_are_the_voicebanks(kana: Voicebank, romaji: Voicebank) -> None:
    (word,) = Reader(kana, "ja").read_text("さん")
    assert [(symbol.symbol, symbol.language, symbol.role) for symbol in word.phonemes] == [
        ("ja/s", "ja", "consonant"),
        ("ja/a", "ja", "vowel"),
        ("ja/N", "ja", "vowel"),
    ]
    (word,) = Reader(romaji, "ja").read_text("あ[AP a]")
    assert [(symbol.symbol, symbol.language, symbol.role) for symbol in word.phonemes] == [
        ("AP", "", "breath"),
        ("a", "", "vowel"),
    ]


def test_hints_may_leave_prefixes_out_or_have_too_many(kana: Voicebank, romaji: Voicebank) -> None:
    assert sung(kana, "は[w a]") == ["w a"]
    assert sung(romaji, "は[ja/w ja/a]") == ["w a"]


def test_a_hint_with_an_unknown_phoneme_names_the_nearest(kana: Voicebank) -> None:
    with pytest.raises(InvalidLyrics) as caught:
        sung(kana, "し[shh i]")
    assert "shh" in caught.value.message
    assert "kana" in caught.value.message
    assert "ja/sh" in caught.value.hint


def test_an_empty_hint_is_an_error(kana: Voicebank) -> None:
    with pytest.raises(InvalidLyrics):
        sung(kana, "し[]")


def test_a_word_nobody_can_read_is_a_warning_beside_others(kana: Voicebank) -> None:
    reader = Reader(kana, "ja", "P1")
    words = reader.read_text("さ ###")
    assert [word.source for word in words] == ["dictionary", "unread"]
    assert [warning.code for warning in reader.warnings] == ["unread_word"]
    assert "###" in reader.warnings[0].message


@pytest.mark.parametrize("text", ["", "  ", "…!", "###", "%%% +++"])
def test_nothing_to_read_at_all_is_an_error(kana: Voicebank, text: str) -> None:
    with pytest.raises(InvalidLyrics) as caught:
        sung(kana, text)
    assert "ja" in caught.value.hint


def test_dictionary_words_of_another_language(tmp_path: Path) -> None:
    types = {
        "SP": "vowel",
        "AP": "vowel",
        "en/n": "nasal",
        "en/ow": "vowel",
        "en/w": "semivowel",
        "en/ah": "vowel",
        "en/zh": "fricative",
    }
    bank = text_bank(tmp_path / "en", types, {"no": ["n", "ow"], "one": ["en/w", "en/ah", "en/n"]}, "en")
    reader = Reader(bank, "en")
    words = reader.read_text("No, one zh w[n]")
    assert [[symbol.symbol for symbol in word.phonemes] for word in words] == [
        ["en/n", "en/ow"],
        ["en/w", "en/ah", "en/n"],
        ["en/zh"],
        ["en/n"],
    ]
    assert [word.source for word in words] == ["dictionary", "dictionary", "phonemes", "hint"]


def test_phonemes_come_back_from_json(kana: Voicebank) -> None:
    phonemes = Phonemes(tuple(Reader(kana, "ja").read_text("さくら 桜 さ[s a]")), ({"code": "x", "message": "y"},))
    assert Phonemes.from_json(phonemes.to_json()) == phonemes


def test_kana_never_load_open_jtalk(kana: Voicebank) -> None:
    program = (
        "import sys; from pathlib import Path; from singsynth_mcp.lyrics.reading import Reader;"
        "from singsynth_mcp.voicebanks import get_voicebank;"
        "bank = get_voicebank('kana', (Path(sys.argv[1]),));"
        "Reader(bank, 'ja').read_text('さくら sakura');"
        "sys.exit('pyopenjtalk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(kana.root)], check=False).returncode == 0


@pytest.mark.parametrize("which", ["kana", "romaji", "wordless"])
def test_every_mora_can_be_sung(which: str, request: pytest.FixtureRequest) -> None:
    bank: Voicebank = request.getfixturevalue(which)
    reader = Reader(bank, "ja")
    for mora in spellings():
        reading = reader.read_morae([mora], "ja")
        assert reading is not None, mora
        assert reading.symbols, mora
        assert {symbol.symbol for symbol in reading.symbols} <= set(bank.symbols)
        roles = [symbol.role for symbol in reading.symbols]
        assert roles[-1] == "vowel" or mora == "っ", mora
