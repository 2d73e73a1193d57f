"""Edits on scores, and scores as bytes: examples, and invariants over random scores."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from singsynth_mcp.contracts.edits import Operation
from singsynth_mcp.errors import InvalidLyrics, InvalidRequest, SingSynthError, UnknownName
from singsynth_mcp.score.blobs import score_from_bytes, score_to_bytes
from singsynth_mcp.score.edits import apply_operations
from singsynth_mcp.score.lookup import notes_of
from singsynth_mcp.score.model import Note, Score
from singsynth_mcp.score.reading import read_score
from tests.score.musicxml_text import document, note, part

SCORES = Path(__file__).parent.parent / "scores"
OPERATION: TypeAdapter[Operation] = TypeAdapter(Operation)
USAGI = read_score((SCORES / "09-ja-usagi.musicxml").read_bytes())


def edit(score: Score, *operations: dict[str, Any]) -> tuple[Score, list[str]]:
    edited = apply_operations(score, [OPERATION.validate_python(operation) for operation in operations])
    return edited.score, list(edited.changes)


def notes(score: Score) -> tuple[Note, ...]:
    return score.parts[0].lines[0].notes


def text(score: Score, verse: int = 1) -> str:
    found = [next((one.syllables[0] for one in note.lyrics if one.verse == verse), "_") for note in notes(score)]
    return " ".join(found)


class TestSetLyrics:
    def test_over_the_whole_line(self) -> None:
        edited, changes = edit(USAGI, {"operation": "set_lyrics", "text": "さくら さくら やよいの そらわ"})
        assert text(edited) == "さ く ら さ く ら や よ い の そ ら わ"
        assert notes(edited)[0].lyrics[0].language == "ja"
        assert changes == [
            "verse 1 of P1: 13 notes from note n1 (E4, measure 1, beat 1) on sing さ く ら さ く ら や よ い の そ ら …"
        ]

    def test_from_a_note_on_with_a_held_vowel(self) -> None:
        edited, changes = edit(USAGI, {"operation": "set_lyrics", "text": "ら _", "start_note": "n12"})
        assert text(edited) == "う さ ぎ う さ ぎ な に みっ て は ら _"
        assert "keep" not in changes[0]

    def test_a_second_verse_beside_the_first(self) -> None:
        edited, changes = edit(USAGI, {"operation": "set_lyrics", "verse": 2, "text": "らら"})
        assert (text(edited), text(edited, 2)[:5]) == (text(USAGI), "ら ら _")
        assert "the 11 notes after them keep what they had" in changes[0]

    def test_too_many_syllables_changes_nothing_and_names_those_left(self) -> None:
        with pytest.raises(InvalidLyrics, match="Left over: x y") as caught:
            edit(USAGI, {"operation": "set_lyrics", "text": "la " * 13 + "x y"})
        assert caught.value.details["operation"] == 1

    def test_words_for_a_score_without_any(self) -> None:
        silent = read_score(document(part(note() + note("D4"))))
        edited, _ = edit(silent, {"operation": "set_lyrics", "text": "hel-lo"})
        assert ([one.code for one in silent.warnings], edited.warnings) == (["no_lyrics"], ())
        assert text(edited) == "hel lo"


class TestNotes:
    def test_change(self) -> None:
        edited, changes = edit(
            USAGI, {"operation": "change_note", "note": "n2", "pitch": "Bb4", "duration": 0.5, "lyric": "きゃ"}
        )
        changed = notes(edited)[1]
        assert (changed.midi, changed.duration, changed.lyrics[0].syllables) == (70, Fraction(1, 2), ("きゃ",))
        assert changes == [
            'note n2 (G4, measure 1, beat 2) of P1: pitch G4 → A#4, duration 1 → 0.5 quarters, lyric "きゃ"'
        ]

    def test_an_empty_lyric_holds_the_vowel(self) -> None:
        edited, _ = edit(USAGI, {"operation": "change_note", "note": "n2", "lyric": ""})
        assert notes(edited)[1].lyrics == ()

    def test_insert_into_a_rest_and_delete(self) -> None:
        edited, _ = edit(
            USAGI,
            {"operation": "delete_note", "note": "n3"},
            {"operation": "insert_note", "measure": "1", "beat": 3, "duration": 1.333, "pitch": "C5", "lyric": "ぎ"},
        )
        inserted = notes(edited)[2]
        assert (inserted.id, inserted.position, inserted.duration) == ("n14", 2, Fraction(4, 3))
        assert text(edited) == text(USAGI)

    def test_a_deleted_notes_id_never_comes_back(self) -> None:
        insert = {"operation": "insert_note", "measure": "4", "beat": 3, "duration": 1, "pitch": 60}
        once, _ = edit(USAGI, {"operation": "delete_note", "note": "n13"}, insert)
        again, _ = edit(once, {"operation": "delete_note", "note": "n14"}, insert)
        assert notes(again)[-1].id == "n15"

    @pytest.mark.parametrize(
        ("operation", "told"),
        [
            ({"operation": "change_note", "note": "n1", "duration": 1.5}, "room for 1 quarters"),
            ({"operation": "change_note", "note": "n1"}, "changes nothing"),
            ({"operation": "change_note", "note": "n1", "pitch": "H4"}, "no pitch"),
            ({"operation": "change_note", "note": "n1", "pitch": 128}, "0 to 127"),
            ({"operation": "change_note", "note": "n99", "lyric": "a"}, "no note"),
            ({"operation": "insert_note", "measure": "1", "beat": 1, "duration": 1, "pitch": 60}, "sounds"),
            ({"operation": "insert_note", "measure": "1", "beat": 5, "duration": 1, "pitch": 60}, "no beat 5"),
            ({"operation": "insert_note", "measure": "9", "beat": 1, "duration": 1, "pitch": 60}, "Measures: 1 to 4"),
            ({"operation": "transpose", "semitones": 48, "part": "P1"}, "note n2"),
            ({"operation": "transpose", "semitones": 1, "part": "Alto"}, "Parts: P1"),
            ({"operation": "set_tempo"}, "exactly one"),
            ({"operation": "set_tempo", "scale": 2, "measure": "x"}, "Measures"),
        ],
    )
    def test_what_cannot_be_done_says_why(self, operation: dict[str, Any], told: str) -> None:
        score, _ = edit(USAGI, {"operation": "transpose", "semitones": 15})
        before = score_to_bytes(score)
        with pytest.raises((InvalidRequest, UnknownName), match=told) as caught:
            edit(
                score,
                {"operation": "transpose", "semitones": -1},
                {"operation": "transpose", "semitones": 1},
                operation,
            )
        assert caught.value.details["operation"] == 3
        assert score_to_bytes(score) == before


class TestTempo:
    SCORE = read_score((SCORES / "07-de-9tempi-grace-schumann-ich-kanns-nicht-fassen.mxl").read_bytes())

    def tempos(self, **arguments: Any) -> list[float]:
        edited, _ = edit(self.SCORE, {"operation": "set_tempo", **arguments})
        return [tempo.quarters_per_minute for tempo in edited.tempos]

    def test_one_tempo_replaces_all(self) -> None:
        assert self.tempos(quarters_per_minute=90) == [90]

    def test_scaling_keeps_the_map(self) -> None:
        before = [tempo.quarters_per_minute for tempo in self.SCORE.tempos]
        assert self.tempos(scale=0.5) == [tempo / 2 for tempo in before]

    def test_from_a_measure_on(self) -> None:
        edited, changes = edit(USAGI, {"operation": "set_tempo", "quarters_per_minute": 160, "measure": "3"})
        assert [(tempo.position, tempo.quarters_per_minute) for tempo in edited.tempos] == [(0, 80), (8, 160)]
        assert changes == ["160 quarters a minute from measure 3 on; 9.0 s without repeats"]


# Random scores: measures of 4/4 in sixteenths, filled with notes, chords, rests, ties and syllables.


@st.composite
def measures(draw: st.DrawFn) -> str:
    left, content, tied = 16, "", False
    while left:
        length = draw(st.integers(1, left))
        left -= length
        kind = draw(st.sampled_from(["note", "note", "note", "rest", "chord"]))
        if kind == "rest":
            content, tied = content + note("rest", length), False
            continue
        ties = '<tie type="stop"/>' * tied
        tied = draw(st.booleans())
        ties += '<tie type="start"/>' * tied
        pitches = draw(st.lists(st.sampled_from(["C4", "E4", "G4", "C5"]), min_size=1, max_size=3, unique=True))
        first, *others = pitches if kind == "chord" else pitches[:1]
        text = draw(st.sampled_from(["", "la", "り", "1. Ah", "-"]))
        syllabic = draw(st.sampled_from(["single", "begin", "middle", "end"]))
        content += note(first, length, text, inside=ties, syllabic=syllabic)
        content += "".join(note(other, length, inside="<chord/>" + ties) for other in others)
    return content


scores = st.lists(measures(), min_size=1, max_size=5).map(
    lambda bars: read_score(document(part(note("C4", 16), *bars).replace("<divisions>1<", "<divisions>4<")))
)


@given(scores)
@settings(max_examples=60)
def test_lines_are_sorted_and_never_overlap(score: Score) -> None:
    assert [measure.duration for measure in score.measures] == [4] * len(score.measures)
    for line in score.parts[0].lines:
        end = Fraction(0)
        for one in line.notes:
            assert one.position >= end
            assert one.duration > 0
            end = one.position + one.duration
        assert end <= 4 * len(score.measures)


@given(scores)
@settings(max_examples=60)
def test_words_are_whole(score: Score) -> None:
    for line in score.parts[0].lines:
        is_open = False
        for lyric in (lyric for one in line.notes for lyric in one.lyrics):
            assert (lyric.syllabic in ("middle", "end")) == is_open
            is_open = lyric.syllabic in ("begin", "middle")
        assert not is_open


@given(scores)
@settings(max_examples=60)
def test_bytes_and_back(score: Score) -> None:
    assert score_from_bytes(score_to_bytes(score)) == score


@given(scores, st.integers(-48, 48))
@settings(max_examples=40)
def test_transposing_there_and_back_is_identity(score: Score, semitones: int) -> None:
    there, back = ({"operation": "transpose", "semitones": number} for number in (semitones, -semitones))
    once, _ = edit(score, there)
    assert [one.id for *_, one in notes_of(once)] == [one.id for *_, one in notes_of(score)]
    assert edit(once, back)[0] == score


@given(scores, st.data())
@settings(max_examples=40)
def test_edits_keep_ids_and_order(score: Score, data: st.DataObject) -> None:
    ids = [one.id for *_, one in notes_of(score)]
    gone = data.draw(st.sampled_from(ids))
    other = data.draw(st.sampled_from(ids))
    operations = [
        {"operation": "change_note", "note": other, "lyric": "pa"},
        {"operation": "delete_note", "note": gone},
    ]
    edited, changes = edit(score, *operations)
    assert [one.id for *_, one in notes_of(edited)] == [one for one in ids if one != gone]
    assert len(changes) == 2


@pytest.mark.parametrize("path", sorted(SCORES.glob("*.m*l")), ids=lambda path: path.name[:12])
def test_real_scores_to_bytes_and_back(path: Path) -> None:
    score = read_score(path.read_bytes())
    assert score_from_bytes(score_to_bytes(score)) == score


def test_errors_keep_their_kind() -> None:
    with pytest.raises(SingSynthError) as caught:
        edit(USAGI, {"operation": "delete_note", "note": "n0"})
    assert str(caught.value).startswith('unknown_name: Operation 1 (delete_note): There is no note "n0"')
