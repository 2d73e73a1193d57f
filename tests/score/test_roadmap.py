"""The playing order: small roadmaps written out by hand, and random ones that must come to an end."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.score.model import Measure
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.score.roadmap import MAX_PLAYED, playing_order
from tests.score.musicxml_text import document, note, part

MARKS: dict[str, Callable[[str], dict[str, object]]] = {
    "|:": lambda _: {"repeat_start": True},
    ":|": lambda times: {"repeat_times": int(times or 2)},
    "[": lambda passes: {"endings": tuple(int(number) for number in passes.split(","))},
    "DC": lambda _: {"jump": "da_capo"},
    "DS": lambda _: {"jump": "dal_segno"},
    "S": lambda _: {"segno": True},
    "to": lambda _: {"to_coda": True},
    "coda": lambda _: {"coda": True},
    "fine": lambda _: {"fine": True},
}


def measures(roadmap: str) -> list[Measure]:
    """Measures a, b, c … with their marks: "a|: b[1,:|2 c" (a mark's argument follows it)."""
    found: list[Measure] = []
    for position, text in enumerate(roadmap.split()):
        marks: dict[str, object] = {}
        rest = text[1:]
        while rest:
            mark = max((mark for mark in MARKS if rest.startswith(mark)), key=len)
            rest = rest.removeprefix(mark)
            argument = rest[: len(rest) - len(rest.lstrip("0123456789,"))]
            rest = rest.removeprefix(argument)
            marks |= MARKS[mark](argument.strip(","))
        found.append(Measure(text[0], Fraction(position), Fraction(1), 1, 4, **marks))  # type: ignore[arg-type]
    return found


def played(roadmap: str) -> str:
    bars = measures(roadmap)
    return "".join(bars[one.index].number for one in playing_order(bars))


@pytest.mark.parametrize(
    ("roadmap", "order"),
    [
        ("a b c", "abc"),
        ("a b:|", "abab"),
        ("a|: b:| c", "ababc"),
        ("a b|: c:|3 d", "abcbcbcd"),
        ("a:| b:|", "aabb"),
        ("a|: b:| c d:| e", "ababcdcde"),
        ("a b[1:| c[2 d", "abacd"),
        ("a b[1,2:| c[3 d", "ababacd"),
        ("a b[1 c[1:| d[2 e[2 f", "abcadef"),
        ("a b[1:| c[2:| d", "abacd"),
        ("a b[1:| c[2 d|: e:|", "abacdede"),
        ("a bfine cDC", "abcab"),
        ("a bS cfine dDS", "abcdbc"),
        ("a bS cto dDS ecoda f", "abcdbcef"),
        ("a b:| cDC", "ababcabc"),
        ("a b[1:| c[2DC", "abacac"),
        ("a|: bfine c:| dDC", "abcabcdab"),
        ("aDS b", "aab"),
    ],
)
def test_by_hand(roadmap: str, order: str) -> None:
    assert played(roadmap) == order


def test_passes_count_and_endings_have_their_repeats_pass() -> None:
    order = playing_order(measures("a b[1:| c[2 dDC"))
    assert [("abcd"[one.index], one.pass_number) for one in order] == [
        ("a", 1), ("b", 1), ("a", 2), ("c", 2), ("d", 1), ("a", 3), ("c", 3), ("d", 2),
    ]  # fmt: skip


marks = st.lists(
    st.sampled_from(["|:", ":|", ":|3", "[1", "[2", "[1,2", "DC", "DS", "S", "to", "coda", "fine"]), max_size=3
)


@given(st.lists(marks, min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_every_roadmap_ends_and_no_measure_has_a_pass_twice(roadmap: list[list[str]]) -> None:
    order = playing_order(measures(" ".join("m" + "".join(sorted(set(each))) for each in roadmap)))
    assert len(order) < MAX_PLAYED
    assert len({(one.index, one.pass_number) for one in order}) == len(order)


def direction(words: str = "", sign: str = "") -> str:
    kind = f"<words>{words}</words>" if words else f"<{sign}/>"
    return f"<direction><direction-type>{kind}</direction-type></direction>"


@pytest.mark.parametrize(
    ("bars", "order"),
    [
        (["", direction("Fine"), direction("D.C. al Fine")], [0, 1, 2, 0, 1]),
        ([direction(sign="segno"), direction("Fine."), direction("Dal Segno al Fine")], [0, 1, 2, 0, 1]),
        ([direction(sign="coda"), direction("D.C. al Coda"), direction(sign="coda")], [0, 1, 0, 2]),
        (["", direction("dolce"), direction("al fine cresc.")], [0, 1, 2]),
    ],
)
def test_jumps_in_words_alone(bars: list[str], order: list[int]) -> None:
    score = read_score(document(part(*[bar + note(duration=4, lyric="la") for bar in bars])))
    assert [one.index for one in playing_order(score.measures)] == order


def test_a_repeat_of_a_million_times_is_capped() -> None:
    repeat = '<barline><repeat direction="backward" times="1000000"/></barline>'
    score = read_score(document(part(note(duration=4, lyric="la") + repeat)))
    assert len(playing_order(score.measures)) == 64
