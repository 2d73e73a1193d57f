"""parse_score and modify_score."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from singsynth_mcp.contracts.common import ListRange, Request, Result
from singsynth_mcp.contracts.edits import Operation


class ScoreSource(Request):
    """A score in exactly one of the accepted forms."""

    path: str | None = Field(
        default=None,
        description="A score file: MusicXML (.musicxml, .xml, .mxl), MIDI (.mid, .kar), ABC, MuseScore 3 or 4 (.mscz, "
        ".mscx), OpenUtau (.ustx), DiffSinger (.ds), or a note list (.json)",
    )
    text: str | None = Field(
        default=None,
        description="The score itself: MusicXML, ABC, or a note list, which is the easiest to write by hand: "
        '{"title": "Star", "tempo": 96, "meter": "4/4", "language": "en", "notes": [["C4", 1, "Twin-"], ["C4", 1, '
        '"kle"], ["G4", 1, "lit-"], ["G4", 1, "tle"], ["A4", 1.5, "star"], ["G4", 0.5, "_"], ["rest", 2]]}. A note is '
        "[pitch, quarters, syllable]: a hyphen after the syllable continues the word, _ holds its vowel on another "
        'note, ["one", "two"] gives verses 1 and 2. "|" between notes closes a measure (optional), "|:" and ":|" '
        'repeat. Several singers: {"parts": [{"name": "Soprano", "notes": […]}, …]}',
    )
    base64: str | None = Field(default=None, description="The file's bytes in base64, at most 2 MB")
    upload: str | None = Field(
        default=None, description="An upload's id: PUT /uploads/<file name> on this server over HTTP answers one"
    )
    score: str | None = Field(default=None, description="The artifact id of a score that was parsed before")


class ParseScoreRequest(ScoreSource):
    """Arguments of parse_score."""

    part: str | None = Field(default=None, description="List this part's notes (with their ids, for modify_score)")
    range: ListRange | None = None


class PartSummary(BaseModel):
    """A part as a language model needs to see it."""

    id: str
    name: str
    lines: int
    sung_notes: int = Field(description="Written onsets of the top line of a part with lyrics, ties merged")
    played_notes: int = Field(description="Notes that are sung, repeats played: with a syllable or a held vowel")
    verses: list[int]
    lowest: str | None = Field(default=None, description="Lowest sung note, e.g. C4")
    highest: str | None = None
    first_lyrics: str = ""


class NoteRow(BaseModel):
    """A written note, for choosing what to edit."""

    id: str
    measure: str
    beat: float
    pitch: str
    duration: float = Field(description="Quarters")
    lyric: str = Field(default="", description="Verse 1; empty where the vowel before is held")


class ScoreResult(Result):
    """What parse_score and modify_score return."""

    id: str | None = Field(default=None, description="Artifact id of the score, for every tool that takes `score`")
    title: str | None = None
    duration_seconds: float | None = Field(
        default=None, description="As played, by the tempo marks, without fermatas and tempo words"
    )
    duration_quarters: float | None = None
    tempo: float | None = Field(default=None, description="First tempo, quarters per minute")
    measures: int | None = None
    parts: list[PartSummary] | None = Field(default=None, description="A window of 40, or the part asked for")
    notes: list[NoteRow] | None = Field(default=None, description="Of the part asked for, a window of 40")
    total: int | None = Field(default=None, description="Of the parts, or of the notes where a part is asked for")
    next: str | None = Field(default=None, description="The next window: give it as range")
    changes: list[str] | None = Field(default=None, description="modify_score: what each operation changed")


def _without_mapping(schema: dict[str, Any]) -> None:
    """Leave out what the operations' own constants say."""
    schema["properties"]["operations"]["items"].pop("discriminator", None)


class ModifyScoreRequest(Request):
    """Arguments of modify_score."""

    model_config = ConfigDict(json_schema_extra=_without_mapping)

    score: str = Field(description="Artifact id of a score")
    part: str | None = Field(default=None, description="List this part's notes in the result")
    range: ListRange | None = None
    operations: list[Operation] = Field(min_length=1, max_length=1000, description="Applied in order, all or none")
