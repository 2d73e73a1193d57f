from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from singsynth_mcp.lyrics.alignment import PlacedPhrase, Rendition, align
from singsynth_mcp.lyrics.syllables import cut_syllables, sung_notes
from singsynth_mcp.lyrics.timing import time_map
from singsynth_mcp.performance.blobs import phrase_from_bytes, phrase_to_bytes
from singsynth_mcp.performance.phrases import to_grid
from singsynth_mcp.voicebanks import Voicebank
from tests.lyrics.melodies import groups_of, played, sing, words_of


def test_the_worked_example_of_the_format(kana: Voicebank) -> None:
    """Section 3.8: two touching quarters at 1000 and 1500 ms, ka and sa."""
    (placed,) = sing("か さ", kana, start=2, breaths=False)
    assert placed.start_s == 1.0
    assert groups_of(placed) == [(-0.5, "k"), (0.0, "a s"), (0.5, "a")]
    assert placed.phrase.end_s == 1.0
    assert [group.midi for group in placed.phrase.groups] == [60, 60, 61]


def test_a_held_vowel_has_one_group_for_all_its_notes(kana: Voicebank) -> None:
    (placed,) = sing("か _ _ さ", kana)
    assert groups_of(placed) == [(-0.5, "k"), (0.0, "a s"), (1.5, "a")]
    assert [note.lyric for note in placed.phrase.notes] == ["か", "+~", "+~", "さ"]


def test_a_long_mark_on_a_note_of_its_own_holds_the_vowel(kana: Voicebank) -> None:
    assert groups_of(sing("か ー さ", kana)[0]) == [(-0.5, "k"), (0.0, "a s"), (1.0, "a")]
    assert groups_of(sing("か / ー", kana, breaths=False)[0]) == [(-0.5, "k"), (0.0, "a"), (0.5, "SP"), (1.0, "a")]


def test_several_morae_on_a_note_follow_its_first_vowel(kana: Voicebank) -> None:
    assert groups_of(sing("みっ て さん きょう は", kana)[0]) == [
        (-0.5, "m"),
        (0.0, "i cl t"),
        (0.5, "e s"),
        (1.0, "a N ky"),
        (1.5, "o u h"),
        (2.0, "a"),
    ]


def test_an_elision_is_sung_on_its_one_note(kana: Voicebank) -> None:
    assert groups_of(sing("か+い さ", kana)[0]) == [(-0.5, "k"), (0.0, "a i s"), (0.5, "a")]


def test_a_moraic_n_has_its_own_note_and_a_lone_consonant_fills_its(kana: Voicebank) -> None:
    assert groups_of(sing("か ん っ と", kana)[0]) == [(-0.5, "k"), (0, "a"), (0.5, "N"), (1, "cl t"), (1.5, "o")]


def test_the_glide_opens_the_note_after_a_consonant(kana: Voicebank) -> None:
    assert groups_of(sing("くぁ わ", kana)[0]) == [(-0.5, "k"), (0.0, "w a w"), (0.5, "a")]


def test_a_short_rest_is_silence_anchored_at_the_notes_end(kana: Voicebank) -> None:
    (placed,) = sing("か:3/4 /:1/4 さ", kana)
    assert groups_of(placed) == [(-0.5, "k"), (0.0, "a"), (0.375, "SP s"), (0.5, "a")]
    silence = placed.phrase.phonemes[2]
    assert (silence.role, silence.language, silence.note, silence.index) == ("rest", "", 0, 2)


def test_a_rest_from_a_quarter_second_is_breathed_in(kana: Voicebank) -> None:
    assert groups_of(sing("か /:1/2 さ", kana)[0])[2] == (0.5, "AP s")
    assert groups_of(sing("か /:1/2 さ", kana, breaths=False)[0])[2] == (0.5, "SP s")


def test_a_breath_mark_takes_at_most_three_tenths_of_the_note(kana: Voicebank) -> None:
    assert groups_of(sing("か' さ", kana)[0])[2] == (to_grid(0.35), "AP s")
    assert groups_of(sing("か':4 さ", kana)[0])[2] == (to_grid(1.75), "AP s")
    assert groups_of(sing("か' さ", kana, breaths=False)[0])[2] == (to_grid(0.35), "AP s")


