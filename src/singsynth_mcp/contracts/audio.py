"""synthesize_audio, vocode, save_audio and inspect_performance."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from singsynth_mcp.contracts.common import Arguments, JobRequest, JobResult, PhraseRange, RanOn

AudioFormat = Literal["wav", "flac", "mp3", "ogg"]


class SynthesizeRequest(JobRequest):
    """Arguments of synthesize_audio."""

    performance: str
    phrases: PhraseRange = "all"


class MelResult(JobResult):
    """What synthesize_audio returns."""

    id: str | None = Field(default=None, description="Artifact id of the mel, for vocode")
    frames: int | None = None
    bins: int | None = None
    device: RanOn | None = None
    deterministic: bool | None = None


class VocodeRequest(JobRequest):
    """Arguments of vocode."""

    mel: str
    phrases: PhraseRange = "all"


class AudioResult(JobResult):
    """What vocode returns."""

    id: str | None = Field(default=None, description="Artifact id of the audio, for save_audio")
    seconds: float | None = None
    sample_rate: int | None = None
    device: RanOn | None = None
    deterministic: bool | None = None


class MixTrack(Arguments):
    """One audio in a mix."""

    audio: str
    gain_db: float = Field(default=0, ge=-60, le=24)
    pan: float = Field(default=0, ge=-1, le=1, description="-1 left … 1 right")
    offset_seconds: float = Field(default=0, ge=0, le=3600, description="Silence before it")


class SaveAudioRequest(JobRequest):
    """Arguments of save_audio."""

    audio: Annotated[
        str | list[MixTrack], Field(description="An audio's artifact id, or several to mix with gain, pan and offset")
    ]
    format: AudioFormat | None = Field(default=None, description="By the output's extension, else wav")
    output: str | None = Field(default=None, description="File path or name; a name of its own when left out")
    loudness_lufs: float | None = Field(default=-16, ge=-40, le=-5, description="null leaves the level as it is")
    include_base64: bool = Field(default=False, description="Return the file's bytes too where they are under 500 kB")


class SavedAudioResult(JobResult):
    """What save_audio returns; sing adds to it."""

    id: str | None = Field(default=None, description="Artifact id of the audio that was saved, where it was one")
    path: str | None = None
    url: str | None = None
    sha256: str | None = Field(default=None, description="Of the file, which the server has at /artifacts/<sha256>")
    format: str | None = None
    seconds: float | None = None
    lead_seconds: float | None = Field(default=None, description="Time in the file at which the score's beat 0 lies")
    sample_rate: int | None = None
    channels: int | None = None
    bytes: int | None = None
    peak_dbfs: float | None = None
    loudness_lufs: float | None = None
    credits: list[str] | None = None
    base64: str | None = None


class InspectRequest(JobRequest):
    """Arguments of inspect_performance."""

    performance: str | None = Field(default=None, description="A performance: notes, phonemes, pitch curve")
    mel: str | None = None
    audio: str | None = Field(default=None, description="An audio: waveform, spectrogram, levels")
    phrases: PhraseRange = "all"
    picture: bool = Field(default=True, description="Draw a PNG beside the numbers")
    notes: bool = Field(
        default=False,
        description="List notes too: of a performance with ids and phonemes, for modify_performance; of an audio, each "
        "as it was sung",
    )


class PhraseRow(BaseModel):
    """A phrase in numbers."""

    phrase: int
    start_seconds: float
    seconds: float
    lyrics: str
    lowest: str
    highest: str


class PhonemesRow(BaseModel):
    """A note of a performance, for modify_performance."""

    note: str = Field(description='"n12"; "n12@2" in its second pass')
    pitch: str
    lyric: str
    phonemes: str = Field(description="From 0, each with its start in ms from the written onset once it is predicted")


class SungNoteRow(BaseModel):
    """A note as it was sung, measured on the audio."""

    pitch: str
    seconds: float = Field(description="Written onset, from the phrase's first note")
    cents: float | None = Field(default=None, description="Sung minus written; left out where no pitch is heard")
    onset_ms: float | None = Field(default=None, description="Vowel minus written onset, after voiceless consonants")
    level_db: float


class InspectResult(JobResult):
    """What inspect_performance returns."""

    id: str | None = None
    picture: str | None = Field(default=None, description="Path of the PNG")
    sha256: str | None = Field(default=None, description="Of the file, which the server has at /artifacts/<sha256>")
    seconds: float | None = None
    phrases: list[PhraseRow] | None = None
    total: int | None = None
    next: str | None = None
    measures: dict[str, float] | None = Field(default=None, description="What was measured, by name with its unit")
    notes: list[PhonemesRow] | None = Field(default=None, description="As many as fit; phrases chooses others")
    sung: list[SungNoteRow] | None = Field(default=None, description="With notes: the first 32")
