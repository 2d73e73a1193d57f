from __future__ import annotations

import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.lyrics import cmudict
from singsynth_mcp.lyrics.cmudict import is_vowel, pronunciations
from singsynth_mcp.lyrics.english import best_fitting, has_elision, read_english, shortened
from singsynth_mcp.lyrics.english_numbers import number_words
from singsynth_mcp.lyrics.g2p import speak

LINES = lzma.decompress(cmudict.DATA.read_bytes()).decode().splitlines()
WORDS = {line.partition(" ")[0] for line in LINES}


def said(word: str, *syllables: str) -> str:
    """Return the first pronunciation that rules or dictionary know."""
    reading = read_english(word, syllables)
    assert reading is not None, word
    return " ".join(reading.pronunciations[0])


def test_the_dictionary_is_whole_and_small() -> None:
    assert len(LINES) == 126_046
    assert [line.encode() for line in LINES] == sorted(line.encode() for line in LINES)
    assert cmudict.DATA.stat().st_size < 1_000_000


@given(st.sampled_from(LINES))
def test_every_listed_word_is_found(line: str) -> None:
    word, *codes = line.split(" ")
    assert [cmudict.encode(found) for found in pronunciations(word)] == codes


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=20))
def test_nothing_is_found_that_is_not_listed(word: str) -> None:
    assert bool(pronunciations(word)) == (word in WORDS)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Love", "L AH1 V"),
        ("“love,”", "L AH1 V"),
        ("don’t", "D OW1 N T"),
        ("don't", "D OW1 N T"),
        ("night'll", "N AY1 T AH0 L"),
        ("moon've", "M UW1 N AH0 V"),
        ("lantern's", "L AE1 N T ER0 N Z"),
        ("skylark's", "S K AY1 L AA2 R K S"),
        ("thrush's", "TH R AH1 SH IH0 Z"),
        ("angels'", "EY1 N JH AH0 L Z"),
        ("nightingales", "N AY1 T IH0 NG G EY0 L Z"),
        ("fleeted", "F L IY1 T AH0 D"),
        ("lov'd", "L AH1 V D"),
        ("kiss'd", "K IH1 S T"),
        ("stray'd", "S T R EY1 D"),
        ("maketh", "M EY1 K AH0 TH"),
        ("lovest", "L AH1 V AH0 S T"),
        ("dreamin’", "D R IY1 M IH0 N"),
        ("heav'n", "HH EH1 V AH0 N"),
        ("o'er", "AO1 R"),
        ("’Tis", "T IH1 Z"),
        ("'round", "R AW1 N D"),
        ("in the", "IH0 N DH AH0"),
        ("well-beloved", "W EH1 L B IH0 L AH1 V D"),
        ("splendour", "S P L EH1 N D ER0"),
        ("U.S.A.", "Y UW1 EH1 S EY1"),
        ("XKCD", "EH1 K S K EY1 S IY1 D IY1"),
        ("21st", "T W EH1 N T IY0 F ER1 S T"),
        ("1984", "N AY1 N T IY1 N EY1 T IY0 F AO1 R"),
    ],
)
def test_words_are_read_by_the_dictionary_and_rules_on_it(word: str, expected: str) -> None:
    assert said(word) == expected


@pytest.mark.parametrize("word", ["xylographia", "brzęk", "zzzq", "", "'", "-", "''''", "…"])
def test_what_neither_knows_is_left_to_others(word: str) -> None:
    assert read_english(word) is None


def test_a_compound_is_told_by_how_the_score_parts_it() -> None:
    assert said("yellowhammer", "yel", "low", "ham", "mer") == "Y EH1 L OW0 HH AE1 M ER0"
    assert read_english("yellowhammer") is None


@pytest.mark.parametrize(
    ("word", "vowels", "expected"),
    [
        ("fire", 1, "F AY1 R"),
        ("fire", 2, "F AY1 ER0"),
        ("every", 2, "EH1 V R IY0"),
        ("every", 3, "EH1 V ER0 IY0"),
        ("read", 1, "R EH1 D"),
        ("heaven", 5, "HH EH1 V AH0 N"),
    ],
)
def test_the_pronunciation_with_as_many_vowels_as_notes_is_sung(word: str, vowels: int, expected: str) -> None:
    reading = read_english(word)
    assert reading is not None
    assert " ".join(best_fitting(reading.pronunciations, vowels)) == expected


@pytest.mark.parametrize(
    ("word", "vowels", "expected"),
    [
        ("heav'n", 1, "HH EH1 V N"),
        ("pow'r", 1, "P AW1 R"),
        ("wand'ring", 2, "W AA1 N D R IH0 NG"),
        ("ev'ry", 2, "EH1 V R IY0"),
    ],
)
def test_an_apostrophe_takes_the_vowel_that_it_stands_for(word: str, vowels: int, expected: str) -> None:
    reading = read_english(word)
    assert reading is not None
    assert has_elision(word)
    assert " ".join(shortened(best_fitting(reading.pronunciations, vowels), vowels)) == expected


def test_contractions_and_possessives_are_no_elisions() -> None:
    assert not any(map(has_elision, ["don't", "I'll", "rose's", "we've", "you're", "he'd", "I'm", "'tis", "love"]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "zero"),
        ("7", "seven"),
        ("42", "forty two"),
        ("100", "one hundred"),
        ("1,001", "one thousand one"),
        ("2000", "two thousand"),
        ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("1812", "eighteen twelve"),
        ("3rd", "third"),
        ("20th", "twentieth"),
        ("112th", "one hundred twelfth"),
        ("90s", "nineties"),
        ("2.5", "two point five"),
        ("1000000", "one million"),
    ],
)
def test_numbers_in_digits(text: str, expected: str) -> None:
    assert number_words(text) == expected.split()


@given(st.integers(0, 10**15 - 1))
def test_every_number_can_be_sung(number: int) -> None:
    words = number_words(str(number))
    assert words
    assert all(map(pronunciations, words))


@given(st.text(max_size=30), st.lists(st.text(max_size=8), max_size=4))
def test_no_text_is_too_odd_to_read(word: str, syllables: list[str]) -> None:
    reading = read_english(word, syllables)
    if reading is not None:
        assert all(reading.pronunciations)


def test_the_g2p_reads_what_no_dictionary_has() -> None:
    spoken = speak("xylographia", "en", ["xy", "lo", "gra", "phi", "a"])
    assert spoken is not None
    assert spoken.source == "g2p"
    assert [sound.names[0] for syllable in spoken.syllables for sound in syllable][:4] == ["z", "ay", "l", "ax"]
    assert len(spoken.syllables) == 5


def test_other_pronunciations_are_told() -> None:
    spoken = speak("wind", "en")
    assert spoken is not None
    assert spoken.source == "cmudict"
    (other,) = spoken.others
    assert [sound.names[0] for sound in other] == ["w", "ih", "n", "d"]
    assert sum(map(is_vowel, pronunciations("wind")[0])) == 1
