"""The keys of a score: as a MusicXML file states them, and as an edit and a writer find them."""

from __future__ import annotations

from pathlib import Path

import pytest

from singsynth_mcp.contracts.edits import SetKey, Transpose
from singsynth_mcp.errors import InvalidScore
from singsynth_mcp.score.edits import apply_operations
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.score.writing.musicxml import musicxml_of
from tests.score.musicxml_text import attributes, document, note, part

SCORES = Path(__file__).parents[1] / "scores"


def key(fifths: int, mode: str = "major") -> str:
    return f"<key><fifths>{fifths}</fifths><mode>{mode}</mode></key>"


def change(fifths: int, mode: str = "major") -> str:
    return f"<attributes>{key(fifths, mode)}</attributes>"


def keys(score: Score) -> list[tuple[float, int, bool]]:
    return [(float(one.position), one.fifths, one.minor) for one in score.keys]


def test_keys_hold_from_their_place_on() -> None:
    first = attributes(more=key(-1, "minor")) + note(duration=4, lyric="la")
    second = note(duration=2) + change(2) + note(duration=2)
    score = read_score(document(part(first, second, change(2) + note(duration=4))))
    assert keys(score) == [(0, -1, True), (6, 2, False)]


def test_a_transposing_part_is_in_the_key_that_sounds() -> None:
    clarinet = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    score = read_score(document(part(attributes(more=key(2) + clarinet) + note("D4", 4, "la"))))
    assert keys(score) == [(0, 0, False)]
    assert score.parts[0].lines[0].notes[0].midi == 60


def test_of_two_parts_the_first_that_says_a_key_counts() -> None:
    drums = "<note><unpitched/><duration>4</duration></note>"
    sung = attributes(more=key(-3)) + note(duration=4, lyric="la")
    score = read_score(document(part(drums), part(sung, id="P2"), part(change(4) + note(duration=4), id="P3")))
    assert keys(score) == [(0, -3, False)]


def test_no_key_is_none_and_a_wrong_one_is_named() -> None:
    assert keys(read_score(document(part(note(duration=4, lyric="la"))))) == []
    with pytest.raises(InvalidScore, match="measure 1: cannot read a key of 99 fifths"):
        read_score(document(part(attributes(more=key(99)) + note(duration=4))))


def test_steps_are_those_of_the_written_key() -> None:
    # The notes alone fit C major as well; the signature says G.
    sung = attributes(more=key(1)) + note("E4", 2, "la") + note("G4", 2, "la")
    score = read_score(document(part(sung)))
    up = apply_operations(score, [Transpose(operation="transpose", steps=1)]).score
    assert [one.midi for one in up.parts[0].lines[0].notes] == [66, 69]
    moved = apply_operations(score, [SetKey(operation="set_key", key="A", move=True)]).score
    assert [one.midi for one in moved.parts[0].lines[0].notes] == [66, 69]
    assert keys(moved) == [(0, 3, False)]


@pytest.mark.parametrize("name", ["01-de-satb-brahms-magdalena.mxl", "05-en-triplets-pickup-lehmann-yellowhammer.mxl"])
def test_written_keys_survive_the_round_trip(name: str) -> None:
    score = read_score((SCORES / name).read_bytes(), name)
    assert score.keys
    assert read_score(musicxml_of(score)).keys == score.keys
