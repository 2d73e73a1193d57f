"""Upstreams in this process, for tests of the proxy without child processes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from contextlib import asynccontextmanager

import anyio
import mcp_types as types
from mcp import Client
from mcp.client._memory import InMemoryTransport
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata

from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.connect import client_to
from singsynth_mcp.serving.factory import Identity, SingSynthServer, create_server
from singsynth_mcp.serving.notices import Notices
from singsynth_mcp.settings import Settings


class Foreign:
    """A server that is not ours: tools by name, changing; resources, prompts, completions."""

    def __init__(self, name: str, *tools: str) -> None:
        self.name = name
        self.tools = list(tools)
        self.notices = Notices()
        self.calls: list[types.CallToolRequestParams] = []
        self.waiting = anyio.Event()
        self.stopped = anyio.Event()
        self.released = anyio.Event()
        self.server = create_server(
            Identity(name, name.title()), self, resources=self, prompts=self, notices=self.notices
        )

    async def list_tools(self):
        return [
            types.Tool(
                name=tool,
                title=f"{tool} of {self.name}",
                input_schema={"type": "object"},
                annotations=types.ToolAnnotations(read_only_hint=True),
                _meta={"vendor/x": 1},
            )
            for tool in self.tools
        ]

    def input_schema(self, name):
        return {"type": "object"} if name in self.tools else None

    async def call_tool(self, ctx, params):
        self.calls.append(params)
        if params.name == "wait":
            return await self._wait(ctx)
        if params.name == "hold":
            self.waiting.set()
            await self.released.wait()
        if params.name == "tell":
            await self._log(ctx, "half")
        if params.name == "ask":
            question = types.ElicitRequest(
                params=types.ElicitRequestFormParams(
                    message="Who?", requested_schema={"type": "object", "properties": {}}
                )
            )
            metadata = ServerMessageMetadata(related_request_id=ctx.request_id)
            answer = await ctx.session.send_request(question, types.ElicitResult, metadata=metadata)
            return types.CallToolResult(content=[types.TextContent(type="text", text=str(answer.content))])
        if params.name == "refuse":
            raise MCPError(-32042, "not today", {"why": "rain"})
        if params.name == "fail":
            return types.CallToolResult(content=[types.TextContent(type="text", text="no")], is_error=True)
        return types.CallToolResult(
            content=[
                types.TextContent(type="text", text=f"{self.name}.{params.name}"),
                types.ImageContent(type="image", data="AAAA", mime_type="image/png"),
            ],
            structured_content={"arguments": params.arguments},
            _meta={"vendor/y": 2},
        )

    async def _wait(self, ctx):
        await ctx.session.report_progress(0.5, 1.0, "half")
        await self._log(ctx, "half")
        self.waiting.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.stopped.set()

    async def _log(self, ctx, data):
        notice = types.LoggingMessageNotification(
            params=types.LoggingMessageNotificationParams(level="info", data=data, logger=self.name)
        )
        await ctx.session.send_notification(notice, related_request_id=ctx.request_id)

    async def list_resources(self):
        return [types.Resource(name="note", uri=f"note://{self.name}")]

    async def list_templates(self):
        return [types.ResourceTemplate(name="page", uri_template=f"{self.name}://page/{{n}}")]

    async def read(self, ctx, params):
        contents = [types.TextResourceContents(uri=params.uri, text=f"{self.name} has {params.uri}")]
        return types.ReadResourceResult(contents=contents)

    async def follow(self, uri):
        pass

    async def list_prompts(self):
        return [types.Prompt(name="greet", description=self.name)]

    async def get_prompt(self, ctx, params):
        text = types.TextContent(type="text", text=f"{self.name} greets {(params.arguments or {}).get('who')}")
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=text)])

    async def complete(self, ctx, params):
        return types.Completion(values=[f"{self.name}:{params.argument.value}"])


def proxy_over(upstreams: Mapping[str, SingSynthServer], era: str = "auto", down: Set[str] = frozenset()):
    """Return a proxy whose upstreams are servers in this process, as its children are; those `down` refuse."""

    @asynccontextmanager
    async def dial(spec, callbacks):
        name = spec.args[0]
        if name in down:
            raise ConnectionRefusedError(f"{name} is down")
        async with client_to(InMemoryTransport(upstreams[name]), callbacks, mode=era) as client:
            yield client

    return build_server(Settings(), {name: UpstreamSpec(command="memory", args=(name,)) for name in upstreams}, dial)


def client_of(proxy: SingSynthServer, era: str, **callbacks) -> Client:
    """Return a host's client of the proxy, over JSON-RPC as on a wire, in either era."""
    return Client(InMemoryTransport(proxy), mode=era, cache=None, **callbacks)
