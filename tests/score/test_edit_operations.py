"""Every operation of modify_score on real scores, and what no edit may lose."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from singsynth_mcp.contracts.edits import Operation
from singsynth_mcp.errors import InvalidLyrics, InvalidRequest, NothingToSing, UnknownName
from singsynth_mcp.score.blobs import score_from_bytes, score_to_bytes
from singsynth_mcp.score.edits import Edited, apply_operations
from singsynth_mcp.score.lookup import notes_of
from singsynth_mcp.score.model import Note, Score
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.score.timeline import Timeline
from tests.score.musicxml_text import document, note, part

SCORES = Path(__file__).parent.parent / "scores"
OPERATION: TypeAdapter[Operation] = TypeAdapter(Operation)
USAGI = read_score((SCORES / "09-ja-usagi.musicxml").read_bytes())
SATB = read_score((SCORES / "01-de-satb-brahms-magdalena.mxl").read_bytes())
WILD_ROSE = read_score((SCORES / "02-en-3verses-volta-jacobs-bond-wild-rose.mxl").read_bytes())


def edited(score: Score, *operations: dict[str, Any]) -> Edited:
    made = apply_operations(score, [OPERATION.validate_python(operation) for operation in operations])
    assert score_from_bytes(score_to_bytes(made.score)) == made.score
    return made


def edit(score: Score, *operations: dict[str, Any]) -> Score:
    return edited(score, *operations).score


def notes(score: Score, place: int = 0, line: int = 0) -> tuple[Note, ...]:
    return score.parts[place].lines[line].notes


def text(score: Score, verse: int = 1, place: int = 0) -> str:
    found = [
        next(("‿".join(one.syllables) for one in note.lyrics if one.verse == verse), "_")
        for note in notes(score, place)
    ]
    return " ".join(found)


def small(*content: str) -> Score:
    return read_score(document(part(*content)))


FOUR = note("C4", 1, "one") + note("D4", 1, "two") + note("E4", 1, "three") + note("F4", 1, "four")


class TestSetLyrics:
    def test_words_go_syllable_by_syllable(self) -> None:
        made = edited(small(FOUR), {"operation": "set_lyrics", "text": "hap-py morn-ing", "language": "en"})
        assert text(made.score) == "hap py morn ing"
        assert [lyric.syllabic for one in notes(made.score) for lyric in one.lyrics] == ["begin", "end"] * 2
        assert notes(made.score)[0].lyrics[0].language == "en"

    def test_too_many_split_the_longest_notes(self) -> None:
        score = small(note("C4", 2, "a") + note("D4", 2, "b"))
        made = edit(score, {"operation": "set_lyrics", "text": "la le li", "too_many": "split"})
        assert [(one.position, one.duration) for one in notes(made)] == [(0, 1), (1, 1), (2, 2)]
        assert text(made) == "la le li"

    def test_too_many_are_joined_evenly(self) -> None:
        made = edit(small(FOUR), {"operation": "set_lyrics", "text": "a b c d e f", "too_many": "join"})
        assert text(made) == "a b‿c d e‿f"

    def test_too_many_are_dropped_with_a_warning(self) -> None:
        made = edited(small(FOUR), {"operation": "set_lyrics", "text": "a b c d e f", "too_many": "drop"})
        assert text(made.score) == "a b c d"
        assert [(one.code, one.part) for one in made.warnings] == [("lyrics_dropped", "P1")]
        assert "e f" in made.warnings[0].message

    @pytest.mark.parametrize(("rule", "sung"), [("keep", "x y three four"), ("hold", "x y _ _"), ("repeat", "x y x y")])
    def test_too_few(self, rule: str, sung: str) -> None:
        assert text(edit(small(FOUR), {"operation": "set_lyrics", "text": "x y", "too_few": rule})) == sung

    def test_a_translation_keeps_the_melismas(self) -> None:
        score = small(note("C4", 1, "one") + note("D4") + note("E4", 1, "two") + note("F4"))
        made = edit(score, {"operation": "set_lyrics", "verse": 2, "text": "eins zwei", "notes": "sung"})
        assert text(made, 2) == "eins _ zwei _"

    def test_replace_and_swap(self) -> None:
        made = edited(small(FOUR), {"operation": "replace_syllables", "position": 2, "text": "zwei drei"})
        assert text(made.score) == "one zwei drei four"
        assert made.changes == ("verse 1 of P1, syllable 2 on: two three → zwei drei",)
        swapped = edit(made.score, {"operation": "swap_verses", "first": 1, "second": 3})
        assert (text(swapped, 1), text(swapped, 3)) == ("_ _ _ _", "one zwei drei four")


class TestPitches:
    def test_steps_stay_in_the_key(self) -> None:
        score = small(*[note("C4", 4, "a"), note("B4", 4, "b")])
        made = edit(score, {"operation": "set_key", "key": "C"}, {"operation": "transpose", "steps": 2})
        assert [one.midi for one in notes(made)] == [64, 74]

    def test_into_a_voice_by_octaves_first(self) -> None:
        made = edited(small(FOUR), {"operation": "transpose", "into": "bass"})
        assert [one.midi for one in notes(made.score)] == [48, 50, 52, 53]
        assert "-12 semitones" in made.changes[0]

    def test_a_range_too_narrow_is_a_warning(self) -> None:
        made = edited(small(FOUR), {"operation": "transpose", "into": "C4-D4"})
        assert [one.code for one in made.warnings] == ["out_of_range"]

    def test_only_a_range_of_measures(self) -> None:
        made = edit(USAGI, {"operation": "transpose", "semitones": 12, "where": "2-3"})
        moved = [new.midi - old.midi for new, old in zip(notes(made), notes(USAGI), strict=True)]
        assert [move for move, one in zip(moved, notes(USAGI), strict=True) if one.measure in "23"] == [12] * 7
        assert sum(moved) == 84

    def test_a_new_key_moves_the_music(self) -> None:
        made = edited(
            small(FOUR),
            {"operation": "set_key", "key": "C major"},
            {"operation": "set_key", "key": "Bb", "move": True},
        )
        assert [one.midi for one in notes(made.score)] == [58, 60, 62, 63]
        assert made.changes[1] == ("Bb major from the beginning to the end; 4 notes moved from C major by -2 semitones")


class TestTime:
    def test_a_ritardando_takes_longer(self) -> None:
        made = edit(USAGI, {"operation": "ritardando", "where": "4", "factor": 0.5})
        assert Timeline(made).seconds_at(Fraction(12)) == Timeline(USAGI).seconds_at(Fraction(12)) == 9
        assert Timeline(made).seconds_at(Fraction(16)) > 12.8

    def test_retime_makes_room_or_says_where_there_is_none(self) -> None:
        score = small(note("C4", 1, "a") + note("D4", 1, "b") + note("rest", 2))
        made = edit(score, {"operation": "retime", "where": "1", "scale": 2})
        assert [(one.position, one.duration) for one in notes(made)] == [(0, 2), (2, 2)]
        with pytest.raises(InvalidRequest, match="beyond the last measure"):
            edit(score, {"operation": "retime", "where": "1", "scale": 3})
        with pytest.raises(InvalidRequest, match="sound into"):
            edit(score, {"operation": "retime", "where": "n1", "shift": 0.5})

    def test_quantise_and_fill_rests(self) -> None:
        loose = edit(small(FOUR), {"operation": "humanise", "timing": 0.2, "cents": 10, "seed": 3})
        assert loose != small(FOUR)
        assert loose == edit(small(FOUR), {"operation": "humanise", "timing": 0.2, "cents": 10, "seed": 3})
        assert loose != edit(small(FOUR), {"operation": "humanise", "timing": 0.2, "cents": 10, "seed": 4})
        back = edit(loose, {"operation": "quantise", "grid": 1})
        assert [(one.position, one.duration) for one in notes(back)] == [(n, 1) for n in range(4)]
        short = small(note("C4", 1, "a") + note("rest", 1) + note("D4", 1, "b") + note("rest", 1))
        assert notes(edit(short, {"operation": "fill_rests"}))[0].duration == 2

    def test_breath_and_dynamics(self) -> None:
        made = edit(
            USAGI,
            {"operation": "add_breath", "note": "n6"},
            {"operation": "set_dynamics", "where": "1", "level": "p"},
            {"operation": "set_dynamics", "where": "3-4", "level": "p", "to": "f"},
        )
        assert notes(made)[5].breath_mark
        assert [(one.position, one.decibels) for one in made.parts[0].loudness] == [(0, -7), (8, -7), (16, 3)]

    def test_cutting_measures_makes_no_hairpin(self) -> None:
        made = edit(
            USAGI,
            {"operation": "set_dynamics", "where": "3", "level": "p"},
            {"operation": "delete_measures", "where": "1"},
        )
        levels = [(one.position, one.decibels) for one in made.parts[0].loudness]
        assert levels == [(4, 0), (4, -7)]


class TestNotes:
    def test_move_split_merge(self) -> None:
        score = small(note("C4", 2, "a") + note("rest", 2))
        moved = edit(score, {"operation": "move_note", "note": "n1", "measure": "1", "beat": 3})
        assert (notes(moved)[0].position, notes(moved)[0].beat) == (2, 3)
        parted = edit(score, {"operation": "split_note", "note": "n1", "text": "la-la"})
        assert [(one.id, one.duration) for one in notes(parted)] == [("n1", 1), ("n2", 1)]
        merged = edit(parted, {"operation": "merge_notes", "where": "n1-n2"})
        assert [(one.duration, one.lyrics[0].syllables) for one in notes(merged)] == [(2, ("la", "la"))]


class TestMeasures:
    def test_paste_over(self) -> None:
        made = edit(USAGI, {"operation": "copy_measures", "where": "1", "to": "3"})
        first, third = ([one for one in notes(made) if one.measure == number] for number in "13")
        assert [(one.beat, one.midi, one.lyrics) for one in first] == [
            (one.beat, one.midi, one.lyrics) for one in third
        ]
        assert len({one.id for one in notes(made)}) == len(notes(made))

    def test_insert_and_delete_is_as_before(self) -> None:
        longer = edit(
            USAGI,
            {"operation": "copy_measures", "where": "1-2", "to": "3", "insert": True},
            {"operation": "insert_measures", "measure": "end", "count": 2},
        )
        assert [one.number for one in longer.measures] == [str(number) for number in range(1, 9)]
        assert text(longer).startswith("う さ ぎ う さ ぎ う さ ぎ う さ ぎ な に")
        back = edit(
            longer, {"operation": "delete_measures", "where": "3-4"}, {"operation": "delete_measures", "where": "5-6"}
        )
        assert (back.parts, back.measures, back.tempos) == (USAGI.parts, USAGI.measures, USAGI.tempos)

    def test_repeat_is_played_and_unfolds(self) -> None:
        again = edit(USAGI, {"operation": "repeat_measures", "where": "1-2", "times": 3})
        assert len(played_part(again).notes) == 25
        assert same_song(edit(again, {"operation": "unfold_repeats"}), again)
        with pytest.raises(InvalidRequest, match="repeat signs"):
            edit(again, {"operation": "repeat_measures", "where": "2-3"})

    @pytest.mark.parametrize("path", sorted(SCORES.glob("0*.m*l")), ids=lambda path: path.name[:12])
    def test_unfolded_scores_sing_the_same(self, path: Path) -> None:
        score = read_score(path.read_bytes())
        made = edit(score, {"operation": "unfold_repeats"})
        assert not any(one.repeat_times or one.endings or one.jump for one in made.measures)
        assert same_song(made, score)


class TestParts:
    def test_divisi_extracted_combined_removed(self) -> None:
        chords = small(note("E4", 4, "la") + note("C4", 4, inside="<chord/>"), note("G4", 4, "lo"))
        made = edit(chords, {"operation": "split_divisi", "part": "P1"})
        assert [(one.id, one.name) for one in made.parts] == [("P1", "Voice 1"), ("P2", "Voice 2")]
        assert text(made, place=1) == "la"
        assert len({one.id for *_, one in notes_of(made)}) == 3
        back = edit(made, {"operation": "combine_parts", "parts": ["P1", "P2"], "name": "Voice"})
        assert back.parts == chords.parts
        assert edit(chords, {"operation": "extract_voice", "part": "P1/2"}).parts[1].lines[0].notes == notes(
            chords, 0, 1
        )
        assert [one.id for one in edit(made, {"operation": "remove_part", "part": "Voice 1"}).parts] == ["P2"]
        with pytest.raises(NothingToSing):
            edit(USAGI, {"operation": "remove_part", "part": "P1"})


@pytest.mark.parametrize(
    ("operation", "kind", "told"),
    [
        ({"operation": "transpose"}, InvalidRequest, "none"),
        ({"operation": "transpose", "into": "squeaker"}, InvalidRequest, "no range"),
        ({"operation": "transpose", "semitones": 1, "where": "9-2"}, UnknownName, "Measures: 1 to 4"),
        ({"operation": "transpose", "semitones": 1, "where": "3-2"}, InvalidRequest, "ends before"),
        ({"operation": "transpose", "semitones": 1, "where": "2:x"}, InvalidRequest, "no place"),
        ({"operation": "transpose", "semitones": 1, "where": "2:9"}, InvalidRequest, "no beat 9"),
        ({"operation": "transpose", "semitones": 1, "where": "-"}, InvalidRequest, "no range"),
        ({"operation": "set_key", "key": "H"}, InvalidRequest, "no key"),
        ({"operation": "set_lyrics", "text": "la " * 40}, InvalidLyrics, "40 syllables for 13 notes"),
        ({"operation": "set_lyrics", "text": " - "}, InvalidLyrics, "no syllable"),
        ({"operation": "replace_syllables", "position": 13, "text": "a b"}, InvalidLyrics, "has 13 syllables"),
        ({"operation": "swap_verses", "first": 4, "second": 5}, UnknownName, "Verses: 1"),
        ({"operation": "move_note", "note": "n1", "measure": "1", "beat": 2}, InvalidRequest, "sounds|run into"),
        ({"operation": "merge_notes", "where": "n1"}, InvalidRequest, "no two notes"),
        ({"operation": "split_note", "note": "n1", "text": "a b c"}, InvalidLyrics, "3 syllables for 2"),
        ({"operation": "copy_measures", "where": "2-4", "to": "3"}, InvalidRequest, "beyond"),
        ({"operation": "delete_measures", "where": "1-4"}, InvalidRequest, "No measure"),
        ({"operation": "extract_voice", "part": "P1"}, InvalidRequest, "only line"),
        ({"operation": "combine_parts", "parts": ["P1", "p1"]}, InvalidRequest, "twice"),
        ({"operation": "change_note", "note": "n13", "duration": 8}, InvalidRequest, "beyond the last measure"),
        ({"operation": "set_tempo", "scale": 0.01}, InvalidRequest, "5 to 1000"),
    ],
)
def test_what_cannot_be_done_says_why(operation: dict[str, Any], kind: type[Exception], told: str) -> None:
    before = score_to_bytes(USAGI)
    with pytest.raises(kind) as caught:
        edit(USAGI, {"operation": "transpose", "semitones": 1}, operation)
    assert re.search(told, str(caught.value))
    assert score_to_bytes(USAGI) == before


def same_song(one: Score, other: Score) -> bool:
    """Whether every part sings the same notes and words at the same times."""
    for part_of_one in other.parts:
        if not any(note.lyrics for note in part_of_one.lines[0].notes) if part_of_one.lines else True:
            continue
        first, second = (played_part(score, part_of_one.id).notes for score in (one, other))
        assert [sung(note) for note in first] == [sung(note) for note in second]
    return True


def sung(played: Any) -> tuple[Any, ...]:
    lyric = played.lyric and played.lyric.syllables
    return played.start_quarters, played.duration_quarters, round(played.start_s, 6), played.midi, lyric


# Random operations over real scores.

NUMBER = st.integers(1, 30).map(str)
RANGES = st.tuples(st.integers(1, 12), st.integers(0, 6)).map(lambda pair: f"{pair[0]}-{pair[0] + pair[1]}")
KEEPING = st.one_of(
    st.builds(lambda semitones: {"operation": "transpose", "semitones": semitones}, st.integers(-5, 5)),
    st.builds(lambda steps: {"operation": "transpose", "steps": steps}, st.integers(-4, 4)),
    st.builds(
        lambda where, grid: {"operation": "quantise", "where": where, "grid": grid},
        RANGES,
        st.sampled_from([0.25, 0.5, 1 / 3]),
    ),
    st.builds(
        lambda seed, cents: {"operation": "humanise", "seed": seed, "cents": cents},
        st.integers(0, 9),
        st.sampled_from([0, 20]),
    ),
    st.builds(lambda where: {"operation": "fill_rests", "where": where}, RANGES),
    st.builds(lambda where: {"operation": "ritardando", "where": where, "factor": 0.8}, RANGES),
    st.builds(lambda where: {"operation": "set_dynamics", "where": where, "level": "p", "to": "f"}, RANGES),
    st.builds(lambda measure: {"operation": "insert_measures", "measure": measure}, NUMBER),
    st.builds(lambda number: {"operation": "split_note", "note": f"n{number}"}, st.integers(1, 60)),
    st.builds(lambda number: {"operation": "merge_notes", "where": f"n{number}-n{number + 1}"}, st.integers(1, 60)),
    st.just({"operation": "swap_verses"}),
    st.just({"operation": "set_key", "key": "Eb"}),
)


@given(st.sampled_from([USAGI, SATB, WILD_ROSE]), st.lists(KEEPING, min_size=1, max_size=4))
@settings(max_examples=40)
def test_no_edit_of_these_loses_a_syllable_or_breaks_a_line(score: Score, operations: list[dict[str, Any]]) -> None:
    for operation in operations:
        try:
            after = edit(score, operation)
        except (InvalidRequest, UnknownName):
            continue
        assert syllables(after) == syllables(score)
        check(after)
        score = after


def syllables(score: Score) -> Counter[str]:
    return Counter(text for *_, one in notes_of(score) for lyric in one.lyrics for text in lyric.syllables)


def check(score: Score) -> None:
    ids = [one.id for *_, one in notes_of(score)]
    assert len(ids) == len(set(ids))
    position = Fraction(0)
    for measure in score.measures:
        assert measure.position == position
        position += measure.duration
    for owner in score.parts:
        for line in owner.lines:
            end = Fraction(0)
            for one in line.notes:
                assert one.grace or one.duration > 0
                assert one.position >= end
                end = one.position + one.duration
            assert end <= position


@given(st.sampled_from([USAGI, WILD_ROSE]), st.integers(-6, 6))
@settings(max_examples=20)
def test_steps_of_the_key_up_and_down_are_identity(score: Score, steps: int) -> None:
    start = edit(score, {"operation": "set_key", "key": "C"})
    scale = {0, 2, 4, 5, 7, 9, 11}
    there, back = ({"operation": "transpose", "steps": number} for number in (steps, -steps))
    after = edit(start, there, back)
    for (*_, old), (*_, new) in zip(notes_of(start), notes_of(after), strict=True):
        assert old.midi % 12 not in scale or old == new
