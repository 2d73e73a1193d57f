"""Which upstreams the proxy merges: its own two servers, or a JSON file in the form that hosts use (mcpServers)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from singsynth_mcp.errors import FileProblem, InvalidRequest

_ROOTS = "SINGSYNTH_ROOTS"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
UpstreamName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class UpstreamSpec(BaseModel):
    """One upstream: a command that speaks stdio, a URL, or URLs of replicas: equal servers over one artifact store."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    url: str | None = None
    urls: tuple[str, ...] = ()
    transport: Literal["http", "sse"] = "http"
    headers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way_in(self) -> UpstreamSpec:
        if (self.command is not None) + (self.url is not None) + bool(self.urls) != 1:
            raise ValueError("an upstream has either a command or a url (or urls, of replicas)")
        if len(set(self.urls)) != len(self.urls):
            raise ValueError("each of an upstream's urls stands once")
        return self


class _Config(BaseModel):
    mcpServers: dict[UpstreamName, UpstreamSpec] = Field(min_length=1)  # noqa: N815 - the hosts' spelling


def own_upstreams() -> dict[str, UpstreamSpec]:
    """Return this package's servers as children that see this process's environment."""

    def child(server: str) -> UpstreamSpec:
        return UpstreamSpec(command=sys.executable, args=("-m", "singsynth_mcp", server), env=dict(os.environ))

    return {"cpu": child("cpu"), "gpu": child("gpu")}


def without_files(upstreams: Mapping[str, UpstreamSpec]) -> dict[str, UpstreamSpec]:
    """Return `upstreams` whose children read only the folders of SINGSYNTH_ROOTS: hosts elsewhere will call them."""
    roots = os.environ.get(_ROOTS, "")
    return {
        name: spec if spec.command is None else spec.model_copy(update={"env": {_ROOTS: roots} | spec.env})
        for name, spec in upstreams.items()
    }


def read_upstreams(path: Path) -> dict[str, UpstreamSpec]:
    """Read a file with `{"mcpServers": {name: {"command", "args", "env"} or {"url", "transport", "headers"}}}`.

    `${NAME}` in a header is that variable of the environment, so that a token need not stand in the file. It is for
    the file to say who gets which: an upstream may be anybody's server. Raises FileProblem, and InvalidRequest naming
    every entry that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = "SINGSYNTH_UPSTREAMS or --config names a JSON file; without it the proxy starts its own servers."
        raise FileProblem(f"the proxy's configuration {path} cannot be read: {error}", hint=hint) from None
    try:
        upstreams = _Config.model_validate_json(text).mcpServers
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}"
            for each in error.errors(include_url=False)
        )
        hint = 'It looks like {"mcpServers": {"cpu": {"command": "…", "args": []}, "gpu": {"url": "http://…/mcp"}}}.'
        raise InvalidRequest(f"the proxy's configuration {path} is wrong: {wrong}", hint=hint) from None
    return {name: _with_variables(name, spec, path) for name, spec in upstreams.items()}


def _with_variables(name: str, spec: UpstreamSpec, path: Path) -> UpstreamSpec:
    """Return an upstream with its headers filled in. Raises InvalidRequest for a variable that is not set."""

    def value(found: re.Match[str]) -> str:
        try:
            return os.environ[found[1]]
        except KeyError:
            message = f"the headers of upstream {name!r} in {path} name {found[1]}, which is not set"
            raise InvalidRequest(message, hint=f"Set {found[1]} where the proxy is started.") from None

    headers = {header: _VARIABLE.sub(value, text) for header, text in spec.headers.items()}
    return spec.model_copy(update={"headers": headers})
