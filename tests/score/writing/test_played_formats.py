"""MIDI and USTX written and read again: as played, every note with its syllable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from singsynth_mcp.score.lookup import verses_of
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.score.writing.midi import midi_of_score
from singsynth_mcp.score.writing.ustx import ustx_of

SCORES = Path(__file__).parent.parent.parent / "scores"
PATHS = [path for path in sorted(SCORES.glob("*.m*l")) if path.name[:2] in ("01", "02", "04", "07", "09", "10", "ja")]


def sung(score: Score, part: str | None) -> tuple[str, list[tuple[float, float]]]:
    """The words as one text, and onset with pitch; both keep the seconds of fermatas and tempo words."""
    notes = played_part(score, part).notes
    words = "".join("".join(note.lyric.syllables) for note in notes if note.lyric)
    return words, [(note.midi, round(note.start_s, 2)) for note in notes]


@pytest.mark.parametrize("write", [midi_of_score, ustx_of])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name[:12])
def test_first_sung_part(path: Path, write: Callable[[Score], bytes]) -> None:
    score = read_score(path.read_bytes())
    back = read_score(write(score), f"song.{'mid' if write is midi_of_score else 'ustx'}")
    first = next(part.id for part in score.parts if part.lines and verses_of(part.lines[0]))
    words, notes = sung(score, first)
    words_again, notes_again = sung(back, None)
    assert words_again == words
    assert len(notes_again) == len(notes)
    for (midi, start), (midi_again, start_again) in zip(notes, notes_again, strict=True):
        assert midi_again == midi
        assert start_again == pytest.approx(start, abs=0.03)
