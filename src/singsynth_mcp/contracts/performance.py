"""phonemize, align_phonemes_to_notes and the predictors."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from singsynth_mcp.contracts.common import (
    Controls,
    JobRequest,
    JobResult,
    ListRange,
    PhraseRange,
    PronunciationsArgument,
    RanOn,
    Request,
    Result,
    SpeakerArgument,
)


class PhonemizeRequest(Request):
    """Arguments of phonemize: the lyrics of a score's part, or free text."""

    score: str | None = Field(default=None, description="Artifact id of a score; or give text")
    part: str | None = Field(default=None, description="Part id or name; the first part with lyrics when left out")
    verse: int | None = Field(default=None, ge=1, description="Left out: pass n sings verse n")
    text: str | None = Field(default=None, description="Free text instead of a score's lyrics")
    language: str | None = Field(default=None, description="ISO 639; recognised when left out")
    voicebank: str | None = Field(default=None, description="Voicebank id; the shipped voice when left out")
    pronunciations: PronunciationsArgument = Field(default_factory=dict)
    range: ListRange | None = None


class WordRow(BaseModel):
    """How one word was read."""

    text: str
    phonemes: list[str]
    source: Literal["hint", "user", "dictionary", "cmudict", "rules", "g2p", "phonemes", "unread"]
    substituted: list[str] | None = Field(default=None, description="sound → phoneme sung for it (distance, 0 to 1)")
    others: list[str] | None = Field(default=None, description="Other pronunciations, to be used as a hint")


class PhonemizeResult(Result):
    """What phonemize returns."""

    id: str | None = Field(default=None, description="Artifact id, for align_phonemes_to_notes")
    voicebank: str | None = None
    language: str | None = None
    words: list[WordRow] | None = None
    total: int | None = None
    next: str | None = None


class AlignRequest(Request):
    """Arguments of align_phonemes_to_notes."""

    score: str
    phonemes: str = Field(description="Artifact id that phonemize returned for this score")
    speaker: SpeakerArgument | None = Field(default=None, description="Left out: whose range fits the part best")
    controls: Controls = Field(default_factory=dict)
    transpose: float = Field(default=0, ge=-48, le=48, description="Semitones")
    breaths: bool = Field(
        default=True, description="Breathe in rests from a quarter second; written breath marks are always breathed"
    )
    seed: int = Field(default=0, ge=0, lt=2**31)
    edits_of: list[str] = Field(
        default_factory=list,
        max_length=64,
        description="Performances edited by modify_performance: their edits are kept, where their notes still are",
    )


class PerformanceResult(JobResult):
    """What align_phonemes_to_notes and the predictors return."""

    id: str | None = Field(default=None, description="Artifact id of the performance")
    part: str | None = None
    voicebank: str | None = None
    score: str | None = None
    phrases: int | None = None
    seconds: float | None = None
    phonemes: int | None = None
    stages: list[str] | None = Field(default=None, description="What is filled: durations, pitch, variance")
    sung: list[str] | None = Field(
        default=None, description='predict_durations of phrase 1: phrases sung before, which take no time ("1-8")'
    )
    device: RanOn | None = None
    deterministic: bool | None = None


class PredictRequest(JobRequest):
    """Arguments of predict_durations, predict_pitch and predict_variance."""

    performance: str = Field(description="Artifact id of a performance")
    phrases: PhraseRange = "all"


class PredictPitchRequest(PredictRequest):
    """Arguments of predict_pitch."""

    drawn: bool = Field(default=False, description="Draw the written notes instead of asking the pitch model")
