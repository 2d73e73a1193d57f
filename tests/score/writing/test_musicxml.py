"""MusicXML written and read again: every sung note and syllable, at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from singsynth_mcp.contracts.edits import Ritardando, SetDynamics, UnfoldRepeats
from singsynth_mcp.score.edits import apply_operations
from singsynth_mcp.score.lookup import verses_of
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.score.writing.musicxml import musicxml_of
from tests.score.test_edits import scores

SCORES = Path(__file__).parent.parent.parent / "scores"
PATHS = sorted(SCORES.glob("*.m*l"))


def again(score: Score) -> Score:
    return read_score(musicxml_of(score))


def written(score: Score) -> list[Any]:
    """Every note with its words, whichever line it is in; of unsung parts, whose chords share slurs, less."""
    return [
        sorted(
            (one.position, one.duration, round(one.midi, 6), one.grace)
            if not any(verses_of(line) for line in part.lines)
            else (one.position, one.duration, round(one.midi, 6), one.grace, one.slurred, one.breath_mark, one.fermata,
             one.articulations, [(lyric.verse, lyric.syllables, lyric.syllabic, lyric.extend) for lyric in one.lyrics])
            for line in part.lines
            for one in line.notes
        )
        for part in score.parts
    ]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name[:12])
def test_real_scores(path: Path) -> None:
    score = read_score(path.read_bytes())
    back = again(score)
    assert written(back) == written(score)
    assert [(part.id, part.name) for part in back.parts] == [(part.id, part.name) for part in score.parts]
    assert back.measures == score.measures
    for part in score.parts:
        if part.lines and verses_of(part.lines[0]):
            first, second = (played_part(one, part.id).notes for one in (score, back))
            assert [
                (n.midi, n.lyric and n.lyric.syllables, round(n.start_s, 5), round(n.duration_s, 5)) for n in first
            ] == [(n.midi, n.lyric and n.lyric.syllables, round(n.start_s, 5), round(n.duration_s, 5)) for n in second]


@given(scores)
@settings(max_examples=40)
def test_random_scores(score: Score) -> None:
    assert written(again(score)) == written(score)


def test_edited_scores_keep_tempo_and_loudness() -> None:
    score = read_score((SCORES / "09-ja-usagi.musicxml").read_bytes())
    edited = apply_operations(
        score,
        [
            Ritardando(operation="ritardando", where="3-4", factor=0.6),
            SetDynamics(operation="set_dynamics", where="1-2", level="p", to="f"),
            UnfoldRepeats(operation="unfold_repeats"),
        ],
    ).score
    back = again(edited)
    assert back.parts[0].loudness == edited.parts[0].loudness
    assert played_part(back).notes[-1].start_s == pytest.approx(played_part(edited).notes[-1].start_s)
