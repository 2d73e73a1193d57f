"""The pieces that requests and results share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from singsynth_mcp.errors import InvalidRequest

State = Literal["done", "queued", "running", "failed", "cancelled"]
CurveArgument = Annotated[
    float | list[tuple[float, float]],
    Field(description="A number, or [[quarter, value], …] in played quarters, linear between"),
]
SpeakerArgument = Annotated[
    str | dict[str, CurveArgument],
    Field(description="A speaker's name, or {name: weight curve} for a blend"),
]
Controls = Annotated[
    dict[str, CurveArgument],
    Field(
        description="gender, velocity, energy, breathiness, voicing, tension, expressiveness, vibrato, tone_shift, "
        "loudness, dynamics (how far the score's are sung); 0 is neutral (velocity, expressiveness, dynamics: 1)"
    ),
]
PronunciationsArgument = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=100)], Annotated[str, Field(min_length=1, max_length=200)]],
    Field(max_length=500, description='Words to be read so, in the voicebank\'s phonemes: {"read": "r eh d"}'),
]
WaitSeconds = Annotated[
    float,
    Field(ge=0, le=45, description="How long to wait for the result before returning a job_id for get_job"),
]
PhraseRange = Annotated[
    str, Field(pattern=r"^(all|\d{1,9}(-\d{1,9})?)$", description='"all", "3" or "first-last", from 1')
]
RanOn = Annotated[str, Field(description="What the models ran on, and why: engine, version, device")]
ListRange = Annotated[
    str, Field(pattern=r"^\d{1,9}-\d{1,9}$", description='Which entries of the lists to return: "41-80"')
]
LIST_LIMIT = 40
"""Entries of a list in one result; the result's `total` and `next` say what is left."""


class Arguments(BaseModel):
    """What a caller fills in; an unknown field is an error, at any depth, and so is a number that is none."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Request(Arguments):
    """A tool's arguments."""


class JobRequest(Request):
    """Arguments of a tool that may take long."""

    wait_seconds: WaitSeconds = 20


class ErrorInfo(BaseModel):
    """An error as data; the result's text says the same."""

    code: str
    message: str
    hint: str = ""
    retryable: bool = False
    details: dict[str, Any] | None = None


class PassedOver(BaseModel):
    """Something that singing passed over; singing went on."""

    code: str
    message: str
    part: str | None = None
    measure: str | None = None
    beat: float | None = None


class Result(BaseModel):
    """A tool's structured result. Every field is optional so that a job's answer fits the same schema."""

    state: State = "done"
    error: ErrorInfo | None = None
    warnings: list[PassedOver] | None = None


class JobResult(Result):
    """A result that may still be in the making: call get_job with `job_id`."""

    job_id: str | None = None
    progress: float | None = Field(default=None, description="0 to 1")
    stage: str | None = None
    position: int | None = Field(default=None, description="Place in the queue, from 1")
    queued_seconds: float | None = None
    run_seconds: float | None = None


def phrase_indices(phrases: str, there: range) -> range:
    """Return the indices that a PhraseRange ("all", "3", "first-last") names. Raises InvalidRequest outside `there`."""
    if phrases == "all":
        return there
    first, _, last = phrases.partition("-")
    chosen = range(int(first) - 1, int(last or first))
    if not chosen or chosen.start < there.start or chosen.stop > there.stop:
        raise InvalidRequest(
            f"phrases {phrases} is not within {there.start + 1}-{there.stop}",
            hint='Phrases count from 1: "all", "3" or "first-last".',
        )
    return chosen


def first_warnings(warnings: list[PassedOver]) -> list[PassedOver] | None:
    """Return distinct warnings in order, at most 12 so that a result stays small; the last says how many more."""
    distinct = list({warning.model_dump_json(): warning for warning in warnings}.values())
    if len(distinct) > 12:
        rest = len(distinct) - 11
        distinct = [*distinct[:11], PassedOver(code="more_warnings", message=f"and {rest} more warnings of this kind")]
    return distinct or None
