"""Where a server listens: stdio, streamable HTTP (/mcp) or SSE (/sse), in one place."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from mcp.server.transport_security import TransportSecuritySettings

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.serving.factory import SingSynthServer
from singsynth_mcp.serving.guard import BearerGuard
from singsynth_mcp.serving.health import HealthRoutes
from singsynth_mcp.serving.logs import log_to_stderr
from singsynth_mcp.settings import Settings

logger = logging.getLogger(__name__)
Transport = Literal["stdio", "sse", "http"]
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def serve(
    build: Callable[[Settings], SingSynthServer], transport: Transport, host: str = "127.0.0.1", port: int = 8000
) -> None:
    """Run the server that `build` makes from the environment's settings: what a process of ours does all its life."""
    import anyio

    settings = Settings()
    log_to_stderr(settings.log_level)
    token = settings.token.get_secret_value() if settings.token else None
    hosts = settings.allowed_hosts
    anyio.run(partial(run, build(settings), transport, host=host, port=port, token=token, allowed_hosts=hosts))


async def run(
    server: SingSynthServer,
    transport: Transport = "stdio",
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    allowed_hosts: Sequence[str] = (),
) -> None:
    """Serve until the client leaves (stdio) or the process is told to stop (HTTP).

    Over HTTP every request needs the bearer `token` where one is given; a host other than loopback needs one, and
    answers only to its own names and `allowed_hosts`. Raises InvalidRequest.
    """
    if transport == "stdio":
        from mcp.server.stdio import stdio_server

        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
        return
    import uvicorn

    app = http_app(server, transport, host=host, token=token, allowed_hosts=allowed_hosts)

    with _bound(host, port) as listener:
        config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="on")
        path = "/sse" if transport == "sse" else "/mcp"
        logger.info("listening on http://%s:%d%s", host, listener.getsockname()[1], path)
        async with server.lifespan(server):
            await uvicorn.Server(config).serve(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises InvalidRequest where the port is taken or the host is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        message = f"port {port} on {host} cannot be used: {error.strerror or error}"
        raise InvalidRequest(message, hint="Choose another with --port (0: any that is free).") from None


def http_app(
    server: SingSynthServer,
    transport: Literal["sse", "http"],
    *,
    host: str = "127.0.0.1",
    token: str | None = None,
    allowed_hosts: Sequence[str] = (),
) -> Any:
    """Return the ASGI app of a transport. Raises InvalidRequest for an open host without a token."""
    if not token and not is_loopback(host):
        message = f"serving on {host} without a token would let anybody on the network use this machine"
        raise InvalidRequest(message, hint="Set SINGSYNTH_TOKEN, or serve on 127.0.0.1.")
    security = _security(host, allowed_hosts)
    app = _sse_app(server, security) if transport == "sse" else _streamable_app(server, security, host)
    return HealthRoutes(BearerGuard(app, token) if token else app, server.readiness)


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


def _streamable_app(server: SingSynthServer, security: TransportSecuritySettings, host: str) -> Any:
    return server.streamable_http_app(transport_security=security, host=host)


def _sse_app(server: SingSynthServer, security: TransportSecuritySettings) -> Any:
    from mcp.server.sse import SseServerTransport
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Mount, Route

    sse = SseServerTransport("/messages/", security_settings=security)

    async def connect(request: Request) -> Response:
        async with sse.connect_sse(request.scope, request.receive, request._send) as (read, write):
            await server.run(read, write, server.create_initialization_options())
        return Response()

    return Starlette(routes=[Route("/sse", connect), Mount("/messages/", app=sse.handle_post_message)])
