"""sing: the whole chain in one call."""

from __future__ import annotations

from pydantic import BaseModel, Field

from singsynth_mcp.contracts.audio import AudioFormat, SavedAudioResult
from singsynth_mcp.contracts.common import (
    Arguments,
    Controls,
    PronunciationsArgument,
    RanOn,
    SpeakerArgument,
    WaitSeconds,
)
from singsynth_mcp.contracts.score import ScoreSource


class SungPart(Arguments):
    """One part's choices; what is left out is as in the call."""

    part: str
    voicebank: str | None = None
    speaker: SpeakerArgument | None = None
    language: str | None = None
    transpose: float = Field(default=0, ge=-48, le=48)
    gain_db: float = Field(default=0, ge=-60, le=24)
    pan: float = Field(default=0, ge=-1, le=1)


class SingRequest(ScoreSource):
    """Arguments of sing: a score in one form, or performances to go on with, and choices."""

    performances: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="Instead of a score: what sing or modify_performance returned, rendered with its edits",
    )
    edits_of: list[str] | None = Field(
        default=None, max_length=64, description="With a score: keep the edits of these performances, part by part"
    )

    part: str | None = Field(default=None, description="Sing this part alone; every part with lyrics when left out")
    parts: list[SungPart] | None = Field(default=None, max_length=64, description="Several parts with choices for each")
    verse: int | None = Field(default=None, ge=1, description="Left out: pass n sings verse n")
    voicebank: str | None = None
    speaker: SpeakerArgument | None = None
    language: str | None = None
    transpose: float = Field(default=0, ge=-48, le=48, description="Semitones")
    tempo: float | None = Field(default=None, gt=0, le=1000, description="Quarters per minute, instead of the score's")
    controls: Controls = Field(default_factory=dict)
    pronunciations: PronunciationsArgument = Field(default_factory=dict)
    breaths: bool = True
    seed: int = Field(default=0, ge=0, lt=2**31)
    format: AudioFormat | None = None
    output: str | None = Field(default=None, description="File path or name to write")
    loudness_lufs: float | None = Field(default=-16, ge=-40, le=-5)
    wait_seconds: WaitSeconds = 20


class SungPartResult(BaseModel):
    """What was sung, with the ids to go on editing from."""

    part: str
    voicebank: str
    performance: str
    audio: str


class SingResult(SavedAudioResult):
    """What sing returns."""

    score: str | None = Field(default=None, description="Artifact id of the score that was sung")
    voicebank: str | None = None
    parts: list[SungPartResult] | None = None
    performances: list[str] | None = None
    real_time_factor: float | None = Field(default=None, description="Seconds of work for a second of audio")
    ready: list[str] | None = Field(default=None, description="While it sings: audio ids that are finished, in order")
    ready_seconds: float | None = None
    device: RanOn | None = None
    deterministic: bool | None = None
