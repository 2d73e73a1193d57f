"""Note lists as language models write them, and what is said of those that are wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from singsynth_mcp.contracts.score import ParseScoreRequest
from singsynth_mcp.errors import InvalidScore, NothingToSing
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score


def read(document: Any) -> Score:
    return read_score(json.dumps(document).encode(), "the text")


def sung(score: Score, **options: Any) -> list[str]:
    return ["_".join(note.lyric.syllables) if note.lyric else "" for note in played_part(score, **options).notes]


def test_the_example_of_the_tool_reads() -> None:
    description = ParseScoreRequest.model_fields["text"].description or ""
    start = description.index("{")
    example, _ = json.JSONDecoder().raw_decode(description[start:])
    score = read(example)
    assert sung(score) == ["Twin", "kle", "lit", "tle", "star", ""]
    assert (score.title, score.tempos[0].quarters_per_minute, score.language) == ("Star", 96, "en")
    assert [note.lyrics[0].language for note in score.parts[0].lines[0].notes if note.lyrics] == ["en"] * 5


@pytest.mark.parametrize(
    "notes",
    [
        [["C4", 1, "la"], ["rest", 1], ["D4", 0.5, "lo"], ["E4", 0.5, "_"]],
        [[60, 1, "la"], [None, 1], [62, "1/2", "lo"], [64, 0.5]],
        [["C4", 1, "la"], ["r", 1, None], ["D4", 0.5, "lo"], ["E4", 0.5, ""]],
        [
            {"pitch": "C4", "duration": 1, "lyric": "la"},
            {"rest": True, "duration": 1},
            {"pitch": "D4", "quarters": 0.5, "lyric": "lo"},
            {"note": "E4", "beats": 0.5, "syllable": "+"},
        ],
    ],
)
def test_ways_to_write_the_same(notes: list[Any]) -> None:
    for document in (notes, {"notes": notes}, {"parts": [{"name": "Voice", "notes": notes}]}):
        score = read(document)
        found = [(float(note.position), float(note.duration), note.midi) for note in score.parts[0].lines[0].notes]
        assert found == [(0, 1, 60), (2, 0.5, 62), (2.5, 0.5, 64)]
        assert sung(score) == ["la", "lo", ""]


def test_measures_by_the_meter_and_by_bars() -> None:
    by_meter = read({"meter": "3/4", "notes": [["C4", 2, "a"], ["D4", 2, "b"], ["E4", 2, "c"]]})
    assert [measure.duration for measure in by_meter.measures] == [3, 3]
    by_bars = read([["C4", 1, "a"], "|", ["D4", 4, "b"], "|", ["E4", 4, "c"], "|"])
    assert [measure.duration for measure in by_bars.measures] == [1, 4, 4]


def test_a_repeat_sings_the_second_verse() -> None:
    score = read(["|:", ["C4", 4, ["one", "two"]], ":|", ["D4", 4, "end"]])
    assert sung(score) == ["one", "two", "end"]
    assert sung(read([["C4", 4, ["one", "two"]], "|", ":|", ["D4", 4, "end"]])) == ["one", "two", "end"]


def test_words_run_over_hyphens_and_elisions() -> None:
    notes = read([["C4", 1, "glo-"], ["D4", 1, "ri-"], ["E4", 1, "a_in"], ["F4", 1, "al-"], ["G4", 1, "to"]])
    lyrics = [note.lyrics[0] for note in notes.parts[0].lines[0].notes]
    assert [lyric.syllabic for lyric in lyrics] == ["begin", "middle", "end", "begin", "end"]
    assert lyrics[2].syllables == ("a", "in")


def test_a_hint_stays_whole() -> None:
    score = read([["C4", 1, "read[r eh d]"], ["D4", 1, "[s a]"]])
    assert sung(score) == ["read[r eh d]", "[s a]"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([["H4", 1, "la"]], ("note 1 of part Voice", '"H4" is no pitch')),
        ([["C4", 1, "la"], ["C4", 0, "la"]], ("note 2", "above 0")),
        ([["C4", -1, "la"]], ("note 1", "above 0")),
        ([["C4", "long", "la"]], ("note 1", "number of quarters")),
        ([["C4"]], ("note 1", "[pitch, quarters, syllable]")),
        ([["C4", 1, 7]], ("note 1", "syllable has to be text")),
        ([[200, 1, "la"]], ("note 1", "outside MIDI")),
        ([[True, 1, "la"]], ("note 1", "pitch has to be")),
        ({"notes": [["C4", 1, "la"]], "tempo": 0}, ("tempo", "5 to 1000")),
        ({"notes": [["C4", 1, "la"]], "tempo": "fast"}, ("tempo", "'fast'")),
        ({"notes": [["C4", 1, "la"]], "meter": 3}, ("meter", '"3/4"')),
        ({"notes": "C4"}, ("no list of notes",)),
        ({"parts": [{"name": "A", "notes": [["C4", 1, "x"]]}, {"name": "B", "notes": [5]}]}, ("note 1 of part B",)),
        ({"parts": []}, ("list of parts",)),
        ({"tempo": 96}, ("without notes",)),
    ],
)
def test_what_is_wrong_is_named_with_an_example(document: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidScore) as caught:
        read(document)
    assert all(word in caught.value.message for word in words), caught.value.message
    assert '["C4", 1, "Twin-"]' in caught.value.hint


def test_broken_json_names_line_and_column() -> None:
    with pytest.raises(InvalidScore) as caught:
        read_score(b'{"notes": [\n["C4", 1 "la"]]}')
    assert (caught.value.details["line"], caught.value.details["column"]) == (2, 10)


def test_rests_alone_are_no_song() -> None:
    with pytest.raises(NothingToSing):
        read([["rest", 4]])


@pytest.mark.parametrize("text", ["[" * 100_000, '{"notes": [["C4", 1e999, "la"]]}', '{"notes": [["C4", NaN, "la"]]}'])
def test_hostile_json(text: str) -> None:
    with pytest.raises(InvalidScore):
        read_score(text.encode())
