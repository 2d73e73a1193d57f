"""How a part is played: time, grace notes, fermatas, verses by pass, melismas, warnings."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from singsynth_mcp.errors import NothingToSing, UnknownName
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.played import PlayedPart, played_part
from singsynth_mcp.score.reading import read_score
from tests.score.musicxml_text import attributes, document, note, part

SCORES = Path(__file__).parent.parent / "scores"
REPEAT = '<barline location="right"><repeat direction="backward"/></barline>'


def read(*measures: str) -> Score:
    return read_score(document(part(*measures)))


def play(*measures: str, verse: int | None = None) -> PlayedPart:
    return played_part(read(*measures), verse=verse)


def times(played: PlayedPart) -> list[tuple[float, float]]:
    return [(round(one.start_s, 6), round(one.duration_s, 6)) for one in played.notes]


def words(played: PlayedPart) -> list[str]:
    return ["".join(one.lyric.syllables) if one.lyric else "" for one in played.notes]


def verses(*texts: str) -> str:
    return "".join(f'<lyric number="{n}"><text>{text}</text></lyric>' for n, text in enumerate(texts, 1) if text)


def grace(pitch: str = "D4", lyrics: str = "") -> str:
    return f"<note><grace/>{note(pitch, lyrics=lyrics)[6:]}".replace("<duration>1</duration>", "")


class TestTime:
    def test_seconds_follow_the_tempo_inside_a_note(self) -> None:
        half_speed = '<direction><direction-type/><offset>-2</offset><sound tempo="60"/></direction>'
        assert times(play('<sound tempo="120"/>' + note(duration=4, lyric="la") + half_speed)) == [(0, 3)]

    def test_repeats_play_again_with_a_new_pass(self) -> None:
        played = play(note(duration=4, lyric="la") + REPEAT, note(duration=4, lyric="le"))
        assert [(one.note_id, one.pass_number) for one in played.notes] == [("n1", 1), ("n1", 2), ("n2", 1)]
        assert times(played) == [(0, 2), (2, 2), (4, 2)]

    def test_a_fermata_holds_every_part(self) -> None:
        held = "<notations><fermata/></notations>"
        above = part(note(duration=2, lyric="la") + note(duration=2, lyric="le", inside=held) + note(lyric="li"))
        below = part(note(duration=4, lyric="lo") + note(lyric="lu"), id="P2")
        score = read_score(document(above, below))
        assert times(played_part(score, "P1")) == [(0, 1), (1, 1.5), (2.5, 0.5)]
        assert times(played_part(score, "P2")) == [(0, 2.5), (2.5, 0.5)]

    def test_a_tied_note_cut_short_by_a_jump_never_overlaps(self) -> None:
        tied = note(duration=4, lyric="la", inside='<tie type="start"/>') + REPEAT
        played = play(tied, note(duration=4, inside='<tie type="stop"/>'))
        assert times(played) == [(0, 2), (2, 4)]


class TestGraceNotes:
    def test_it_takes_time_and_syllable_of_the_note_it_leads_to(self) -> None:
        played = play(grace() + note(duration=2, lyric="la") + note(lyric="le"))
        assert [(one.midi, float(one.start_quarters), float(one.duration_quarters)) for one in played.notes] == [
            (62, 0, 0.25),
            (60, 0.25, 1.75),
            (60, 2, 1),
        ]
        assert words(played) == ["la", "", "le"]

    def test_many_take_at_most_half(self) -> None:
        played = play(note(lyric="a") + grace() * 4 + note(lyric="la"))
        assert [float(one.duration_quarters) for one in played.notes] == [1, 0.125, 0.125, 0.125, 0.125, 0.5]

    def test_at_a_measures_end_they_belong_to_the_note_before(self) -> None:
        played = play(note(duration=4, lyric="la") + grace(), note(duration=4, lyric="le"))
        assert [float(one.start_quarters) for one in played.notes] == [0, 3.75, 4]
        assert words(played) == ["la", "", "le"]

    def test_a_syllable_of_its_own_stays(self) -> None:
        assert words(play(grace(lyrics=verses("a")) + note(lyric="la"))) == ["a", "la"]


class TestVerses:
    def test_each_pass_sings_its_verse(self) -> None:
        played = play(note(lyrics=verses("one", "two")) + REPEAT)
        assert words(played) == ["one", "two"]

    def test_an_ending_belongs_to_its_pass(self) -> None:
        first = '<barline><ending number="1" type="start"/></barline>'
        first_end = '<barline><ending number="1" type="stop"/><repeat direction="backward"/></barline>'
        second = '<barline><ending number="2" type="start"/></barline>'
        second_end = '<barline><ending number="2" type="stop"/></barline>'
        played = play(
            note(duration=4, lyrics=verses("a", "b")),
            first + note(duration=4, lyrics=verses("one")) + first_end,
            second + note(duration=4, lyrics=verses("", "two")) + second_end,
        )
        assert words(played) == ["a", "one", "b", "two"]
        assert [one.pass_number for one in played.notes] == [1, 1, 2, 2]

    def test_one_verse_is_sung_in_every_pass_without_a_word(self) -> None:
        played = play(note(lyric="la") + REPEAT)
        assert (words(played), played.warnings) == (["la", "la"], ())

    def test_a_forced_verse_holds_in_every_pass(self) -> None:
        assert words(play(note(lyrics=verses("one", "two")) + REPEAT, verse=2)) == ["two", "two"]

    def test_another_verses_syllables_may_be_this_ones_melisma(self) -> None:
        measure = note(lyrics=verses("twin", "star")) + note(lyrics=verses("kle")) + note(lyrics=verses("on", "high"))
        assert words(play(measure, verse=2)) == ["star", "", "high"]

    def test_a_refrain_printed_once_is_sung_with_a_warning(self) -> None:
        verse = note(lyrics=verses("one", "two")) + note("rest") + "".join(note(lyric=text) for text in "abcd")
        played = play(verse + REPEAT)
        assert words(played) == ["one", "a", "b", "c", "d", "two", "a", "b", "c", "d"]
        assert [(one.code, one.measure, one.beat) for one in played.warnings] == [("verse_missing", "1", 3.0)]

    def test_a_verse_the_repeats_do_not_reach_is_told(self) -> None:
        played = play(note(lyrics=verses("one", "two")))
        assert [one.code for one in played.warnings] == ["verse_not_reached"]
        assert "verse=2" in played.warnings[0].message


class TestMelismas:
    def test_a_note_without_a_syllable_holds_the_vowel(self) -> None:
        assert words(play(note(lyric="la") + note("D4") + note("E4", lyric="le"))) == ["la", "", "le"]

    def test_after_a_rest_it_is_not_sung_and_that_is_told(self) -> None:
        played = play(note(lyric="la") + note("rest") + note("D4") + note("E4"), note(duration=4, lyric="le"))
        assert words(played) == ["la", "le"]
        assert [(one.code, one.part, one.measure, one.beat) for one in played.warnings] == [
            ("note_without_syllable", "P1", "1", 3.0)
        ]


def test_words_of_another_voice_are_told() -> None:
    back = "<backup><duration>4</duration></backup>"
    second = note("E4", 2, "la", inside="<voice>2</voice>") + note("E4", 2, "lo", inside="<voice>2</voice>")
    played = play(note("C5", 4, "la") + back + second)
    assert [(one.code, one.part, one.beat) for one in played.warnings] == [("words_in_other_line", "P1", 3.0)]
    assert "1 syllables stand in P1/2" in played.warnings[0].message


class TestChoosing:
    SCORE = read_score(
        document(
            part(note(duration=4), id="P1"),
            part(note(lyric="la") + note("E4", lyric="le") + note("C4", inside="<chord/>"), id="P2"),
            names=("Piano", "Soprano solo"),
        )
    )

    @pytest.mark.parametrize("name", ["P2", "p2", "Soprano solo", " soprano SOLO "])
    def test_by_id_or_name_in_any_case(self, name: str) -> None:
        assert words(played_part(self.SCORE, name)) == ["la", "le"]

    def test_the_first_with_lyrics_when_none_is_named(self) -> None:
        assert played_part(self.SCORE).line == "P2"

    def test_a_line_by_its_number(self) -> None:
        assert [one.midi for one in played_part(self.SCORE, "p2/2").notes] == [60]

    def test_unknown_part_line_and_verse_list_what_there_is(self) -> None:
        with pytest.raises(UnknownName, match="P1 \\(Piano\\), P2 \\(Soprano solo\\)"):
            played_part(self.SCORE, "Tenor")
        with pytest.raises(UnknownName, match="P2, P2/2"):
            played_part(self.SCORE, "P2/3")
        with pytest.raises(UnknownName, match="Verses: 1"):
            played_part(self.SCORE, "P2", 2)

    def test_a_part_without_words_is_nothing_to_sing(self) -> None:
        with pytest.raises(NothingToSing, match="Piano"):
            played_part(self.SCORE, "P1")
        with pytest.raises(NothingToSing, match="set_lyrics"):
            played_part(read(attributes() + note()))


@pytest.mark.parametrize("path", sorted(SCORES.glob("*.m*l")), ids=lambda path: path.name[:12])
def test_played_notes_of_real_scores_never_overlap(path: Path) -> None:
    score = read_score(path.read_bytes())
    for one in score.parts:
        if not any(note.lyrics for line in one.lines[:1] for note in line.notes):
            continue
        notes = played_part(score, one.id).notes
        for before, after in pairwise(notes):
            assert before.start_quarters + before.duration_quarters <= after.start_quarters
            assert before.start_s + before.duration_s <= after.start_s + 1e-9
        assert len({(note.note_id, note.pass_number) for note in notes}) == len(notes)
        assert all(note.duration_s > 0 for note in notes)
