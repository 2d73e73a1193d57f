from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
def few_words(tmp_path: Path) -> Voicebank:
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


def test_a_word_is_read_whole_and_sung_by_its_vowels(few_words: Voicebank) -> None:
    notes = played("Ev- er- y thing,")
    words = read_part(notes, Reader(few_words, "en", "P1"))
    assert [(word.text, len(word.notes), word.source) for word in words] == [
        ("Every", 3, "dictionary"),
        ("thing,", 1, "dictionary"),
    ]
    sung, _ = sung_notes(notes, words, few_words.glides, "P1")
    assert [" ".join(symbol.symbol[3:] for symbol in note.symbols) for note in sung] == ["eh v", "r iy", "", "th ih ng"]
    assert [note.lyric for note in sung] == ["Ev-", "ery", "+~", "thing,"]


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


def carried(text: str, bank: Voicebank, language: str = "en") -> list[str]:
    """Return what each sounding note sings, without prefixes."""
    notes = played(text)
    sung, _ = sung_notes(notes, read_part(notes, Reader(bank, language, "P1")), bank.glides, "P1")
    return [" ".join(symbol.symbol.rpartition("/")[2] for symbol in note.symbols) for note in sung]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lan- terns", ["l ae n", "t er n z"]),
        ("lan- ter- ns", ["l ae n", "t er n z", ""]),
        ("lanterns", ["l ae n t er n z"]),
        ("lanterns _", ["l ae n t er n z", ""]),
        ("lanterns +", ["l ae n", "t er n z"]),
        ("lanterns +~ + +", ["l ae n", "", "t er n z", ""]),
        ("lanterns - +", ["l ae n", "", "t er n z"]),
        ("fire fi- re", ["f ay r", "f ay", "er"]),
        ("ev- ery ev- er- y", ["eh v", "r iy", "eh", "v er", "iy"]),
        ("heav'n heav- en", ["hh eh v n", "hh eh", "v ah n"]),
        ("pow- erful", ["p aw", "er f ah l"]),
        ("yel- low- ham- mer", ["y eh", "l ow", "hh ae", "m er"]),
        ("hmm mm", ["hh m", "m"]),
        ("no+one", ["n ow w ah n"]),
        ("the end the sea", ["dh iy", "eh n d", "dh ah", "s iy"]),
        ("love AP love SP", ["l ah v", "AP", "l ah v", "SP"]),
        ("love[iy] love", ["iy", "l ah v"]),
    ],
)
def test_english_syllables_on_notes(bilingual: Voicebank, text: str, expected: list[str]) -> None:
    assert carried(text, bilingual) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("glo- ri- a", "la", ["g l ao", "r i", "a"]),
        ("glo- ria", "la", ["g l ao", "ry a"]),
        ("dan- se", "fr", ["d aa", "s ah"]),
        ("3", "ja", ["s a N"]),
        ("3 4", "en", ["th r iy", "f ao r"]),
    ],
)
def test_syllables_of_other_languages_on_notes(
    bilingual: Voicebank, text: str, language: str, expected: list[str]
) -> None:
    assert carried(text, bilingual, language) == expected


@settings(max_examples=60)
@given(
    word=st.sampled_from(["strength", "lanterns", "every", "beautiful", "fire", "extraordinary", "a", "rhythm", "mm"]),
    holds=st.lists(st.sampled_from(["_", "+", "+~", "-"]), max_size=6),
)
def test_no_phoneme_is_lost_however_many_notes_there_are(bilingual: Voicebank, word: str, holds: list[str]) -> None:
    notes = played(" ".join([word, *holds]))
    (read,) = read_part(notes, Reader(bilingual, "en", "P1"))
    sung, warnings = sung_notes(notes, [read], bilingual.glides, "P1")
    assert [symbol for note in sung for symbol in note.symbols] == list(read.phonemes)
    assert len(sung) == len(notes)
    assert warnings == []
    vowels = [sum(symbol.role == "vowel" for symbol in note.symbols) for note in sung]
    carriers = 1 + holds.count("+")
    if carriers >= sum(vowels):
        assert max(vowels) <= 1
