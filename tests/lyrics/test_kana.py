from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.lyrics.kana import is_japanese, romaji, split_kana, split_romaji
from training.languages.japanese import mora_table


@pytest.mark.parametrize(
    ("text", "morae"),
    [
        ("みっ", "み っ"),
        ("きょう", "きょ う"),
        ("キョウ", "きょ う"),
        ("ｶﾞｯｺｳ", "が っ こ う"),
        ("らーめん", "ら ー め ん"),
        ("さ～くら、", "さ ー く ら"),
        ("かぁ", "か ー"),
        ("ふぁい", "ふぁ い"),
        ("ヴァイオリン", "ゔぁ い お り ん"),
        ("いすゞ", "い す ず"),
        ("ここゝ", "こ こ こ"),
        ("か゛", "が"),
        ("が", "が"),
        ("「を」", "を"),
        ("ん", "ん"),
    ],
)
def test_kana_fall_into_morae(text: str, morae: str) -> None:
    assert split_kana(text) == tuple(morae.split())


@pytest.mark.parametrize("text", ["東京", "ka", "か1", "さ.k", "ヶ"])
def test_what_is_not_kana_is_left_alone(text: str) -> None:
    assert split_kana(text) is None


@pytest.mark.parametrize(
    ("text", "morae"),
    [
        ("ka", "か"),
        ("shi", "し"),
        ("si", "し"),
        ("Kyo", "きょ"),
        ("kon'ya", "こ ん や"),
        ("konnichiwa", "こ ん に ち わ"),
        ("onna", "お ん な"),
        ("sannin", "さ ん に ん"),
        ("shimbun", "し ん ぶ ん"),
        ("gakkou", "が っ こ う"),
        ("matchi", "ま っ ち"),
        ("tōkyō", "と ー きょ ー"),
        ("raamen", "ら あ め ん"),
        ("ra-men", "ら ー め ん"),
        ("n", "ん"),
        ("cl", "っ"),
    ],
)
def test_romaji_fall_into_morae(text: str, morae: str) -> None:
    assert split_romaji(text) == tuple(morae.split())


@pytest.mark.parametrize("text", ["the", "hello", "k", "st", "東"])
def test_other_words_in_latin_letters_are_not_romaji(text: str) -> None:
    assert split_romaji(text) is None


def test_the_voice_and_the_table_know_the_same_morae() -> None:
    assert {mora for mora in mora_table() if not romaji(mora)} == set()


@given(st.lists(st.sampled_from(sorted(mora_table())), min_size=1, max_size=12))
def test_morae_written_in_a_row_are_read_again(morae: list[str]) -> None:
    read = split_kana("".join(morae))
    assert read is not None
    # Small kana join or prolong the mora before; the letters stay the same otherwise.
    assert len("".join(read)) == len("".join(morae))
    assert all(mora == "ー" or romaji(mora) for mora in read)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    split_kana(text)
    split_romaji(text)
    is_japanese(text)
