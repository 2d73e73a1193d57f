"""Static bearer tokens: a JSON file of their SHA-256, read again when it changes. The tokens themselves stand nowhere.

    {"limits": {…for every caller without its own…},
     "keys": [{"name": "alice", "tenant": "acme", "sha256": "…", "expires": "2027-01-01T00:00:00Z", "limits": {…}}]}

A token has 256 random bits, so a plain hash of it cannot be turned back; keys are found by that hash, never compared.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from singsynth_mcp.artifacts.tenants import TENANT_PATTERN
from singsynth_mcp.errors import FileProblem, UnknownName
from singsynth_mcp.serving.access.callers import Caller, Limits

logger = logging.getLogger(__name__)
_PREFIX = "ssk_"
Name = Annotated[str, StringConstraints(pattern=rf"^{TENANT_PATTERN}$")]


class KeyLimits(BaseModel):
    """What one key may use; a day is one of UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: int | None = Field(default=None, ge=1)
    requests_per_day: int | None = Field(default=None, ge=0)
    audio_seconds_per_day: float | None = Field(default=None, ge=0)
    compute_seconds_per_day: float | None = Field(default=None, ge=0)

    def __bool__(self) -> bool:
        return any(value is not None for value in self.model_dump().values())


class Key(BaseModel):
    """Who a token belongs to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    tenant: Name
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    expires: AwareDatetime | None = None
    limits: KeyLimits = KeyLimits()


class Keys(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limits: KeyLimits = KeyLimits()
    keys: tuple[Key, ...] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> Keys:
        for what, values in (("name", [key.name for key in self.keys]), ("hash", [key.sha256 for key in self.keys])):
            if len(set(values)) < len(values):
                raise ValueError(f"two keys have one {what}")
        return self


class KeyFile:
    """The keys of a file as it is now."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises FileProblem."""
        self._path = path
        self._stamp = _stamp(path)
        self._take(read_keys(path))

    @property
    def limits(self) -> Limits:
        """What callers without limits of their own may use."""
        self._look_again()
        return self._limits

    def caller(self, token: str, now: datetime | None = None) -> Caller | None:
        """Return whose token it is, None where it is nobody's or has expired."""
        self._look_again()
        key = self._by_hash.get(hash_of(token))
        if key is None or (key.expires is not None and key.expires <= (now or datetime.now(UTC))):
            return None
        limits = Limits(**key.limits.model_dump()) if key.limits else self._limits
        return Caller(key.name, key.tenant, limits=limits)

    def _look_again(self) -> None:
        """Read the file where it has changed; while it cannot be read nobody gets in: a key may have been removed."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._take(read_keys(self._path))
            logger.info("the keys were read again: %d", len(self._by_hash))
        except FileProblem as error:
            self._take(Keys())
            logger.error("no key is accepted: %s", error)

    def _take(self, keys: Keys) -> None:
        self._by_hash = {key.sha256: key for key in keys.keys}
        self._limits = Limits(**keys.limits.model_dump())


def hash_of(token: str) -> str:
    """Return what the file holds of a token."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def read_keys(path: Path) -> Keys:
    """Read a file of keys. Raises FileProblem."""
    hint = "SINGSYNTH_KEYS names a JSON file; `singsynth-mcp keys add NAME` writes it."
    try:
        return Keys.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FileProblem(f"the keys in {path} cannot be read: {error.strerror}", hint=hint) from None
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        )
        raise FileProblem(f"the keys in {path} are wrong: {wrong}", hint=hint) from None


def add_key(
    path: Path,
    name: str,
    tenant: str | None = None,
    *,
    expires: datetime | None = None,
    limits: KeyLimits | None = None,
) -> str:
    """Add a key, or give one of this name another token; return the token, which is shown this once.

    A key without a tenant is a tenant of its own. Raises FileProblem.
    """
    keys = read_keys(path) if path.exists() else Keys()
    token = _PREFIX + secrets.token_urlsafe(32)
    try:
        key = Key(
            name=name, tenant=tenant or name, sha256=hash_of(token), expires=expires, limits=limits or KeyLimits()
        )
    except ValidationError:
        hint = "Use lower-case letters, digits, - and _, at most 63."
        raise FileProblem(f"{name!r} or {tenant or name!r} cannot be the name of a key or tenant", hint=hint) from None
    kept = tuple(each for each in keys.keys if each.name != name)
    _write(path, keys.model_copy(update={"keys": (*kept, key)}))
    return token


def remove_key(path: Path, name: str) -> None:
    """Remove a key; its token is refused from now on. Raises FileProblem, UnknownName."""
    keys = read_keys(path)
    kept = tuple(each for each in keys.keys if each.name != name)
    if len(kept) == len(keys.keys):
        there = ", ".join(each.name for each in keys.keys) or "none"
        raise UnknownName(f"there is no key {name!r}", hint=f"Keys: {there}.")
    _write(path, keys.model_copy(update={"keys": kept}))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _write(path: Path, keys: Keys) -> None:
    """Write the file whole or not at all, for its owner's eyes alone. Raises FileProblem."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".keys-", delete=False, encoding="utf-8") as file:
            temporary = Path(file.name)
            file.write(keys.model_dump_json(indent=2, exclude_none=True))
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise FileProblem(f"the keys in {path} cannot be written: {error.strerror}") from None
