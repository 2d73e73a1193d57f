from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from singsynth_mcp.errors import InvalidLyrics
from singsynth_mcp.lyrics.part import read_part
from singsynth_mcp.lyrics.reading import Reader
from singsynth_mcp.lyrics.syllables import sung_notes
from singsynth_mcp.lyrics.words import language_of_text, text_words, written_words
from singsynth_mcp.score.model import PlayedNote
from singsynth_mcp.voicebanks import Voicebank
from tests.lyrics.melodies import played, words_of
from tests.voicebank_texts import text_bank

ENGLISH = {
    "SP": "vowel",
    "AP": "vowel",
    "en/eh": "vowel",
    "en/iy": "vowel",
    "en/ih": "vowel",
    "en/v": "fricative",
    "en/r": "liquid",
    "en/th": "fricative",
    "en/ng": "nasal",
}


@pytest.fixture
def english(tmp_path: Path) -> Voicebank:
    entries = {"every": ["eh", "v", "r", "iy"], "thing": ["th", "ih", "ng"]}
    return text_bank(tmp_path / "english", ENGLISH, entries, "en")


def tagged(notes: list[PlayedNote], language: str) -> list[PlayedNote]:
    return [replace(note, lyric=note.lyric and replace(note.lyric, language=language)) for note in notes]


def test_syllables_are_joined_and_elisions_parted() -> None:
    words = written_words(played("ev- er- y thing _ a+b c- d+e- f"))
    assert [(word.text, [index for index, _ in word.syllables]) for word in words] == [
        ("every", [0, 1, 2]),
        ("thing", [3]),
        ("a", [5]),
        ("b", [5]),
        ("cd", [6, 7]),
        ("ef", [7, 8]),
    ]


def test_a_word_is_read_whole_and_sung_by_its_vowels(english: Voicebank) -> None:
    notes = played("Ev- er- y thing,")
    words = read_part(notes, Reader(english, "en", "P1"))
    assert [(word.text, len(word.notes), word.source) for word in words] == [
        ("Every", 3, "dictionary"),
        ("thing,", 1, "dictionary"),
    ]
    sung, _ = sung_notes(notes, words, english.glides, "P1")
    assert [" ".join(symbol.symbol[3:] for symbol in note.symbols) for note in sung] == ["eh v", "r iy", "", "th ih ng"]
    assert [note.lyric for note in sung] == ["Ev", "er", "+~", "thing,"]


def test_hints_of_single_syllables_are_theirs_alone(kana: Voicebank) -> None:
    words = words_of(played("さ- く[k_u]-".replace("k_u", "ja/k") + " ら"), kana)
    assert [" ".join(symbol.symbol for symbol in word.phonemes) for word in words] == ["ja/s ja/a", "ja/k", "ja/r ja/a"]


def test_a_bad_hint_in_a_score_names_its_note(kana: Voicebank) -> None:
    with pytest.raises(InvalidLyrics, match="part P1, measure 1, beat 2, note n1"):
        words_of(played("さ く[kx]"), kana)


@pytest.mark.parametrize(
    ("text", "tag", "default", "expected"),
    [
        ("さ", "", "en", "ja"),
        ("sa", "", "en", "en"),
        ("sa", "ja-JP", "en", "ja"),
        ("sa", "de-AT", "en", "de"),
        ("桜", "", "en", "ja"),
        ("桜", "", "zh", "zh"),
        ("桜さ", "", "zh", "ja"),
        ("さ", "en", "ja", "en"),
    ],
)
def test_a_words_language_is_its_tags_else_its_scripts_else_the_default(
    text: str, tag: str, default: str, expected: str
) -> None:
    assert language_of_text(text, tag, default, ("ja", "en", "zh")) == expected


def test_a_language_the_voicebank_lacks_is_warned_of_once(kana: Voicebank) -> None:
    reader = Reader(kana, "ja", "P1")
    read_part(tagged(played("sa ku ra"), "it"), reader)
    assert [(warning.code, warning.measure, warning.beat) for warning in reader.warnings] == [
        ("language_not_supported", "1", 1.0)
    ]
    reader = Reader(kana, "ja", "P1")
    read_part(tagged(played("sa ku ra"), "ja"), reader)
    assert reader.warnings == []


def test_text_is_split_at_spaces_outside_hints() -> None:
    assert text_words("a b[c d] [e f] g]") == ["a", "b[c d]", "[e f]", "g"]
