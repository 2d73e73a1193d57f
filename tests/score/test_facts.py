"""The ten scores against facts that were read and counted by hand (tests/scores/README.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pytest

from singsynth_mcp.cpu_server.describing import describe
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.score.roadmap import playing_order
from singsynth_mcp.score.tempo import TempoMap
from singsynth_mcp.score.timeline import played_length

SCORES = Path(__file__).parent.parent / "scores"


@dataclass(frozen=True)
class Facts:
    parts: int
    sung: dict[str, tuple[list[int], int]]
    """Name of each part with lyrics → verses, written onsets of its top line."""
    first_words: str
    bars: int
    quarters: Fraction
    seconds: float
    played: str
    """Bars by their printed numbers, in the order in which they are played."""
    played_quarters: Fraction
    played_seconds: float
    tempo: float = field(default=120)


def q(value: float) -> Fraction:
    return Fraction(value)


FACTS = {
    "01": Facts(
        4, {"Soprano": ([1, 2], 33), "Alto": ([1], 37), "Tenor": ([1, 2], 27), "Bass": ([1], 24)},
        "An dem österlichen Tag", 8, q(32), 29.5, "1-8 1-8 1-8", q(96), 88.6, 65,
    ),
    "02": Facts(
        2, {"Voice": ([1, 2, 3], 38)}, "Ah, ’tis nothing but a wild rose, Dainty petals frail and pink,",
        17, q(68), 35.8, "1-16 5-16 5-13 17", q(152), 80.0, 114,
    ),
    "03": Facts(
        2, {"Voice": ([1, 2, 3], 46)}, "Vöglein fliegt dem Nestchen zu, hat sich müd' geflogen;",
        17, q(51), 51.0, "1-16 1-17", q(99), 99.0, 60,
    ),
    "04": Facts(
        2, {"Gesang Voice": ([1, 2, 3, 4], 84)}, "Schlaf du holdes süsses Kind; Draussen weht der Frühlingswind",
        23, q(46), 32.9, "1-22 1-22 1-22 1-21 23 1-4", q(184), 131.4, 84,
    ),
    "05": Facts(
        2, {"Voice": ([1], 118)}, "On a sultry Summer morning Down the dusty road we stray’d, And",
        33, q(128), 96.0, "0-32", q(128), 96.0, 80,
    ),
    "06": Facts(
        2, {"Chant Voice": ([1], 94)}, "Aux cris de l’indigence aux accents du plaisir Venez former la danse",
        33, q(96.5), 49.9, "0-24 9-16 25-32 9-16", q(144.5), 74.7, 116,
    ),
    "07": Facts(
        2, {"Voice": ([1], 144)}, "Ich kann's nicht fassen, nicht glauben, es hat ein Traum mich",
        87, q(129.5), 74.1, "1-87", q(129.5), 74.1, 120,
    ),
    "08": Facts(
        2, {"Stimme Voice": ([1, 2, 3, 4, 5], 25)}, "Ein Mägd",
        12, q(32.5), 16.2, "0-11 1-11 1-11 1-11 1-11", q(152.5), 76.2,
    ),
    "09": Facts(
        1, {"Voice": ([1], 13)}, "う さ ぎ う さ ぎ な に みっ て は ね る", 4, q(16), 12.0, "1-4", q(16), 12.0, 80,
    ),
    "10": Facts(
        1, {"Voice": ([1], 32)}, "两 只 老 虎 两 只 老 虎 跑 得 快 跑 得 快", 8, q(32), 19.2, "1-8", q(32), 19.2, 100,
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=sorted(FACTS))
def case(request: pytest.FixtureRequest) -> tuple[Score, Facts]:
    path = next(SCORES.glob(f"{request.param}-*"))
    return read_score(path.read_bytes(), path.name), FACTS[request.param]


def test_what_is_written(case: tuple[Score, Facts]) -> None:
    score, facts = case
    end = score.measures[-1].position + score.measures[-1].duration
    assert len(score.measures) == facts.bars
    assert end == facts.quarters
    assert TempoMap(score.tempos).seconds_at(end) == pytest.approx(facts.seconds, abs=0.051)
    assert score.tempos[0].quarters_per_minute == facts.tempo
    assert len(score.parts) == facts.parts


def test_what_is_sung(case: tuple[Score, Facts]) -> None:
    score, facts = case
    result = describe(score)
    sung = {part.name: (part.verses, part.sung_notes) for part in result.parts or () if part.verses}
    assert sung == facts.sung
    first = next(part for part in result.parts or () if part.verses)
    assert first.first_lyrics.startswith(facts.first_words)


def test_what_is_played(case: tuple[Score, Facts]) -> None:
    score, facts = case
    runs: list[list[int]] = []
    for played in playing_order(score.measures):
        if runs and played.index == runs[-1][1] + 1:
            runs[-1][1] = played.index
        else:
            runs.append([played.index, played.index])
    numbers = [(score.measures[first].number, score.measures[last].number) for first, last in runs]
    assert " ".join(first if first == last else f"{first}-{last}" for first, last in numbers) == facts.played
    quarters, seconds = played_length(score)
    assert quarters == facts.played_quarters
    assert seconds == pytest.approx(facts.played_seconds, abs=0.051)


def test_nine_tempo_marks_make_eight_tempi() -> None:
    path = next(SCORES.glob("07-*"))
    assert len(read_score(path.read_bytes()).tempos) == 8
