"""Every setting and environment variable, one typed class."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_TORCH = ("cpu", "cuda", "mps")
_ONNXRUNTIME = ("cpu", "cuda", "tensorrt", "mlx", "webgpu", "openvino")
_DEVICES = {"torch": _TORCH, "onnxruntime": _ONNXRUNTIME, "": (*_TORCH, *_ONNXRUNTIME)}
"""Engine → the devices that it may be asked for."""


def _user_folder(kind: str) -> Path:
    import platformdirs

    if kind == "cache":
        return Path(platformdirs.user_cache_dir("singsynth-mcp"))
    if kind == "voicebanks":
        return Path(platformdirs.user_data_dir("singsynth-mcp")) / "voicebanks"
    return Path(platformdirs.user_music_dir()) / "singsynth"


class Settings(BaseSettings):
    """Read from SINGSYNTH_* variables; a field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="SINGSYNTH_", extra="ignore", frozen=True)

    cache: Path = Field(
        default_factory=lambda: _user_folder("cache"), description="Folder of what can be made again at any time"
    )
    artifacts: Path = Field(
        default_factory=lambda: _user_folder("cache") / "artifacts", description="Folder of the artifact store"
    )
    artifacts_max_bytes: int = Field(default=4 * 2**30, ge=2**20, description="Above this the oldest are pruned")
    artifacts_max_days: float = Field(default=30, gt=0, description="Age above which unused artifacts are pruned")
    output: Path = Field(default_factory=lambda: _user_folder("music"), description="Folder of saved files")
    public_url: str | None = Field(default=None, description="URL that serves the output folder; file:// otherwise")
    voicebanks: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Folders of voicebanks, separated like PATH, beside those that ship"
    )
    user_voicebanks: Path = Field(
        default_factory=lambda: _user_folder("voicebanks"),
        description="Folder that `voicebanks install` fills; looked in after those of SINGSYNTH_VOICEBANKS",
    )
    default_voicebank: str = "aviary"
    roots: Annotated[tuple[Path, ...], NoDecode] | None = Field(
        default=None,
        description="Folders that tools may read, separated like PATH",
    )
    threads: int = Field(default=0, ge=0, description="Threads of each model run; 0: one for each core")
    device: str = Field(
        default="auto", description="What models run on: auto, a device, or an engine and a device (torch:cuda)"
    )
    models_max_bytes: int = Field(
        default=2**30, ge=0, description="Models are kept open up to this size of their files"
    )
    warm: Annotated[tuple[str, ...], NoDecode] | None = Field(
        default=None,
        description="Voicebanks whose models HTTP servers and workers open at their start, separated by commas; "
        "the default one where this is not set, none where it is empty",
    )
    redis: SecretStr | None = Field(
        default=None, description="URL of the Redis through which gpu servers hand their jobs to workers"
    )
    queue_limit: int = Field(default=256, ge=1, description="Jobs that wait in a role's queue; more are refused")
    job_deadline_seconds: float = Field(default=3600, gt=0, description="After this a job is given up")
    redelivery_seconds: float = Field(
        default=60, gt=0, description="A worker silent for so long is taken for dead, and its jobs run elsewhere"
    )
    drain_seconds: float = Field(
        default=25, ge=0, description="A worker told to stop gives back what it has not finished by then"
    )
    upstreams: Path | None = Field(default=None, description="JSON file with the proxy's upstreams (mcpServers)")
    token: SecretStr | None = Field(default=None, description="Bearer token that HTTP clients must send")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Further names and addresses by which clients call this server over HTTP, separated by commas",
    )
    log_level: str = "WARNING"

    @field_validator("voicebanks", "roots", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        import os

        if isinstance(value, str):
            return tuple(Path(item).expanduser() for item in value.split(os.pathsep) if item)
        return value

    @field_validator("device")
    @classmethod
    def _known_device(cls, value: str) -> str:
        engine, _, device = value.rpartition(":")
        if (engine == "" and value == "auto") or device in _DEVICES.get(engine, ()):
            return value
        names = ", ".join(dict.fromkeys(_DEVICES[""]))
        raise ValueError(f"is auto, {names}, or one of these after torch: or onnxruntime:; not {value!r}")

    @field_validator("allowed_hosts", "warm", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @property
    def voicebank_folders(self) -> tuple[Path, ...]:
        """Folders in which voicebanks are looked for, beside those that ship."""
        return (*self.voicebanks, self.user_voicebanks)

    @cached_property
    def readable_roots(self) -> tuple[Path, ...]:
        """Folders that a stdio server may read from; an HTTP server reads only `roots`."""
        if self.roots is not None:
            return self.roots
        return (Path.home(), Path.cwd(), Path(tempfile.gettempdir()))
