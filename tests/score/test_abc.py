"""ABC tunes: rhythm, pitch, repeats, and words under the notes."""

from __future__ import annotations

import pytest

from singsynth_mcp.errors import InvalidScore, NothingToSing
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score


def tune(*lines: str, head: str = "M:4/4\nL:1/4\nK:C") -> Score:
    return read_score("\n".join(["X:1", head, *lines]).encode(), "tune.abc")


def shape(score: Score, part: int = 0) -> list[tuple[float, float, float]]:
    return [(float(note.position), float(note.duration), note.midi) for note in score.parts[part].lines[0].notes]


def words(score: Score, verse: int = 1) -> list[str]:
    found = [[lyric for lyric in note.lyrics if lyric.verse == verse] for note in score.parts[0].lines[0].notes]
    return ["_".join(one[0].syllables) + "-" * (one[0].syllabic in ("begin", "middle")) if one else "" for one in found]


def test_lengths_octaves_and_rests() -> None:
    assert shape(tune("C,2 c/ c' z d3/2 | e//")) == [
        (0, 2, 48), (2, 0.5, 72), (2.5, 1, 84), (4.5, 1.5, 74), (6, 0.25, 76),
    ]  # fmt: skip


def test_broken_rhythm_tuplets_and_ties() -> None:
    assert shape(tune("C>D C<D | (3CDE F2- | F4")) == [
        (0, 1.5, 60), (1.5, 0.5, 62), (2, 0.5, 60), (2.5, 1.5, 62),
        (4, pytest.approx(2 / 3), 60), (pytest.approx(14 / 3), pytest.approx(2 / 3), 62),
        (pytest.approx(16 / 3), pytest.approx(2 / 3), 64), (6, 6, 65),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "pitches"), [("C", [65, 71]), ("G", [66, 71]), ("Gm", [65, 70]), ("D dorian", [65, 71]), ("HP", [66, 71])]
)
def test_keys(key: str, pitches: list[int]) -> None:
    assert [midi for _, _, midi in shape(tune("F B", head=f"K:{key}"))] == pitches


def test_accidentals_hold_to_the_bar() -> None:
    assert [midi for _, _, midi in shape(tune("^F F f =F | F"))] == [66, 66, 78, 65, 65]


def test_unit_length_follows_the_meter() -> None:
    assert shape(tune("C", head="M:2/4\nK:C"))[0][1] == 0.25
    assert shape(tune("C", head="M:6/8\nK:C"))[0][1] == 0.5


def test_chords_and_graces() -> None:
    score = tune("{AB}[CEG]2 D2")
    assert [[note.midi for note in line.notes] for line in score.parts[0].lines] == [[69, 71, 67, 62], [64], [60]]


def test_words_with_every_sign() -> None:
    score = tune("C D E F | G A B c | d4", "w: Twin-kle ~star * | oh~my _ | a\\-men")
    assert words(score) == ["Twin-", "kle", "star", "", "oh_my", "", "", "", "a\u2011men"]


def test_words_that_a_second_line_continues() -> None:
    score = tune("CDEF | GABc |", "w: Sa-ys my au-", "+: l' wan to your", "w: one two")
    assert words(score) == ["Sa-", "ys", "my", "au-", "l'", "wan", "to", "your"]
    assert words(score, 2)[:3] == ["one", "two", ""]


def test_verses_and_repeats() -> None:
    score = tune("|: C4 | D4 |1 E4 :|2 F4 |]", "w: a b c *", "w: x y * z")
    assert [note.lyric.syllables[0] for note in played_part(score).notes if note.lyric] == list("abcxyz")


def test_jumps() -> None:
    score = tune("C4 | D4 !fine! | E4 !D.C.alfine! |]", "w: a b c")
    assert [note.lyric.syllables[0] for note in played_part(score).notes if note.lyric] == list("abcab")


def test_voices_clefs_and_inline_fields() -> None:
    score = tune("V:1 name=High", "c4|[K:G]f4|", "w: la la", "V:2 clef=treble-8", "C4|[M:2/4]F2|")
    assert [part.name for part in score.parts] == ["High", "2"]
    assert shape(score)[1][2] == 78
    assert [midi for _, _, midi in shape(score, 1)] == [48, 53]


def test_tempo_and_title_with_accents() -> None:
    score = tune("C4", head='T:Fr\\`ere\nM:4/4\nL:1/4\nQ:"Lively" 1/8=200\nK:C')
    assert (score.title, score.tempos[0].quarters_per_minute) == ("Frère", 100)


def test_more_words_than_notes_and_odd_signs_are_told() -> None:
    score = tune("C D ? E", "w: a b c d e")
    assert [(one.code, one.measure) for one in score.warnings] == [("unknown_sign", "1"), ("lyrics_without_notes", "1")]


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (("C4", "D0"), ("line 6, column 1", "no length")),
        (("C4 (1D",), ("line 5, column 4", "tuplet of 1")),
        (("[M:x]C",), ("line 5, column 1", "no meter")),
        (("c''''''''4",), ("line 5", "MIDI note")),
    ],
)
def test_what_is_wrong_is_named_by_line_and_column(lines: tuple[str, ...], named: tuple[str, ...]) -> None:
    with pytest.raises(InvalidScore) as caught:
        tune(*lines)
    assert all(words in caught.value.message for words in named), caught.value.message


def test_a_tune_without_music() -> None:
    with pytest.raises(NothingToSing):
        tune("w: la")
