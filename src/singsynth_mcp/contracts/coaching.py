"""The operations of modify_performance: what a singer's coach would say, as edits that later predictions keep.

`where`: notes ("n12", "n12-n20"; "n12@2" is its second pass), measures ("3", "3-8", "3:2-4:1" with beats) or phrases
("phrase 2", "phrases 2-4"); all when left out. Every pass of a repeat is meant unless one is named.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from singsynth_mcp.contracts.common import Request
from singsynth_mcp.contracts.edits import Edit
from singsynth_mcp.contracts.performance import PerformanceResult

Where = Annotated[str, Field(min_length=1, max_length=60)]
EditName = Literal[
    "set_phonemes", "move_boundary", "set_pitch", "nudge_pitch", "set_curve", "set_controls", "set_speaker", "retake"
]
RangeCurve = Annotated[
    float | list[tuple[float, float]],
    Field(description="A number, or [[quarter, value], …]: quarters from the range's beginning, linear between"),
]


class SetPhonemes(Edit):
    """Sing other phonemes on a note."""

    operation: Literal["set_phonemes"]
    note: Where
    phonemes: str = Field(min_length=1, max_length=200, description="Of the voicebank, spaces between: hh eh v")
    language: str | None = Field(default=None, description="Of phonemes without a prefix")


class MoveBoundary(Edit):
    """Move where a phoneme starts: an earlier start makes a consonant before the beat longer."""

    operation: Literal["move_boundary"]
    note: Where
    phoneme: int = Field(default=0, ge=0, le=100, description="Of the note, from 0")
    by_ms: float | None = Field(default=None, ge=-5000, le=5000, description="Later; below 0 earlier")
    to_ms: float | None = Field(default=None, ge=-5000, le=300_000, description="From the note's written onset")


class SetPitch(Edit):
    """Draw the pitch of a range: what is sung there, glides and vibrato included."""

    operation: Literal["set_pitch"]
    where: Where
    pitch: str | float | list[tuple[float, float]] = Field(
        description="C#4 or a MIDI number, or [[quarter, MIDI], …]: quarters from the range's beginning, linear between"
    )


class NudgePitch(Edit):
    """Move the pitch of a range, keeping its shape."""

    operation: Literal["nudge_pitch"]
    where: Where | None = None
    cents: float = Field(ge=-2400, le=2400)


class SetCurve(Edit):
    """Draw a predicted curve in a range, in the model's own unit (dB)."""

    operation: Literal["set_curve"]
    curve: Literal["energy", "breathiness", "voicing", "tension"]
    where: Where | None = None
    value: RangeCurve


class SetControls(Edit):
    """Set controls in a range, instead of what they were."""

    operation: Literal["set_controls"]
    where: Where | None = None
    controls: dict[str, RangeCurve] = Field(min_length=1, description="As in sing: gender, breathiness, loudness …")


class SetSpeaker(Edit):
    """Change the speaker, or the blend, in a range."""

    operation: Literal["set_speaker"]
    where: Where | None = None
    speaker: str | dict[str, RangeCurve] = Field(description="A name, or {name: weight}")


class Retake(Edit):
    """Sing a range once more, another way for each seed; the rest stays."""

    operation: Literal["retake"]
    where: Where | None = None
    seed: int = Field(ge=0, lt=2**31)
    stage: Literal["pitch", "variance"] = "pitch"


class Reset(Edit):
    """Take edits back."""

    operation: Literal["reset"]
    where: Where | None = None
    edits: list[EditName] | None = Field(default=None, description="Those alone; all when left out")


PerformanceOperation = Annotated[
    SetPhonemes | MoveBoundary | SetPitch | NudgePitch | SetCurve | SetControls | SetSpeaker | Retake | Reset,
    Field(discriminator="operation"),
]


def _without_mapping(schema: dict[str, Any]) -> None:
    """Leave out what the operations' own constants say."""
    schema["properties"]["operations"]["items"].pop("discriminator", None)


class ModifyPerformanceRequest(Request):
    """Arguments of modify_performance."""

    model_config = ConfigDict(json_schema_extra=_without_mapping)

    performance: str = Field(description="Artifact id: of sing's performances, or of any step's")
    operations: list[PerformanceOperation] = Field(
        min_length=1, max_length=200, description="Applied in order, all or none"
    )


class ModifiedPerformanceResult(PerformanceResult):
    """What modify_performance returns."""

    changes: list[str] | None = Field(default=None, description="What each operation changed")
    touched: str | None = Field(default=None, description="Phrases that will be rendered again: 2, 5-6")
    edits: int | None = Field(default=None, description="Edits that the performance holds now")
