"""list_voicebanks, get_voicebank_info and check_voicebank."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from singsynth_mcp.contracts.common import JobRequest, JobResult, Request, Result

SurveyedStage = Literal["files", "durations", "pitch", "variance", "acoustic", "vocoder"]
Level = Literal["error", "warning", "note"]


class ListVoicebanksRequest(Request):
    """Arguments of list_voicebanks: none."""


class VoicebankRow(BaseModel):
    """A voicebank in a listing; `error` says why one cannot sing."""

    id: str
    name: str
    languages: list[str]
    speakers: list[str]
    default: bool = False
    error: str | None = None


class ListVoicebanksResult(Result):
    """What list_voicebanks returns."""

    voicebanks: list[VoicebankRow] | None = None
    total: int | None = None


class VoicebankInfoRequest(Request):
    """Arguments of get_voicebank_info."""

    voicebank: str | None = Field(default=None, description="Voicebank id; the shipped voice when left out")
    stage: SurveyedStage | Literal["texts"] | None = Field(
        default=None,
        description="Examine instead: the folder's files, or a stage's models: their inputs, what is fed, findings; "
        "texts: its text files, for a server that has none of it",
    )


class ModelInput(BaseModel):
    """An input of a model, as its graph declares it."""

    name: str
    type: str
    shape: str
    fed: str | None = Field(default=None, description="From what; left out where nothing supplies it")


class ModelRow(BaseModel):
    """A model of a voicebank."""

    file: str
    inputs: list[ModelInput]
    outputs: list[str]


class FindingRow(BaseModel):
    """What is wrong or remarkable: where, what was found, what was expected."""

    level: Level
    code: str
    message: str
    file: str | None = None
    key: str | None = None
    found: str | None = None
    expected: str | None = None


class VoicebankInfoResult(Result):
    """What get_voicebank_info returns."""

    id: str | None = None
    name: str | None = None
    digest: str | None = None
    languages: list[str] | None = None
    speakers: list[str] | None = None
    colours: list[str] | None = None
    controls: list[str] | None = None
    lowest: str | None = Field(default=None, description="Lowest comfortable note, where the voicebank says")
    highest: str | None = None
    ranges: dict[str, str] | None = Field(default=None, description="By speaker, where speakers differ: A2 to E4")
    sample_rate: int | None = None
    stages: list[str] | None = Field(default=None, description="durations, pitch, variance, acoustic, vocoder")
    phonemes: list[str] | None = Field(default=None, description="The inventory; the first 40")
    total: int | None = Field(default=None, description="Phonemes in the inventory")
    licence: str | None = None
    credits: list[str] | None = None
    syllables: list[str] | None = Field(default=None, description="Phonemes that a probe can sing; with stage=files")
    models: list[ModelRow] | None = Field(default=None, description="With stage: its models")
    findings: list[FindingRow] | None = Field(default=None, description="With stage: the gravest first")
    findings_total: int | None = None
    texts: str | None = Field(default=None, description="With stage=texts: the text files' artifact id")


class CheckVoicebankRequest(JobRequest):
    """Arguments of check_voicebank."""

    voicebank: str | None = Field(default=None, description="Voicebank id; the shipped voice when left out")


class ProbeRow(BaseModel):
    """A probe sung in one mode and measured on its audio."""

    mode: str
    speaker: str | None = None
    notes: int
    tracked: int = Field(description="Notes whose pitch could be measured")
    cents_median: float | None = Field(default=None, description="Of the absolute deviations from the written notes")
    cents_worst: float | None = None
    onset_ms_median: float | None = Field(
        default=None, description="Of the vowels after voiceless consonants; + is late"
    )
    onset_ms_worst: float | None = None
    peak_dbfs: float
    level_spread_db: float | None = None
    clicks: int
    not_finite: int
    clipped: int


class RangeRow(BaseModel):
    """How one pitch of the range was sung."""

    pitch: str
    level_db: float
    cents: float | None = None


class CheckVoicebankResult(JobResult):
    """What check_voicebank returns."""

    voicebank: str | None = None
    name: str | None = None
    digest: str | None = None
    passed: bool | None = Field(default=None, description="Whether nothing was found that is an error")
    languages: list[str] | None = None
    speakers: list[str] | None = None
    colours: list[str] | None = None
    lowest: str | None = None
    highest: str | None = None
    sample_rate: int | None = None
    stages: list[str] | None = None
    licence: str | None = None
    credits: list[str] | None = None
    models: list[ModelRow] | None = None
    probes: list[ProbeRow] | None = None
    range: list[RangeRow] | None = Field(default=None, description="Level and tuning by pitch")
    findings: list[FindingRow] | None = Field(default=None, description="The gravest first")
    total: int | None = Field(default=None, description="Findings in all")
    inputs_fed: int | None = None
    inputs_not_fed: list[str] | None = None
    deterministic: bool | None = None
