"""`singsynth-mcp usage`: what callers used, from the ledger."""

from __future__ import annotations

import json as json_format
from datetime import date
from typing import Annotated

from cyclopts import Parameter

from singsynth_mcp.cli.printing import print_table
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.settings import Settings

_COLUMNS = ("day", "tenant", "caller", "tool", "requests", "errors", "audio_seconds", "compute_seconds")


def usage(
    *,
    since: Annotated[str | None, Parameter(help="First day (UTC), 2026-11-01; this month's first otherwise.")] = None,
    tenant: Annotated[str | None, Parameter(help="Only this tenant.")] = None,
    json: Annotated[bool, Parameter(negative=(), help="Print JSON.")] = False,
) -> None:
    """Show requests, seconds of audio and seconds of compute by day, tenant, caller and tool."""
    from singsynth_mcp.serving.access.ledger import Ledger, as_row, today

    path = Settings().ledger
    if path is None:
        raise InvalidRequest("no ledger is named", hint="Set SINGSYNTH_LEDGER to the file, here and for the servers.")
    try:
        first = date.fromisoformat(since) if since else today().replace(day=1)
    except ValueError:
        raise InvalidRequest(f"{since!r} is no day", hint="Write it so: 2026-11-01.") from None
    rows = [as_row(line) for line in Ledger(path).lines(first, tenant)]
    if json:
        print(json_format.dumps({"since": first.isoformat(), "usage": rows}, ensure_ascii=False))
        return
    print_table([name.replace("_", " ") for name in _COLUMNS], [[f"{row[name]}" for name in _COLUMNS] for row in rows])
