"""One song in every format: the same notes, words and times come out."""

from __future__ import annotations

from pathlib import Path

import pytest

from singsynth_mcp.score.blobs import score_from_bytes, score_to_bytes
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score

FORMATS = Path(__file__).parent.parent / "scores" / "formats"
PITCHES = [60, 60, 67, 67, 69, 69, 67, 65, 65, 64, 64, 62, 62, 60]
QUARTERS = [1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2]
WORDS = ["twinkle", "twinkle", "little", "star", "how", "i", "wonder", "what", "you", "are"]


@pytest.mark.parametrize("path", sorted(FORMATS.glob("star*")), ids=lambda path: path.name)
def test_one_song(path: Path) -> None:
    score = read_score(path.read_bytes(), path.name)
    assert score_from_bytes(score_to_bytes(score)) == score
    notes = played_part(score).notes
    assert [note.midi for note in notes] == PITCHES
    assert [note.start_s for note in notes] == pytest.approx([sum(QUARTERS[:n]) * 60 / 96 for n in range(14)], abs=1e-3)
    # A MIDI file's last note ends where its note-off comes.
    assert [note.duration_s for note in notes] == pytest.approx([length * 60 / 96 for length in QUARTERS], abs=0.05)
    letters = "".join("".join(note.lyric.syllables) for note in notes if note.lyric)
    assert "".join(filter(str.isalpha, letters)).lower() == "".join(WORDS)
    if path.suffix != ".ds":  # which has neither title, tempo, nor word boundaries inside of text
        assert score.title == "Twinkle, Twinkle"
        assert score.tempos[0].quarters_per_minute == pytest.approx(96, abs=1e-3)
        ends = [note.lyric.syllabic in ("single", "end") for note in notes if note.lyric]
        assert sum(ends) == len(WORDS)
    assert not score.warnings


def test_bytes_decide_not_names() -> None:
    kar = (FORMATS / "star.kar").read_bytes()
    assert read_score(kar, "song.musicxml") == read_score(kar, "song.kar")


def test_the_other_parts_stay_in_the_document() -> None:
    score = read_score((FORMATS / "star.kar").read_bytes())
    assert [(part.name, len(part.lines[0].notes)) for part in score.parts] == [("Bass", 2), ("Voice", 14)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["star.abc", "star.json", "star.ustx", "star.ds"])
def test_texts_in_other_encodings(name: str, encoding: str) -> None:
    data = (FORMATS / name).read_bytes()
    assert read_score(data.decode().encode(encoding)) == read_score(data)


def test_line_ends_are_no_matter() -> None:
    data = (FORMATS / "star.abc").read_bytes()
    assert read_score(data.replace(b"\n", b"\r\n")) == read_score(data)
