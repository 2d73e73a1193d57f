"""Change notices to clients of both eras: `subscriptions/listen` streams, and sessions that shook hands."""

from __future__ import annotations

import weakref
from typing import Any

import mcp_types as types
from mcp.server.connection import Connection
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ToolsListChanged,
)

from singsynth_mcp.serving.sources import Context


class Notices:
    """Tells every connected client what has changed."""

    def __init__(self) -> None:
        self._bus = InMemorySubscriptionBus()
        self.listen = ListenHandler(self._bus)
        """The handler of subscriptions/listen (2026-07-28)."""
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._followed: weakref.WeakKeyDictionary[Connection, set[str]] = weakref.WeakKeyDictionary()

    async def on_initialized(self, ctx: Context, params: types.NotificationParams) -> None:
        """Remember a connection that shook hands: it is told of changes unasked."""
        self._connections.add(_connection(ctx))

    def follow(self, ctx: Context, uri: str) -> None:
        """Remember that a connection subscribed to a resource (handshake era)."""
        self._followed.setdefault(_connection(ctx), set()).add(uri)

    def unfollow(self, ctx: Context, uri: str) -> None:
        """Forget a subscription."""
        self._followed.get(_connection(ctx), set()).discard(uri)

    async def tools_changed(self) -> None:
        """Say that the list of tools is another one."""
        await self._bus.publish(ToolsListChanged())
        for connection in list(self._connections):
            await connection.send_tool_list_changed()

    async def resources_changed(self) -> None:
        """Say that the list of resources is another one."""
        await self._bus.publish(ResourcesListChanged())
        for connection in list(self._connections):
            await connection.send_resource_list_changed()

    async def prompts_changed(self) -> None:
        """Say that the list of prompts is another one."""
        await self._bus.publish(PromptsListChanged())
        for connection in list(self._connections):
            await connection.send_prompt_list_changed()

    async def resource_updated(self, uri: str) -> None:
        """Say that a resource has changed, to those who asked."""
        await self._bus.publish(ResourceUpdated(uri=uri))
        for connection, uris in list(self._followed.items()):
            if uri in uris:
                await connection.send_resource_updated(uri)


def _connection(ctx: Context) -> Connection:
    """Return the connection of a request: the SDK has no public name for what outlives the request."""
    connection: Any = ctx.session._connection
    assert isinstance(connection, Connection)
    return connection
