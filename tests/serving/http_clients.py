"""Hosts that speak to a server's HTTP app in this process, each with its own token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import mcp_types as types

from singsynth_mcp.serving.transports import http_app

VERSION = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
}


@asynccontextmanager
async def served(server: Any, **options: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a web client of a server's streamable HTTP app."""
    app = http_app(server, "http", **options)
    async with (
        server.lifespan(server),
        server.session_manager.run(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://localhost:8000") as client,
    ):
        yield client


def message(method: str, meta: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    """Return a request of the newest era."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": {**_META, **(meta or {})}}}


def headers(method: str, token: str | None = None, name: str | None = None) -> dict[str, str]:
    """Return the headers that go with a request of the newest era."""
    named = {"mcp-name": name} if name else {}
    bearer = {"authorization": f"Bearer {token}"} if token else {}
    accept = "application/json, text/event-stream"
    return {"accept": accept, "mcp-protocol-version": VERSION, "mcp-method": method, **named, **bearer}


async def post_call(
    client: httpx2.AsyncClient,
    tool: str,
    arguments: Mapping[str, Any],
    token: str | None = None,
    meta: Mapping[str, Any] | None = None,
) -> httpx2.Response:
    """Call a tool and return the HTTP answer."""
    body = message("tools/call", meta, name=tool, arguments=dict(arguments))
    return await client.post("/mcp", json=body, headers=headers("tools/call", token, tool))


async def call(
    client: httpx2.AsyncClient,
    tool: str,
    arguments: Mapping[str, Any],
    token: str | None = None,
    meta: Mapping[str, Any] | None = None,
) -> types.CallToolResult:
    """Call a tool and return its result, an error or not."""
    answer = await post_call(client, tool, arguments, token, meta)
    assert answer.status_code == 200, answer.text
    return types.CallToolResult.model_validate(answer.json()["result"])


async def read(client: httpx2.AsyncClient, uri: str, token: str | None = None) -> dict[str, Any]:
    """Read a resource and return the whole answer."""
    answer = await client.post(
        "/mcp", json=message("resources/read", uri=uri), headers=headers("resources/read", token, uri)
    )
    facts: dict[str, Any] = answer.json()
    return facts
