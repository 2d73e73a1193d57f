"""The loudness curve along the roadmap."""

from __future__ import annotations

from singsynth_mcp.score.played_loudness import played_loudness
from singsynth_mcp.score.reading import read_score
from tests.score.musicxml_text import document, note, part
from tests.score.test_expression import SUNG, dynamic, wedge

REPEAT = '<barline location="right"><repeat direction="backward"/></barline>'


def curve(*measures: str) -> list[tuple[float, float]]:
    return list(played_loudness(read_score(document(part(*measures))), "P1"))


def test_a_part_without_marks_has_none() -> None:
    assert curve(SUNG) == []
    assert curve(dynamic("mf") + SUNG) == []


def test_a_level_holds_and_a_repeat_comes_back_to_it() -> None:
    assert curve(dynamic("p") + SUNG, dynamic("f") + SUNG + REPEAT) == [
        (0, -7), (4, -7), (4, 3), (8, 3), (8, -7), (12, -7), (12, 3), (16, 3),
    ]  # fmt: skip


def test_a_hairpin_is_cut_at_the_barline_and_goes_on_behind_it() -> None:
    start = dynamic("p") + note(duration=2, lyric="a") + wedge("crescendo") + note(duration=2)
    stop = note(duration=2) + wedge("stop") + dynamic("f") + note(duration=2)
    assert curve(start, stop) == [(0, -7), (2, -7), (4, -2), (4, -2), (6, 3), (8, 3)]


def test_before_its_first_mark_a_part_is_at_mezzoforte() -> None:
    assert curve(SUNG, dynamic("f") + SUNG) == [(0, 0), (4, 0), (4, 3), (8, 3)]
