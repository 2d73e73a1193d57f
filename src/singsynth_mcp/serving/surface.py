"""What an HTTP server answers beside MCP: /metrics, /usage, and whose tokens it takes."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

import anyio.to_thread

from singsynth_mcp.errors import FileProblem, QueueUnavailable, StorageProblem
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.access.accounts import Accounts
from singsynth_mcp.serving.access.callers import Caller
from singsynth_mcp.serving.access.ledger import Ledger, Line, as_row, today
from singsynth_mcp.serving.sources import CALLER_SCOPE_KEY

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute


def surface_routes(access: Access, accounts: Accounts) -> list[BaseRoute]:
    """Return the routes; the guard has seen to it that their requests have a caller."""
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    async def show_metrics(request: Request) -> Response:
        if not _caller(request).is_proxy and access.asks_for_tokens:
            return PlainTextResponse("Metrics are for the server's own token (SINGSYNTH_TOKEN)", 403)
        metrics.start(shown=True)
        with suppress(QueueUnavailable):  # the other figures are worth showing
            await metrics.look_at_queues(accounts.queued)
        body, content_type = metrics.page()
        return Response(body, headers={"content-type": content_type})

    async def show_usage(request: Request) -> Response:
        caller = _caller(request)
        if accounts.meter.ledger is None:
            return PlainTextResponse("This server keeps no ledger (SINGSYNTH_LEDGER)", 404)
        sees_all = caller.is_proxy or not access.asks_for_tokens
        try:
            since = date.fromisoformat(request.query_params.get("since", today().replace(day=1).isoformat()))
        except ValueError:
            return PlainTextResponse("since is a day, e.g. 2026-11-01", 400)
        tenant = request.query_params.get("tenant") if sees_all else caller.tenant
        try:
            lines = await anyio.to_thread.run_sync(_read, accounts.meter.ledger, since, tenant)
        except (FileProblem, StorageProblem) as error:
            return PlainTextResponse(str(error), 503)
        return JSONResponse({"since": since.isoformat(), "usage": [as_row(line) for line in lines]})

    return [
        Route("/metrics", show_metrics),
        Route("/usage", show_usage),
        *access.metadata_routes(),
    ]


def _caller(request: Request) -> Caller:
    found: Caller = request.scope[CALLER_SCOPE_KEY]
    return found


def _read(ledger: Ledger, since: date, tenant: str | None) -> list[Line]:
    ledger.flush()
    return ledger.lines(since, tenant)
