"""From an upstream's specification to a client that is not connected yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import mcp_types as types
from mcp import Client
from mcp.client.session import (
    ClientSession,
    ElicitationFnT,
    ListRootsFnT,
    LoggingFnT,
    MessageHandlerFnT,
    SamplingFnT,
)
from mcp.client.stdio import StdioServerParameters

from singsynth_mcp import __version__
from singsynth_mcp.artifacts.tenants import TENANT
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.serving.access.callers import TENANT_META_KEY

HOST_CAPABILITIES: ContextVar[dict[str, Any] | None] = ContextVar("HOST_CAPABILITIES", default=None)
"""What the host of the request now under way has declared, as on the wire; None where no host asks."""
_FOR_A_TENANT = ("tools/call", "resources/read", "prompts/get", "completion/complete")
_CONNECT_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Callbacks:
    """What an upstream may say unasked."""

    on_log: LoggingFnT
    on_message: MessageHandlerFnT
    on_sampling: SamplingFnT
    on_elicitation: ElicitationFnT
    on_roots: ListRootsFnT


class TokenRefused(Exception):
    """An upstream that answered 401 or 403."""


Dial = Callable[[UpstreamSpec, Callbacks], AbstractAsyncContextManager[Client]]
"""How a connection is made: `connect`, or a test's own way."""


@asynccontextmanager
async def connect(spec: UpstreamSpec, callbacks: Callbacks) -> AsyncIterator[Client]:
    """Connect to an upstream, whichever era it speaks; enter and leave in one task."""
    refusals: list[int] = []
    try:
        async with client_to(_target(spec, refusals), callbacks) as client:
            yield client
    except Exception as error:
        if refusals:
            raise TokenRefused(f"it refused the token (HTTP {refusals[-1]})") from error
        raise


@asynccontextmanager
async def client_to(target: Any, callbacks: Callbacks, *, mode: str = "auto") -> AsyncIterator[Client]:
    """Connect to whatever the SDK's client takes: a transport, parameters of a child, a server in this process."""
    async with Client(
        target,
        mode=mode,
        cache=None,
        client_info=types.Implementation(name="singsynth-proxy", version=__version__),
        logging_callback=callbacks.on_log,
        message_handler=callbacks.on_message,
        sampling_callback=callbacks.on_sampling,
        elicitation_callback=callbacks.on_elicitation,
        list_roots_callback=callbacks.on_roots,
    ) as client:
        # What an upstream answers is for the host to judge: no second validation, no listing before each call.
        client.session.validate_tool_result = _pass  # type: ignore[method-assign]
        _declare_per_request(client.session)
        yield client


def _declare_per_request(session: ClientSession) -> None:
    """Let each request say for whom it is and what its host can do: the SDK says the same for a whole connection."""
    stamp = session._stamp

    def stamp_with_capabilities(data: dict[str, Any], opts: Any) -> None:
        stamp(data, opts)
        if data.get("method") in _FOR_A_TENANT:
            data.setdefault("params", {}).setdefault("_meta", {})[TENANT_META_KEY] = TENANT.get()
        meta = (data.get("params") or {}).get("_meta") or {}
        declared = HOST_CAPABILITIES.get()
        if declared is not None and types.CLIENT_CAPABILITIES_META_KEY in meta:
            meta[types.CLIENT_CAPABILITIES_META_KEY] = declared

    session._stamp = stamp_with_capabilities


def _target(spec: UpstreamSpec, refusals: list[int]) -> Any:
    """Return what the SDK's client connects to; HTTP statuses that mean a refused token are put into `refusals`."""
    if spec.url is None:
        return StdioServerParameters(command=spec.command or "", args=list(spec.args), env=spec.env)
    if spec.transport == "sse":
        from mcp.client.sse import sse_client

        return sse_client(spec.url, headers=spec.headers, sse_read_timeout=24 * 3600)
    return _streamable(spec.url, spec.headers, refusals)


@asynccontextmanager
async def _streamable(url: str, headers: dict[str, str], refusals: list[int]) -> AsyncIterator[Any]:
    """Open streamable HTTP without the SDK's caps: a call may be silent for long and its answer may be large."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async def look(response: httpx2.Response) -> None:
        if response.status_code in (401, 403):
            refusals.append(response.status_code)

    timeout = httpx2.Timeout(_CONNECT_TIMEOUT_SECONDS, read=None)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout, event_hooks={"response": [look]}) as http_client,
        streamable_http_client(url, http_client=http_client, max_sse_event_size=None) as streams,
    ):
        yield streams


async def _pass(name: str, result: types.CallToolResult) -> None:
    """Accept a result as it is."""
