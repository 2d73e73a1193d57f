"""parse_score and modify_score."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from singsynth_mcp.contracts.common import Arguments, ListRange, Request, Result


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
    upload: str | None = Field(default=None, description="An upload's artifact id")
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


class SetLyrics(Arguments):
    """Set the lyrics of a part's verse from text: syllables in order, one for each sung note."""

    operation: Literal["set_lyrics"]
    part: str | None = None
    verse: int = Field(default=1, ge=1)
    text: str = Field(
        description="Syllables separated by spaces; a hyphen joins syllables of a word (Twin-kle), _ holds the "
        "syllable before on another note. Japanese kana need no spaces: one mora a note"
    )
    start_note: str | None = Field(default=None, description="Note id to start from; the part's first note otherwise")


class Transpose(Arguments):
    """Move pitches by semitones."""

    operation: Literal["transpose"]
    semitones: float = Field(ge=-48, le=48)
    part: str | None = Field(default=None, description="All parts when left out")


class SetTempo(Arguments):
    """Set a tempo, or scale all of them."""

    operation: Literal["set_tempo"]
    quarters_per_minute: float | None = Field(default=None, gt=0, le=1000)
    scale: float | None = Field(default=None, gt=0, le=10, description="Multiply every tempo instead")
    measure: str | None = Field(default=None, description="From this measure on; replaces all tempi when left out")


class ChangeNote(Arguments):
    """Change one written note."""

    operation: Literal["change_note"]
    note: str = Field(description="Note id")
    pitch: str | float | None = Field(default=None, description="C#4, or a MIDI number")
    duration: float | None = Field(default=None, gt=0, description="Quarters; may not run into the next note")
    lyric: str | None = Field(default=None, description='Verse 1 text; "" removes it (the vowel before is held)')


class InsertNote(Arguments):
    """Insert a note into a rest."""

    operation: Literal["insert_note"]
    part: str | None = None
    measure: str
    beat: float = Field(ge=1)
    duration: float = Field(gt=0, description="Quarters")
    pitch: str | float
    lyric: str | None = None


class DeleteNote(Arguments):
    """Delete a note; a rest stays in its place."""

    operation: Literal["delete_note"]
    note: str


Operation = Annotated[
    SetLyrics | Transpose | SetTempo | ChangeNote | InsertNote | DeleteNote,
    Field(discriminator="operation"),
]


class ModifyScoreRequest(Request):
    """Arguments of modify_score."""

    score: str = Field(description="Artifact id of a score")
    part: str | None = Field(default=None, description="List this part's notes in the result")
    range: ListRange | None = None
    operations: list[Operation] = Field(min_length=1, max_length=1000, description="Applied in order, all or none")
