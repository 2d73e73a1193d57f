"""export and render_score."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from singsynth_mcp.contracts.common import JobRequest, JobResult, Request, Result

ExportFormat = Literal["musicxml", "midi", "ustx", "ds", "lrc", "srt", "textgrid", "lab"]


class ExportRequest(JobRequest):
    """Arguments of export."""

    score: str | None = Field(default=None, description="A score: musicxml, midi, ustx, lrc, srt, textgrid")
    performance: str | None = Field(default=None, description="A performance: ds, lab, lrc, srt, textgrid")
    format: ExportFormat | None = Field(default=None, description="By the output's extension, else musicxml or ds")
    part: str | None = Field(default=None, description="Of a score, for lrc, srt, textgrid")
    verse: int | None = Field(default=None, ge=1)
    output: str | None = Field(default=None, description="File path or name; a name of its own when left out")
    offset_seconds: float = Field(
        default=0, ge=-3600, le=3600, description="Added to times: save_audio's lead_seconds fits them to its file"
    )


class ExportResult(JobResult):
    """What export returns."""

    id: str | None = Field(default=None, description="What was exported")
    path: str | None = None
    url: str | None = None
    sha256: str | None = Field(default=None, description="Of the file, which the server has at /artifacts/<sha256>")
    format: str | None = None
    bytes: int | None = None


class RenderScoreRequest(Request):
    """Arguments of render_score."""

    score: str
    measures: str | None = Field(default=None, max_length=60, description='"5" or "5-12"; from the beginning otherwise')
    part: str | None = Field(default=None, description="This part alone")
    format: Literal["png", "svg"] | None = Field(default=None, description="By the output's extension, else png")
    output: str | None = Field(default=None, description="File path or name; a name of its own when left out")


class RenderScoreResult(Result):
    """What render_score returns."""

    id: str | None = None
    path: str | None = None
    picture: str | None = Field(default=None, description="Path of the PNG")
    url: str | None = None
    sha256: str | None = Field(default=None, description="Of the file, which the server has at /artifacts/<sha256>")
    format: str | None = None
    measures: str | None = Field(default=None, description="Those drawn")
    next: str | None = Field(default=None, description="What comes after them: give it as measures")
