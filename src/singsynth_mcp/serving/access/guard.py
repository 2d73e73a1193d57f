"""The door of an HTTP server, as plain ASGI in front of every route: names, tokens, rates, and how many at once."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings

from singsynth_mcp.artifacts.tenants import TENANT_HEADER, working_for
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.access import Access, Refusal
from singsynth_mcp.serving.access.callers import (
    TENANT_META_KEY,
    Caller,
    TenantRefused,
    tenant_of,
)
from singsynth_mcp.serving.sources import CALLER_SCOPE_KEY

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
logger = logging.getLogger(__name__)


class Guard:
    """Lets a request through to `app` with its caller in its scope; answers 401, 403, 421, 429 or 503 otherwise."""

    def __init__(self, app: App, access: Access, security: TransportSecuritySettings) -> None:
        self._app = app
        self._access = access
        self._names = TransportSecurityMiddleware(security)
        self._at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from starlette.requests import Request

        request = Request(scope)
        wrong_name = await self._names.validate_request(request)
        if wrong_name is not None:
            await wrong_name(scope, receive, send)
            return
        if scope["path"] == self._access.metadata_path:
            await self._app(scope, receive, send)
            return
        caller = await self._admit(request)
        if isinstance(caller, Refusal):
            logger.info("%s %s: %d %s", scope["method"], scope["path"], caller.status, caller.error)
            metrics.refused(caller.status)
            await _refuse(send, caller)
            return
        scope[CALLER_SCOPE_KEY] = caller
        if caller.name:  # the SDK then keeps a session to whoever opened it
            scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=caller.name, scopes=[]))
        named = request.headers.get(TENANT_HEADER)
        try:
            tenant = caller.tenant if named is None else tenant_of(caller, {TENANT_META_KEY: named})
        except TenantRefused as error:
            await _refuse(send, Refusal(403, error.code, error.message))
            return
        self._at_once += 1
        try:
            with working_for(tenant):  # for routes beside MCP; an MCP request says for itself whose it is
                await self._app(scope, receive, send)
        finally:
            self._at_once -= 1

    async def _admit(self, request: Any) -> Caller | Refusal:
        if self._at_once >= self._access.max_requests:
            return Refusal(503, "overloaded", "The server has all the requests that it takes at once", retry_seconds=1)
        caller = await self._access.find(request.headers.get("authorization"))
        if isinstance(caller, Caller) and (wait := self._access.rates.wait_seconds(caller)) > 0:
            most = caller.limits.requests_per_minute
            return Refusal(429, "rate_limited", f"This key may send {most} requests a minute", retry_seconds=wait)
        return caller


async def _refuse(send: Send, refusal: Refusal) -> None:
    body = json.dumps({"error": refusal.error, "error_description": refusal.words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refusal.challenge:
        headers.append((b"www-authenticate", refusal.challenge.encode("latin-1", "replace")))
    if refusal.retry_seconds is not None:
        headers.append((b"retry-after", str(max(math.ceil(refusal.retry_seconds), 1)).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
