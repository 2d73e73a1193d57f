"""/healthz and /readyz of HTTP servers: whether the process lives, and whether calls should be sent to it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Readiness:
    """What still keeps a server from taking calls; nothing does unless somebody says so."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}

    def wait_for(self, what: str, why: str) -> None:
        """Be not ready because of `what` until it is `settled`; said again with another `why`, that one counts."""
        self._waiting[what] = why

    def settled(self, what: str) -> None:
        """Wait for `what` no longer."""
        self._waiting.pop(what, None)

    @property
    def waiting(self) -> dict[str, str]:
        """What is waited for, and why."""
        return dict(self._waiting)


class HealthRoutes:
    """Answers the two paths without a token, and by whatever name a probe calls; all else is `app`'s."""

    def __init__(self, app: App, readiness: Readiness) -> None:
        self._app = app
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["path"] not in ("/healthz", "/readyz"):
            await self._app(scope, receive, send)
            return
        waiting = self._readiness.waiting if scope["path"] == "/readyz" else {}
        body = json.dumps({"status": "waiting" if waiting else "ok", **({"for": waiting} if waiting else {})}).encode()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 503 if waiting else 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
