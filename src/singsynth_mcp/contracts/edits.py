"""The operations of modify_score. Each takes the same few addresses, so that a model has little to remember.

`part`: a part's id or name ("P1", "Soprano"), or one of its lines ("P1/2"). `where`: "3" or "3-8" (measures),
"3:2-4:1" (measure:beat, both ends included) or "n12-n20" (notes). `measure` and `beat`: as printed, beats from 1.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from singsynth_mcp.contracts.common import Arguments

Where = Annotated[str, Field(min_length=1, max_length=60)]
Pitch = str | float
Quarters = Annotated[float, Field(gt=0, le=10_000)]
Verse = Annotated[int, Field(ge=1, le=99)]
Level = Literal["ppp", "pp", "p", "mp", "mf", "f", "ff", "fff"]


_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems")


def _without_noise(schema: dict[str, Any]) -> None:
    """Keep from a model's context what every operation would repeat, and bounds: an error tells them."""
    schema.pop("additionalProperties", None)
    schema["properties"]["operation"].pop("type", None)
    for field in schema["properties"].values():
        for choice in (field, *field.get("anyOf", ())):
            for bound in _BOUNDS:
                choice.pop(bound, None)


class Edit(Arguments):
    """An operation."""

    model_config = ConfigDict(json_schema_extra=_without_noise)


class SetLyrics(Edit):
    """Set a verse from text: syllables in order, one a note."""

    operation: Literal["set_lyrics"]
    part: str | None = None
    verse: Verse = 1
    text: str = Field(
        description="Spaces part words, hyphens syllables (Twin-kle), _ holds the vowel before. Kana need no spaces"
    )
    start_note: str | None = Field(default=None, description="Note id to start from")
    language: str | None = Field(default=None, description="Of the words: en, de, ja …")
    auto_syllables: bool = Field(
        default=False, description="Split words without hyphens by the language's rules; kanji become kana"
    )
    notes: Literal["all", "sung", "unslurred"] = Field(
        default="all", description="sung: those with a syllable now. unslurred: slurs hold the vowel"
    )
    too_many: Literal["error", "split", "join", "drop"] = Field(
        default="error", description="split: halve long notes. join: several syllables on a note"
    )
    too_few: Literal["keep", "hold", "repeat"] = Field(
        default="keep", description="The notes left keep theirs, hold the last vowel, or repeat the text"
    )


class ReplaceSyllables(Edit):
    """Replace a verse's syllables from a position on, as many as the text has."""

    operation: Literal["replace_syllables"]
    part: str | None = None
    verse: Verse = 1
    position: int = Field(ge=1, description="Number of the first syllable, from 1")
    text: str


class SwapVerses(Edit):
    """Exchange two verses."""

    operation: Literal["swap_verses"]
    part: str | None = None
    first: Verse = 1
    second: Verse = 2


class Transpose(Edit):
    """Move pitches: give one of semitones, steps, into."""

    operation: Literal["transpose"]
    semitones: float | None = Field(default=None, ge=-48, le=48)
    steps: int | None = Field(default=None, ge=-28, le=28, description="Within the key: 2 is a third up")
    into: str | None = Field(default=None, description="soprano, alto, tenor, bass … or A3-E5: the nearest way")
    part: str | None = None
    where: Where | None = None


class SetKey(Edit):
    """Set the key from a measure to the end."""

    operation: Literal["set_key"]
    key: str = Field(description="D, Bb, F# minor")
    measure: str | None = None
    move: bool = Field(default=False, description="Transpose the notes from the key before, the nearer way")


class SetTempo(Edit):
    """Set a tempo, or scale all, to the end."""

    operation: Literal["set_tempo"]
    quarters_per_minute: float | None = Field(default=None, ge=5, le=1000)
    scale: float | None = Field(default=None, gt=0, le=10)
    measure: str | None = None


class Ritardando(Edit):
    """Slow down (or speed up) steadily, then a tempo."""

    operation: Literal["ritardando"]
    where: Where
    factor: float = Field(default=0.7, ge=0.1, le=4, description="Of the tempo, at the end; above 1: faster")


class SetDynamics(Edit):
    """Set how loud it is from a place on; with `to`, a hairpin over `where`."""

    operation: Literal["set_dynamics"]
    part: str | None = None
    where: Where
    level: Level
    to: Level | None = None


class AddBreath(Edit):
    """Breathe after a note."""

    operation: Literal["add_breath"]
    note: str
    remove: bool = False


