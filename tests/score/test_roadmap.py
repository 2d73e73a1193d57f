"""The playing order: small roadmaps written out by hand, and random ones that must come to an end."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.model import Line, Lyric, Measure, Note, Part, Score, Tempo
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.score.roadmap import MAX_PLAYED, playing_order
from singsynth_mcp.score.roadmap_check import without_contradictions
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


def sung(roadmap: str) -> str:
    """The verses that are sung where each measure has a note with the verses 1 to 4, as measure and verse."""
    bars = measures(roadmap)
    line = Line("P1", tuple(
        Note(f"n{place}", bar.position, Fraction(1), 60, bar.number, Fraction(1),
             tuple(Lyric(verse, (f"{bar.number}{verse}",)) for verse in range(1, 5)))
        for place, bar in enumerate(bars)
    ))  # fmt: skip
    score = Score("", (Part("P1", "", (line,)),), tuple(bars), (Tempo(Fraction(0), 120),))
    return " ".join(note.lyric.syllables[0] for note in played_part(score).notes if note.lyric)


@pytest.mark.parametrize(
    ("roadmap", "words"),
    [
        ("a b", "a1 b1"),
        ("a b:|", "a1 b1 a2 b2"),
        ("a b:|3", "a1 b1 a2 b2 a3 b3"),
        ("a|: b:| c", "a1 b1 a2 b2 c1"),
        ("a b|: c:|4 d", "a1 b1 c1 b2 c2 b3 c3 b4 c4 d1"),
        ("a:| b:|", "a1 a2 b1 b2"),
        ("a b[1:| c[2", "a1 b1 a2 c2"),
        ("a b[1,2:| c[3 d", "a1 b1 a2 b2 a3 c3 d1"),
        ("a b[1,3:| c[2,4:| d", "a1 b1 a2 c2 a3 b3 a4 c4 d1"),
        ("a b[1:| c[2:| d[3", "a1 b1 a2 c2 a3 d3"),
        ("a b[1 c[1:| d[2 e[2", "a1 b1 c1 a2 d2 e2"),
        ("a bfine cDC", "a1 b1 c1 a2 b2"),
        ("a bS cfine dDS", "a1 b1 c1 d1 b2 c2"),
        ("a bS cto dDS ecoda", "a1 b1 c1 d1 b2 c2 e1"),
        ("a ato bDC ccoda", "a1 a1 b1 a2 a2 c1"),
        ("a|: b:| cfine dDC", "a1 b1 a2 b2 c1 d1 a3 b3 c2"),
        ("a b[1:| c[2 dDC", "a1 b1 a2 c2 d1 a3 c3 d2"),
    ],
)
def test_pass_n_sings_verse_n(roadmap: str, words: str) -> None:
    assert sung(roadmap) == words


@pytest.mark.parametrize(
    ("roadmap", "order", "told"),
    [
        ("a bDS c", "abc", "D.S. without a segno"),
        ("a bto cDC", "abcabc", '"To Coda" without a coda after it'),
        ("a b[1:| c[3 d", "abcd", "Endings 1, 3 leave a pass out"),
        ("a b[1:| c[1,2 d", "abcd", "Endings 1, 1+2 give a pass twice"),
        ("a b[1 c[2 d", "abcd", "Endings 1, 2 without a repeat sign"),
        ("a b[2 c", "abc", "Endings 2 leave a pass out"),
        ("a b[1:| c[2 d", "abacd", ""),
    ],
)
def test_what_contradicts_itself_is_played_as_written_and_told(roadmap: str, order: str, told: str) -> None:
    findings = Findings()
    bars = without_contradictions(measures(roadmap), findings)
    assert "".join(bars[one.index].number for one in playing_order(bars)) == order
    assert [one.message for one in findings.warnings()] == ([f"{told}: played as written"] if told else [])


marks = st.lists(
    st.sampled_from(["|:", ":|", ":|3", "[1", "[2", "[1,2", "DC", "DS", "S", "to", "coda", "fine"]), max_size=3
)


@given(st.lists(marks, min_size=1, max_size=12))
@settings(max_examples=100)
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