def test_after_a_breath_mark_a_held_vowel_starts_again(kana: Voicebank) -> None:
    assert groups_of(sing("か _' _ さ", kana)[0]) == [
        (-0.5, "k"),
        (0.0, "a"),
        (to_grid(0.85), "AP"),
        (1.0, "a s"),
        (1.5, "a"),
    ]


def test_a_gap_too_short_to_hear_is_sung_through(kana: Voicebank) -> None:
    assert groups_of(sing("か:7/8 /:1/8 さ", kana)[0]) == [(-0.5, "k"), (0.0, "a s"), (0.5, "a")]


def test_a_long_rest_makes_two_phrases_and_the_second_begins_with_a_breath(kana: Voicebank) -> None:
    first, second = sing("か /:2 さ", kana)
    assert (first.start_s, first.phrase.end_s) == (0.0, 0.5)
    assert groups_of(second) == [(-0.5, "AP s"), (0.0, "a")]
    assert second.start_s == 1.5


def test_a_cut_without_a_rest_leaves_room_for_the_consonants(kana: Voicebank) -> None:
    first, second = sing(" ".join(["か:12"] * 4), kana)
    assert len(first.phrase.notes) == 3
    assert first.phrase.end_s == to_grid(18 - 0.1)
    assert second.phrase.head_s == to_grid(0.1)
    first, second = sing(" ".join(["あ:12"] * 4), kana)
    assert first.phrase.end_s == 18.0


def test_equal_phrases_at_different_places_are_equal_bytes(kana: Voicebank) -> None:
    text = "/:7 さ:1/3 く:1/3 ら:1/3 _:2 や' よ /:1/4 い:1/2"
    once = sing(text, kana, tempo=97)
    for start in (4, 64, 1024):
        (again,) = sing(text, kana, tempo=97, start=start)
        assert phrase_to_bytes(again.phrase) == phrase_to_bytes(once[0].phrase)


def test_an_unread_word_and_what_holds_it_stay_silent(kana: Voicebank) -> None:
    notes = played("か ### _ さ")
    sung, warnings = sung_notes(notes, words_of(notes, kana), kana.glides, "P1")
    assert [note.played.note_id for note in sung] == ["n0", "n3"]
    assert [(warning.code, warning.measure, warning.beat) for warning in warnings] == [("no_lyric", "1", 3.0)]


def test_a_note_without_lyric_at_the_start_or_after_a_rest_stays_silent_with_a_warning(kana: Voicebank) -> None:
    notes = played("_ か / _ さ")
    sung, warnings = sung_notes(notes, words_of(notes, kana), kana.glides, "P1")
    assert [note.played.note_id for note in sung] == ["n1", "n3"]
    assert [(warning.code, warning.measure, warning.beat) for warning in warnings] == [
        ("no_lyric", "1", 1.0),
        ("no_lyric", "1", 4.0),
    ]


@pytest.mark.parametrize(
    ("written", "count", "syllables"),
    [
        ("k a s a", 2, ["k a", "s a"]),
        ("k a N s a", 2, ["k a", "N s a"]),
        ("k a s t r a", 2, ["k a s", "t r a"]),
        ("a s", 1, ["a s"]),
        ("k a s a t a", 2, ["k a", "s a t a"]),
        ("k a", 3, ["k a", "", ""]),
        ("s", 2, ["s", ""]),
    ],
)
def test_words_are_cut_at_their_vowels(kana: Voicebank, written: str, count: int, syllables: list[str]) -> None:
    from singsynth_mcp.lyrics.dictionary import Lexicon

    symbols = Lexicon(kana, "ja").symbols(written.split())
    assert symbols is not None
    cut = [" ".join(symbol.symbol.removeprefix("ja/") for symbol in part) for part in cut_syllables(symbols, count)]
    if "N" in written:
        # A moraic N is a vowel: it opens a syllable of its own.
        assert cut == ["k a", "N s a"]
    else:
        assert cut == syllables


