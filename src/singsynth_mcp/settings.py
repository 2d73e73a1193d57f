"""Every setting and environment variable, one typed class."""

from __future__ import annotations

import re
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_TORCH = ("cpu", "cuda", "mps")
_ONNXRUNTIME = ("cpu", "cuda", "tensorrt", "mlx", "webgpu", "openvino")
_DEVICES = {"torch": _TORCH, "onnxruntime": _ONNXRUNTIME, "": (*_TORCH, *_ONNXRUNTIME)}
"""Engine → the devices that it may be asked for."""
_BUCKET = r"s3://[A-Za-z0-9][A-Za-z0-9._-]{1,62}(/[A-Za-z0-9!_.*'()-]+)*/?"


def _user_folder(kind: str) -> Path:
    import platformdirs

    if kind == "cache":
        return Path(platformdirs.user_cache_dir("singsynth-mcp"))
    if kind in ("voicebanks", "dictionaries"):
        return Path(platformdirs.user_data_dir("singsynth-mcp")) / kind
    return Path(platformdirs.user_music_dir()) / "singsynth"


class Settings(BaseSettings):
    """Read from SINGSYNTH_* variables; a field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="SINGSYNTH_", extra="ignore", frozen=True, hide_input_in_errors=True)

    cache: Path = Field(
        default_factory=lambda: _user_folder("cache"), description="Folder of what can be made again at any time"
    )
    artifacts: Path = Field(
        default_factory=lambda: _user_folder("cache") / "artifacts",
        description="Folder of the artifact store, or s3://bucket/prefix (then see `bucket`)",
    )
    s3_endpoint: str | None = Field(default=None, description="URL of the S3-compatible service; AWS otherwise")
    s3_cdn_url: str | None = Field(
        default=None, description="URL at which a CDN serves the bucket's root; saved files get signed URLs otherwise"
    )
    s3_url_seconds: int = Field(default=3600, ge=60, le=7 * 86_400, description="For how long a signed URL is good")
    s3_cache_max_bytes: int = Field(
        default=2 * 2**30, ge=0, description="Blobs read from a bucket are kept in the cache folder up to this size"
    )
    artifacts_max_bytes: int = Field(default=4 * 2**30, ge=2**20, description="Above this the oldest are pruned")
    artifacts_max_days: float = Field(default=30, gt=0, description="Age above which unused artifacts are pruned")
    upload_max_bytes: int = Field(
        default=64 * 2**20, ge=2**20, description="Of one file or blob that is sent to this server over HTTP"
    )
    output: Path = Field(default_factory=lambda: _user_folder("music"), description="Folder of saved files")
    public_url: str | None = Field(default=None, description="URL that serves the output folder; file:// otherwise")
    voicebanks: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Folders of voicebanks, separated like PATH, beside those that ship"
    )
    user_voicebanks: Path = Field(
        default_factory=lambda: _user_folder("voicebanks"),
        description="Folder that `voicebanks install` fills; looked in after those of SINGSYNTH_VOICEBANKS",
    )
    dictionaries: Path = Field(
        default_factory=lambda: _user_folder("dictionaries"),
        description="Folder of the user's own pronunciations: <voicebank>/dsdict.yaml, dsdict-<language>.yaml",
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
        default=None, description="URL of the Redis through which servers hand jobs to workers and to one another"
    )
    queue_limit: int = Field(default=256, ge=1, description="Jobs that wait in a role's queue; more are refused")
    job_deadline_seconds: float = Field(default=3600, gt=0, description="After this a job is given up")
    redelivery_seconds: float = Field(
        default=60, gt=0, description="A worker silent for so long is taken for dead, and its jobs run elsewhere"
    )
    drain_seconds: float = Field(
        default=25, ge=0, description="A server or worker told to stop has so long for what it has begun"
    )
    upstreams: Path | None = Field(default=None, description="JSON file with the proxy's upstreams (mcpServers)")
    token: SecretStr | None = Field(
        default=None, description="Bearer token of this server: of its operator, and of the proxy in front of it"
    )
    keys: Path | None = Field(default=None, description="JSON file of the bearer tokens (hashed) of further clients")
    ledger: Path | None = Field(default=None, description="SQLite file into which servers that clients call write use")
    oauth_issuer: str | None = Field(default=None, description="Authorization server whose access tokens are taken")
    oauth_resource: str | None = Field(
        default=None, description="URL by which clients call this server, the audience of their tokens"
    )
    oauth_scopes: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Scopes that a token must have, separated by spaces"
    )
    oauth_tenant_claim: str = Field(default="sub", description="Equal values of this claim are one tenant")
    oauth_jwks_url: str | None = Field(default=None, description="The issuer's keys; its metadata says where otherwise")
    oauth_introspection_url: str | None = Field(
        default=None, description="Where to ask about tokens instead of checking their signature"
    )
    oauth_client_id: str = Field(default="singsynth", description="This server's own id at the issuer")
    oauth_client_secret: SecretStr | None = Field(default=None, description="And its secret, for introspection")
    max_request_bytes: int = Field(default=4 * 2**20, ge=1024, description="Of one HTTP request; larger get 413")
    max_requests: int = Field(default=512, ge=1, description="HTTP requests at once; further ones get 503")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Further names and addresses by which clients call this server over HTTP, separated by commas",
    )
    log_level: str = "WARNING"
    log_content: bool = Field(
        default=False, description="Let log lines quote what errors quote: lyrics, arguments, paths"
    )
    _bucket: str | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _bucket_or_folder(cls, values: Any, make: ModelWrapValidatorHandler[Self]) -> Self:
        named = str(values.get("artifacts", "")) if isinstance(values, dict) else ""
        if not named.startswith("s3:"):
            return make(values)
        if re.fullmatch(_BUCKET, named) is None:
            raise ValueError(f"SINGSYNTH_ARTIFACTS is a folder or s3://bucket/prefix, not {named!r}")
        settings = make({name: value for name, value in values.items() if name != "artifacts"})
        settings._bucket = named
        return settings

    @property
    def bucket(self) -> str | None:
        """The bucket and prefix (s3://bucket/prefix) that hold the artifacts instead of the folder."""
        return self._bucket

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

    @field_validator("oauth_scopes", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value

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
