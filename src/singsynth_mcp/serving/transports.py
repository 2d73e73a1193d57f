"""Where a server listens: stdio, streamable HTTP (/mcp) or SSE (/sse), in one place."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import anyio.to_thread
from mcp.server.transport_security import TransportSecuritySettings

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.factory import SingSynthServer
from singsynth_mcp.serving.health import HealthRoutes
from singsynth_mcp.serving.logs import log_to_stderr
from singsynth_mcp.serving.memory import use_few_arenas
from singsynth_mcp.serving.stopping import DRAIN_SECONDS, serve_until_told
from singsynth_mcp.serving.traces import export_traces
from singsynth_mcp.settings import Settings

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from singsynth_mcp.serving.access.access import Access

logger = logging.getLogger(__name__)
Transport = Literal["stdio", "sse", "http"]
_CHECKED_BY_THE_GUARD = TransportSecuritySettings(enable_dns_rebinding_protection=False)
_BACKLOG = 2048
"""Connections that wait to be taken up, as far as the system allows."""
_MOST_SESSIONS = 2048
"""Of older clients, open at once: each holds some 40 kB until half an hour after its last request."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def serve(
    build: Callable[[Settings], SingSynthServer], transport: Transport, host: str = "127.0.0.1", port: int = 8000
) -> None:
    """Run the server that `build` makes from the environment's settings: what a process of ours does all its life."""
    use_few_arenas()
    settings = Settings()
    log_to_stderr(settings.log_level, content=settings.log_content)
    metrics.start(shown=transport != "stdio")
    access = None if transport == "stdio" else _access(settings)
    server = build(settings)
    export_traces(server.name)
    anyio.run(
        partial(
            run,
            server,
            transport,
            host=host,
            port=port,
            access=access,
            allowed_hosts=settings.allowed_hosts,
            drain_seconds=settings.drain_seconds,
        )
    )


def _access(settings: Settings) -> Access:
    from singsynth_mcp.serving.access.access import Access

    return Access.from_settings(settings)


async def run(
    server: SingSynthServer,
    transport: Transport = "stdio",
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    access: Access | None = None,
    allowed_hosts: Sequence[str] = (),
    drain_seconds: float = DRAIN_SECONDS,
) -> None:
    """Serve until the client leaves (stdio) or the process is told to stop (HTTP).

    Over HTTP every request needs a bearer token that `access` knows, where it knows any; a host other than loopback
    needs tokens, and answers only to its own names and `allowed_hosts`. Raises InvalidRequest; KeyboardInterrupt when
    all is left, where Ctrl-C said stop.
    """
    try:
        if transport == "stdio":
            await _run_on_pipe(server)
        else:
            app = http_app(server, transport, host=host, access=access, allowed_hosts=allowed_hosts)
            await _run_on_port(server, app, "/sse" if transport == "sse" else "/mcp", (host, port), drain_seconds)
    finally:
        ledger = server.accounts.meter.ledger
        if ledger is not None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(ledger.close)


async def _run_on_pipe(server: SingSynthServer) -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def _run_on_port(
    server: SingSynthServer, app: Any, path: str, address: tuple[str, int], drain_seconds: float
) -> None:
    host, port = address
    with bound(host, port) as listener:
        logger.info("listening on http://%s:%d%s", host, listener.getsockname()[1], path)
        async with server.lifespan(server):
            told = await serve_until_told(app, listener, drain_seconds, server.calls, server.end_listening)
    if told == signal.SIGINT:
        raise KeyboardInterrupt


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises InvalidRequest where the port is taken or the host is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By the protocol's number asyncio knows that answers in several writes must not wait for each other (40 ms a call).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(_BACKLOG)
        return listener
    except OSError as error:
        listener.close()
        message = f"port {port} on {host} cannot be used: {error.strerror or error}"
        raise InvalidRequest(message, hint="Choose another with --port (0: any that is free).") from None


def http_app(
    server: SingSynthServer,
    transport: Literal["sse", "http"],
    *,
    host: str = "127.0.0.1",
    access: Access | None = None,
    allowed_hosts: Sequence[str] = (),
) -> Any:
    """Return the ASGI app of a transport. Raises InvalidRequest for an open host without a token."""
    from singsynth_mcp.serving.access.access import Access
    from singsynth_mcp.serving.access.guard import Guard
    from singsynth_mcp.serving.surface import surface_routes

    access = access or Access()
    if not access.asks_for_tokens and not is_loopback(host):
        message = f"serving on {host} without a token would let anybody on the network use this machine"
        raise InvalidRequest(
            message, hint="Set SINGSYNTH_TOKEN, SINGSYNTH_KEYS or SINGSYNTH_OAUTH_ISSUER, or serve on 127.0.0.1."
        )
    routes = [*surface_routes(access, server.accounts), *server.web()]
    make_app = _sse_app if transport == "sse" else _streamable_app
    app = make_app(server, routes, access.max_request_bytes)
    return HealthRoutes(Guard(app, access, _security(host, allowed_hosts)), server.readiness)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _security(host: str, allowed_hosts: Sequence[str]) -> TransportSecuritySettings:
    """Return the protection against DNS rebinding: which names a request may call us by."""
    names = {*LOOPBACK, *allowed_hosts}
    if not is_loopback(host):
        names |= {host, *_own_names()}
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[form for name in sorted(names) for form in (name, f"{name}:*")],
        allowed_origins=[
            f"{scheme}://{name}{port}" for scheme in ("http", "https") for name in sorted(names) for port in ("", ":*")
        ],
    )


def _own_names() -> set[str]:
    """Return the names and addresses by which other machines know this one."""
    name = socket.gethostname()
    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(name, None)}
    except OSError:
        addresses = set()
    return {name, socket.getfqdn(name), *(f"[{each}]" if ":" in each else each for each in addresses)}


def _streamable_app(server: SingSynthServer, routes: Sequence[BaseRoute], max_request_bytes: int) -> Any:
    return server.streamable_http_app(
        transport_security=_CHECKED_BY_THE_GUARD,
        max_request_body_size=max_request_bytes,
        max_sessions=_MOST_SESSIONS,
        custom_starlette_routes=list(routes),  # type: ignore[arg-type]
    )


def _sse_app(server: SingSynthServer, routes: Sequence[BaseRoute], max_request_bytes: int) -> Any:
    from mcp.server.sse import SseServerTransport
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Mount, Route

    sse = SseServerTransport(
        "/messages/", security_settings=_CHECKED_BY_THE_GUARD, max_request_body_size=max_request_bytes
    )

    async def connect(request: Request) -> Response:
        async with sse.connect_sse(request.scope, request.receive, request._send) as (read, write):
            await server.run(read, write, server.create_initialization_options())
        return Response()

    own = [Route("/sse", connect), Mount("/messages/", app=sse.handle_post_message)]
    return Starlette(routes=[*own, *routes])
