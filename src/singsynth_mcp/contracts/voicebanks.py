"""list_voicebanks and get_voicebank_info."""

from __future__ import annotations

from pydantic import BaseModel, Field

from singsynth_mcp.contracts.common import Request, Result


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
    sample_rate: int | None = None
    stages: list[str] | None = Field(default=None, description="durations, pitch, variance, acoustic, vocoder")
    phonemes: list[str] | None = Field(default=None, description="The inventory; the first 40")
    total: int | None = Field(default=None, description="Phonemes in the inventory")
    licence: str | None = None
    credits: list[str] | None = None