class ChangeNote(Edit):
    """Change a written note."""

    operation: Literal["change_note"]
    note: str
    pitch: Pitch | None = Field(default=None, description="C#4, or a MIDI number")
    duration: Quarters | None = Field(default=None, description="Quarters")
    lyric: str | None = Field(default=None, description='"" holds the vowel before')
    verse: Verse = 1


class InsertNote(Edit):
    """Insert a note into a rest."""

    operation: Literal["insert_note"]
    part: str | None = None
    measure: str
    beat: float = Field(ge=1, le=10_000)
    duration: Quarters = Field(description="Quarters")
    pitch: Pitch
    lyric: str | None = None


class DeleteNote(Edit):
    """Delete a note; a rest stays."""

    operation: Literal["delete_note"]
    note: str


class MoveNote(Edit):
    """Move a note to another beat."""

    operation: Literal["move_note"]
    note: str
    measure: str
    beat: float = Field(ge=1, le=10_000)


class SplitNote(Edit):
    """Split a note into equal ones."""

    operation: Literal["split_note"]
    note: str
    pieces: int = Field(default=2, ge=2, le=16)
    text: str | None = Field(default=None, description="Their syllables; otherwise the vowel is held")


class MergeNotes(Edit):
    """Merge neighbours into the first; their syllables are joined."""

    operation: Literal["merge_notes"]
    where: Where = Field(description="n3-n5")


class Retime(Edit):
    """Shift notes, or stretch them from the range's beginning."""

    operation: Literal["retime"]
    part: str | None = None
    where: Where
    shift: float = Field(default=0, ge=-10_000, le=10_000, description="Quarters")
    scale: float = Field(default=1, gt=0, le=16)


class Quantise(Edit):
    """Move onsets and ends to a grid."""

    operation: Literal["quantise"]
    part: str | None = None
    where: Where | None = None
    grid: float = Field(default=0.25, gt=0.01, le=4, description="Quarters")


class Humanise(Edit):
    """Loosen onsets and pitches, the same way for a seed."""

    operation: Literal["humanise"]
    part: str | None = None
    where: Where | None = None
    timing: float = Field(default=0.03, ge=0, le=0.25, description="At most, in quarters")
    cents: float = Field(default=0, ge=0, le=50)
    seed: int = 0


class FillRests(Edit):
    """Hold notes through short rests."""

    operation: Literal["fill_rests"]
    part: str | None = None
    where: Where | None = None
    longest: Quarters = Field(default=1, description="Quarters")


class CopyMeasures(Edit):
    """Paste measures over those from `to` on, or insert them before it."""

    operation: Literal["copy_measures"]
    where: Where
    to: str = Field(description="Measure, or end")
    insert: bool = False
    part: str | None = Field(default=None, description="Paste this part alone")


class InsertMeasures(Edit):
    """Insert empty measures before one."""

    operation: Literal["insert_measures"]
    measure: str = Field(description="Or end")
    count: int = Field(default=1, ge=1, le=500)


class DeleteMeasures(Edit):
    """Cut measures out of every part."""

    operation: Literal["delete_measures"]
    where: Where


class RepeatMeasures(Edit):
    """Put repeat signs round measures."""

    operation: Literal["repeat_measures"]
    where: Where
    times: int = Field(default=2, ge=2, le=16)


class UnfoldRepeats(Edit):
    """Write repeats and jumps out; pass n's verse becomes verse 1."""

    operation: Literal["unfold_repeats"]


class ExtractVoice(Edit):
    """Make a line (P1/2) a part of its own."""

    operation: Literal["extract_voice"]
    part: str
    name: str | None = None


class SplitDivisi(Edit):
    """Make every line of a part a part of its own."""

    operation: Literal["split_divisi"]
    part: str


class CombineParts(Edit):
    """Make parts the lines of the first of them."""

    operation: Literal["combine_parts"]
    parts: list[str] = Field(min_length=2, max_length=40)
    name: str | None = None


class RemovePart(Edit):
    """Remove a part, or a line."""

    operation: Literal["remove_part"]
    part: str


Operation = Annotated[
    SetLyrics
    | ReplaceSyllables
    | SwapVerses
    | Transpose
    | SetKey
    | SetTempo
    | Ritardando
    | SetDynamics
    | AddBreath
    | ChangeNote
    | InsertNote
    | DeleteNote
    | MoveNote
    | SplitNote
    | MergeNotes
    | Retime
    | Quantise
    | Humanise
    | FillRests
    | CopyMeasures
    | InsertMeasures
    | DeleteMeasures
    | RepeatMeasures
    | UnfoldRepeats
    | ExtractVoice
    | SplitDivisi
    | CombineParts
    | RemovePart,
    Field(discriminator="operation"),
]
