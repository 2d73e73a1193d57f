"""What a server serves: the seams between the factory and the tools, resources and prompts behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import mcp_types as types
from mcp.server.context import ServerRequestContext

from singsynth_mcp.artifacts.tenants import LOCAL, TENANT
from singsynth_mcp.errors import InvalidRequest

Context = ServerRequestContext[Any, Any]
CALLER_SCOPE_KEY = "singsynth.caller"
"""Where the guard of an HTTP server puts who calls."""


def client_of(ctx: Context) -> str:
    """Return whose call this is, so that clients take turns: a tenant and its key, else a session or an address."""
    request = ctx.request
    caller = getattr(request.scope.get(CALLER_SCOPE_KEY), "name", "") if request is not None else ""
    if caller or TENANT.get() != LOCAL:
        return f"{TENANT.get()}/{caller}"
    if request is None:
        return "stdio"
    return str(request.headers.get("mcp-session-id") or (request.client.host if request.client else ""))


class ServedTool(Protocol):
    """One tool: its definition, and what it does."""

    name: str

    @property
    def definition(self) -> types.Tool:
        """The tool as tools/list shows it."""

    async def call(
        self, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Run the tool. Raises SingSynthError, which the factory turns into a result."""


class ToolSource(Protocol):
    """Tools by name; the list may change."""

    async def list_tools(self) -> list[types.Tool]:
        """Return the tools as they are now."""

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """Return a tool's schema as far as it is known at once: over HTTP arguments in headers are checked by it."""

    async def call_tool(
        self, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call a tool. Raises SingSynthError; InvalidRequest for a name that is not there."""


class ResourceSource(Protocol):
    """Resources by URI."""

    async def list_resources(self) -> list[types.Resource]:
        """Return the resources with a URI of their own."""

    async def list_templates(self) -> list[types.ResourceTemplate]:
        """Return the URI templates."""

    async def read(
        self, ctx: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult | types.InputRequiredResult:
        """Read a resource. Raises SingSynthError where there is none."""

    async def follow(self, uri: str) -> None:
        """See to it that changes of a resource are announced through the server's notices."""


class PromptSource(Protocol):
    """Prompts by name, and completions of their arguments."""

    async def list_prompts(self) -> list[types.Prompt]:
        """Return the prompts."""

    async def get_prompt(
        self, ctx: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        """Fill a prompt. Raises SingSynthError where there is none."""

    async def complete(self, ctx: Context, params: types.CompleteRequestParams) -> types.Completion:
        """Complete an argument of a prompt or a URI template."""


class ToolTable:
    """A ToolSource of fixed tools."""

    def __init__(self, tools: Sequence[ServedTool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    async def list_tools(self) -> list[types.Tool]:
        """Return the tools in the order given."""
        return [tool.definition for tool in self._tools.values()]

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """Return a tool's schema, None where there is no such tool."""
        return self._tools[name].definition.input_schema if name in self._tools else None

    async def call_tool(
        self, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call a tool. Raises SingSynthError; InvalidRequest for a name that is not there."""
        tool = self._tools.get(params.name)
        if tool is None:
            raise unknown_tool(params.name, sorted(self._tools))
        return await tool.call(ctx, params)


def unknown_tool(name: str, known: Sequence[str]) -> InvalidRequest:
    """Return the error for a tool that is not there."""
    return InvalidRequest(f"there is no tool {name!r}", hint=f"Tools: {', '.join(known)}.")
