"""`singsynth-mcp keys add|list|remove`: the bearer tokens of the clients of a server."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from singsynth_mcp.cli.printing import print_table
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.settings import Settings

_Count = Annotated[int | None, Parameter(validator=validators.Number(gte=1))]
_Seconds = Annotated[float | None, Parameter(validator=validators.Number(gte=0))]


def add(
    name: str,
    /,
    *,
    tenant: str | None = None,
    days: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    requests_per_minute: _Count = None,
    requests_per_day: _Count = None,
    audio_seconds_per_day: _Seconds = None,
    compute_seconds_per_day: _Seconds = None,
) -> None:
    """Make a key, or a new token for one that is there; the token is printed this once. Servers take it at once.

    :param tenant: Keys of one tenant share all that they make; a key alone is a tenant of its own.
    :param days: After so many days it is refused.
    """
    from singsynth_mcp.serving.access.keys import KeyLimits, add_key

    limits = KeyLimits(
        requests_per_minute=requests_per_minute,
        requests_per_day=requests_per_day,
        audio_seconds_per_day=audio_seconds_per_day,
        compute_seconds_per_day=compute_seconds_per_day,
    )
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    print(add_key(_path(), name, tenant, expires=expires, limits=limits))
    print(f"This is the token of {name}; only its hash is kept, in {_path()}.", file=sys.stderr)


def list_keys() -> None:
    """List the keys: name, tenant, when they end, and their limits."""
    from singsynth_mcp.serving.access.keys import read_keys

    rows = []
    for key in read_keys(_path()).keys:
        limits = ", ".join(f"{name} {value:g}" for name, value in key.limits.model_dump(exclude_none=True).items())
        ends = key.expires.strftime("%Y-%m-%d %H:%M") if key.expires else ""
        rows.append((key.name, key.tenant, ends, limits.replace("_", " ")))
    print_table(("key", "tenant", "ends", "limits"), rows)


def remove(name: str, /) -> None:
    """Remove a key; servers refuse its token at once."""
    from singsynth_mcp.serving.access.keys import remove_key

    remove_key(_path(), name)
    print(f"Removed {name}")


def _path() -> Path:
    path = Settings().keys
    if path is None:
        hint = "Set SINGSYNTH_KEYS to the file of keys, here and for the servers."
        raise InvalidRequest("no file of keys is named", hint=hint)
    return path
