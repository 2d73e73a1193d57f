"""One live connection to an upstream, owned by one task from its first byte to its last."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import mcp_types as types
from mcp import Client
from mcp.client.session import ClientSession
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.connect import Callbacks, Dial

_Answer = TypeVar("_Answer")
Changed = Callable[[str | None], Awaitable[None]]
"""Told of a changed resource's URI, or None when a list changed."""


class ConnectionEnded(Exception):
    """The connection ended before the answer came; what was asked may have been done."""


class Connection:
    """An upstream's connection. `open` it, `ask` over it, `close` it; it never comes back."""

    def __init__(
        self, spec: UpstreamSpec, callbacks: Callbacks, changed: Changed, dial: Dial, followed: set[str]
    ) -> None:
        """`followed` are the URIs to hear of; the set is shared with the connections before and after."""
        self._spec = spec
        self._callbacks = callbacks
        self._changed = changed
        self._dial = dial
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._settled = anyio.Event()
        self._stop = anyio.Event()
        self._ended = anyio.Event()
        self._followed = followed
        self._refilter = anyio.Event()
        self.error: BaseException | None = None
        self.deaf = False
        """True when changes are no longer heard of (an HTTP stream dropped): reconnect before the next request."""

    @property
    def alive(self) -> bool:
        """Whether requests can be sent."""
        return self._client is not None and not self._ended.is_set()

    @property
    def session(self) -> ClientSession:
        """The client's session. Raises ConnectionEnded."""
        if self._client is None:
            raise ConnectionEnded
        return self._client.session

    async def open(self) -> bool:
        """Connect in a task of its own; return whether it worked (`error` says why not)."""
        self._task = asyncio.create_task(self._own(), context=contextvars.Context())
        await self._settled.wait()
        return self.alive

    async def ask(self, question: Callable[[ClientSession], Awaitable[_Answer]]) -> _Answer:
        """Return the upstream's answer. Raises ConnectionEnded at once when the connection ends, and MCPError."""
        session = self.session
        answers: list[_Answer] = []
        errors: list[Exception] = []
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                await self._ended.wait()
                group.cancel_scope.cancel()

            group.start_soon(watch)
            try:
                answers.append(await question(session))
            except Exception as error:
                errors.append(error)
            group.cancel_scope.cancel()
        if answers:
            return answers[0]
        if not errors or _is_closed(errors[0]):
            self._ended.set()
            self._stop.set()
            raise ConnectionEnded from (errors[0] if errors else self.error)
        raise errors[0]

    async def is_silent(self, seconds: float = 5.0) -> bool:
        """Return whether an idle upstream of the handshake era does not answer any more."""
        if self.session.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return False  # its listen stream tells
        with anyio.move_on_after(seconds):
            try:
                await self.ask(lambda session: session.send_request(types.PingRequest(), types.EmptyResult))
            except (ConnectionEnded, MCPError):
                return True
            return False
        return True

    async def follow(self, uri: str) -> None:
        """Ask to be told when a resource changes."""
        self._followed.add(uri)
        self._refilter.set()
        if self.session.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            await self.ask(lambda session: _subscribe(session, uri))

    async def close(self) -> None:
        """End the connection and wait until its task has left it."""
        self._stop.set()
        if self._task is not None and self._task is not asyncio.current_task():
            await asyncio.wait({self._task})

    async def _own(self) -> None:
        try:
            async with self._dial(self._spec, self._callbacks) as client:
                self._client = client
                self._settled.set()
                await self._stay(client)
        except Exception as error:  # an HTTP upstream's death surfaces here, as a group
            self.error = error
        finally:
            self._ended.set()
            self._settled.set()

    async def _stay(self, client: Client) -> None:
        """Hear of changes until told to stop, or until the upstream is gone."""
        async with anyio.create_task_group() as group:

            async def hear() -> None:
                await self._hear(client)
                self._ended.set()
                group.cancel_scope.cancel()

            group.start_soon(hear)
            await self._stop.wait()
            group.cancel_scope.cancel()

    async def _hear(self, client: Client) -> None:
        try:
            if client.session.protocol_version not in MODERN_PROTOCOL_VERSIONS:
                for uri in list(self._followed):
                    await _subscribe(client.session, uri)
            while True:
                await self._hear_filtered(client)
        except SubscriptionLost:
            if self._spec.url is None:
                return
            self.deaf = True
        except (ListenNotSupportedError, MCPError):
            pass
        await anyio.sleep_forever()

    async def _hear_filtered(self, client: Client) -> None:
        """Listen with what is followed now; return when that changes."""
        self._refilter = anyio.Event()
        async with (
            client.listen(
                tools_list_changed=True,
                prompts_list_changed=True,
                resources_list_changed=True,
                resource_subscriptions=tuple(self._followed),
            ) as events,
            anyio.create_task_group() as group,
        ):

            async def until_refiltered() -> None:
                await self._refilter.wait()
                group.cancel_scope.cancel()

            group.start_soon(until_refiltered)
            async for event in events:
                await self._changed(str(event.uri) if isinstance(event, ResourceUpdated) else None)
            self.deaf = True
            await self._refilter.wait()


async def _subscribe(session: ClientSession, uri: str) -> None:
    """Subscribe as in the handshake era (the SDK's own method only warns that the era is over)."""
    request = types.SubscribeRequest(params=types.SubscribeRequestParams(uri=uri))
    await session.send_request(request, types.EmptyResult)


def _is_closed(error: Exception) -> bool:
    """Return whether an error means that the connection, not the request, failed."""
    if not isinstance(error, MCPError):
        return isinstance(error, OSError | anyio.ClosedResourceError | anyio.BrokenResourceError | ConnectionEnded)
    # The code is also any server's -32000: only the SDK's own words tell a dead connection from a server's refusal.
    text = error.error.message.lower()
    said_by_sdk = "closed" in text or text.startswith("sse stream")
    return (error.error.code == types.CONNECTION_CLOSED and said_by_sdk) or "session not found" in text