tokens = st.tuples(
    st.sampled_from(
        [
            "か",
            "あ",
            "さん",
            "みっ",
            "きょう",
            "ん",
            "っ",
            "ー",
            "くぁ",
            "_",
            "/",
            "さ'",
            "_'",
            "い-",
            "###",
            "strength",
            "+",
        ]
    ),
    st.sampled_from(["1/16", "1/8", "1/4", "1/3", "1/2", "1", "2", "9"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.lists(tokens, min_size=1, max_size=40),
    tempo=st.sampled_from([60.0, 97.0, 140.0, 211.7]),
    breaths=st.booleans(),
    start=st.sampled_from([0, 3, 1000]),
)
def test_what_holds_for_every_line(
    kana: Voicebank, line: list[tuple[str, str]], tempo: float, breaths: bool, start: int
) -> None:
    text = " ".join(f"{name}:{length}" for name, length in line)
    notes = played("あ " + text, tempo=tempo, start=start)
    words = words_of(notes, kana)
    sung, warnings = sung_notes(notes, words, kana.glides, "P1")
    phrases = align(sung, Rendition(time_map(notes), breaths=breaths))
    # Every sung note lies in exactly one phrase, in order; silent ones have been spoken of.
    inside = [(note.note_id, note.pass_number) for placed in phrases for note in placed.phrase.notes]
    assert inside == [(note.played.note_id, note.played.pass_number) for note in sung]
    assert len(notes) - len(sung) == len(warnings) + sum(not word.phonemes for word in words)
    onsets = {note.played.note_id: note for note in sung if note.symbols}
    for placed in phrases:
        check_phrase(placed, onsets, kana)


def check_phrase(placed: PlacedPhrase, onsets: dict, bank: Voicebank) -> None:
    phrase = placed.phrase
    starts = [group.start_s for group in phrase.groups]
    assert phrase.groups[0].first == 0
    assert starts == sorted(starts)
    assert starts[0] == -phrase.head_s <= 0
    assert starts[1] == 0.0
    assert starts[-1] < phrase.end_s
    firsts = [group.first for group in phrase.groups]
    assert firsts == sorted(firsts)
    assert all(left < right for left, right in zip(firsts[1:], [*firsts[2:], len(phrase.phonemes)], strict=True))
    assert all(phoneme.symbol in bank.symbols for phoneme in phrase.phonemes)
    # The first vowel of each note with a syllable starts exactly on its written onset.
    anchors = {phrase.phonemes[group.first].note: group for group in phrase.groups[1:] if is_sung(phrase, group)}
    for i, note in enumerate(phrase.notes):
        assert (i in anchors) == (note.note_id in onsets)
        if i in anchors:
            assert anchors[i].start_s == note.start_s
            written = onsets[note.note_id].played.start_s - placed.start_s
            assert note.start_s == pytest.approx(written, abs=1e-7)
    # Pins address a phoneme by its place among those of its note.
    for i in range(len(phrase.notes)):
        own = [phoneme.index for phoneme in phrase.phonemes if phoneme.note == i]
        assert own == list(range(len(own)))
    data = phrase_to_bytes(phrase)
    assert phrase_to_bytes(phrase_from_bytes(data)) == data


def is_sung(phrase, group) -> bool:
    return phrase.phonemes[group.first].role not in ("rest", "breath")


def test_kanji_in_a_line_are_read_in_context_and_keep_their_notes(kana: Voicebank) -> None:
    notes = played("春 が 来 た / 私 は 学- 校 へ")
    words = words_of(notes, kana)
    assert [(word.text, " ".join(s.symbol.removeprefix("ja/") for s in word.phonemes)) for word in words] == [
        ("春", "h a r u"),
        ("が", "g a"),
        ("来", "k i"),
        ("た", "t a"),
        ("私", "w a t a sh i"),
        ("は", "w a"),
        ("学校", "g a cl k o o"),
        ("へ", "e"),
    ]
    assert words[6].notes == (("n6", 1), ("n7", 1))
    assert [word.source for word in words[:3]] == ["g2p", "dictionary", "g2p"]


def test_a_kana_line_is_sung_as_written_even_where_kanji_would_not_be(kana: Voicebank) -> None:
    words = words_of(played("こ れ は"), kana)
    assert words[2].phonemes[0].symbol == "ja/h"


def test_the_time_map_follows_the_played_notes() -> None:
    notes = played("か さ / た", tempo=60)
    timing = time_map(notes)
    assert timing.to_seconds(3.5) == pytest.approx(3.5)
    assert time_map([]).to_seconds(2) == 2.0
    assert time_map(played("か", start=Fraction(0))).to_seconds(4) == pytest.approx(2.0)
