"""One upstream: connected at the first request, reconnected after a death, with growing pauses if it keeps dying."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import mcp_types as types
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError

from singsynth_mcp.errors import UpstreamDied, UpstreamUnavailable, first_error
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.connect import HOST_CAPABILITIES, Callbacks, Dial, TokenRefused, connect
from singsynth_mcp.proxy.connection import Connection, ConnectionEnded
from singsynth_mcp.proxy.merge import Listing
from singsynth_mcp.proxy.relay import FrontCall

logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
START_TIMEOUT_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 30.0
_HEALTHY_AFTER_SECONDS = 60.0
_IDLE_SECONDS = 5.0
"""After this long without a request, an upstream that cannot say goodbye is pinged before the next."""


class Upstream:
    """A named server behind the proxy."""

    def __init__(
        self,
        name: str,
        spec: UpstreamSpec,
        changed: Callable[[str | None], Awaitable[None]],
        dial: Dial = connect,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed(uri)`: a resource changed, or (None) a list."""
        self.name = name
        self.spec = spec
        self._changed = changed
        self._dial = dial
        self._clock = clock
        self._connection: Connection | None = None
        self._lock = anyio.Lock()
        self._fronts: list[FrontCall] = []
        self._followed: set[str] = set()
        self._failures = 0
        self._failed_at = 0.0
        self._used_at = 0.0
        self._opened = False

    @property
    def alive(self) -> bool:
        """Whether it is connected now."""
        return self._connection is not None and self._connection.alive

    @property
    def urls(self) -> tuple[str, ...]:
        """Where it is; nowhere else for a child of this process."""
        return () if self.spec.url is None else (self.spec.url,)

    @property
    def members(self) -> tuple[Upstream, ...]:
        """The servers behind the name that may be asked: this one."""
        return (self,)

    @property
    def place(self) -> str:
        """Its address or command."""
        return self.spec.url or " ".join([self.spec.command or "", *self.spec.args])

    async def request(
        self,
        question: Callable[[ClientSession], Awaitable[_Answer]],
        front: FrontCall | None = None,
        *,
        repeatable: bool = True,
        job_id: str = "",
    ) -> _Answer:
        """Return the answer to a request; connects where needed.

        `repeatable` and `job_id` are for replicas to choose by: here there is nobody else to ask.
        Raises UpstreamUnavailable (nothing was asked), UpstreamDied (it may have been done), MCPError.
        """
        connection = await self._connected()
        declared = HOST_CAPABILITIES.set(front.capabilities if front is not None else None)
        if front is not None:
            self._fronts.append(front)
        try:
            return await connection.ask(question)
        except ConnectionEnded:
            logger.warning("upstream %s died", self.name)
            message = f"the upstream server {self.name!r} died during the call"
            raise UpstreamDied(message, hint="It is started again at the next call: call again.") from None
        finally:
            HOST_CAPABILITIES.reset(declared)
            self._used_at = self._clock()
            if front is not None:
                self._fronts.remove(front)

    async def listing(self) -> Listing:
        """Ask for everything that the upstream offers. Raises UpstreamUnavailable, UpstreamDied, MCPError."""
        return await self.request(list_all)

    async def follow(self, uri: str) -> None:
        """Hear of changes of a resource from now on. Raises UpstreamUnavailable, MCPError."""
        if uri not in self._followed:
            await (await self._connected()).follow(uri)

    async def close(self) -> None:
        """Leave the upstream; a child's process ends."""
        async with self._lock:
            if self._connection is not None:
                await self._connection.close()
                self._connection = None

    async def _connected(self) -> Connection:
        async with self._lock:
            connection = self._connection
            if connection is not None and await self._is_usable(connection):
                return connection
            if connection is not None:
                await connection.close()
                self._connection = None
            self._refuse_while_pausing()
            return await self._open()

    async def _is_usable(self, connection: Connection) -> bool:
        if not connection.alive:
            self._count_failure()
            return False
        if self._fronts:
            return True
        idle = self._clock() - self._used_at > _IDLE_SECONDS
        return not connection.deaf and not (idle and await connection.is_silent())

    async def _open(self) -> Connection:
        connection = Connection(self.spec, self._callbacks(), self._on_change, self._dial, self._followed)
        with anyio.move_on_after(START_TIMEOUT_SECONDS):
            if await connection.open():
                self._connection = connection
                if self._opened:
                    await self._on_change(None)
                self._opened = True
                return connection
        with anyio.CancelScope(shield=True):
            await connection.close()
        self._count_failure()
        reason = _reason(connection.error) or f"no answer in {START_TIMEOUT_SECONDS:g} s"
        logger.warning("upstream %s is unavailable: %s", self.name, reason)
        message = f"the upstream server {self.name!r} ({self.place}) cannot be reached: {reason}"
        raise UpstreamUnavailable(message, hint=_remedy(connection.error))

    def _count_failure(self) -> None:
        now = self._clock()
        self._failures = 1 if now - self._failed_at > _HEALTHY_AFTER_SECONDS else self._failures + 1
        self._failed_at = now

    def _refuse_while_pausing(self) -> None:
        """Let the first restart be immediate, then pause 1, 2, 4 … 30 s. Raises UpstreamUnavailable in a pause."""
        if self._failures < 2:
            return
        pause = min(2.0 ** (self._failures - 2), _LONGEST_PAUSE_SECONDS)
        left = self._failed_at + pause - self._clock()
        if left > 0:
            message = f"the upstream server {self.name!r} failed {self._failures} times in a row"
            raise UpstreamUnavailable(message, hint=f"It is tried again in {left:.0f} s: call then.")

    async def _on_change(self, uri: str | None) -> None:
        await self._changed(uri)

    def _meant(self) -> list[FrontCall]:
        """Return the calls that a log message or question may belong to, which does not say: none of two tenants'."""
        return list(self._fronts) if len({front.tenant for front in self._fronts}) == 1 else []

    def _callbacks(self) -> Callbacks:
        async def on_log(params: types.LoggingMessageNotificationParams) -> None:
            for front in self._meant():
                await front.log(params)

        async def on_message(message: Any) -> None:
            if isinstance(message, types.ResourceUpdatedNotification):
                await self._on_change(str(message.params.uri))
            elif isinstance(message, _LIST_CHANGES):
                await self._on_change(None)

        async def ask(method: str, params: Any) -> Any:
            fronts = self._meant()
            if not fronts:
                message = "no call of the host is under way, or calls of several tenants are: nothing says whose it is"
                return types.ErrorData(code=types.INVALID_REQUEST, message=message)
            request = _REQUESTS[method](params=params)
            try:
                return await fronts[-1].ask(request)
            except MCPError as error:
                return error.error

        return Callbacks(
            on_log=on_log,
            on_message=on_message,
            on_sampling=lambda _, params: ask("sampling", params),
            on_elicitation=lambda _, params: ask("elicitation", params),
            on_roots=lambda _: ask("roots", None),
        )


_LIST_CHANGES = (
    types.ToolListChangedNotification,
    types.ResourceListChangedNotification,
    types.PromptListChangedNotification,
)
_REQUESTS: dict[str, type[Any]] = {
    "sampling": types.CreateMessageRequest,
    "elicitation": types.ElicitRequest,
    "roots": types.ListRootsRequest,
}


async def list_all(session: ClientSession) -> Listing:
    """Return everything that a server offers. Raises MCPError."""
    capabilities = session.server_capabilities or types.ServerCapabilities()
    listing = Listing(completes=capabilities.completions is not None)
    if capabilities.tools is not None:
        listing.tools = await _pages(session.list_tools, "tools")
    if capabilities.resources is not None:
        listing.resources = await _pages(session.list_resources, "resources")
        listing.templates = await _pages(session.list_resource_templates, "resource_templates")
    if capabilities.prompts is not None:
        listing.prompts = await _pages(session.list_prompts, "prompts")
    return listing


async def _pages(fetch: Callable[..., Awaitable[Any]], field: str) -> list[Any]:
    entries: list[Any] = []
    cursor: str | None = None
    while True:
        page = await fetch(params=types.PaginatedRequestParams(cursor=cursor))
        entries += getattr(page, field)
        if not page.next_cursor or page.next_cursor == cursor:
            return entries
        cursor = page.next_cursor


def _remedy(error: BaseException | None) -> str:
    if isinstance(error, TokenRefused):
        return (
            'Send its token: with "headers": {"Authorization": "Bearer ${SINGSYNTH_TOKEN}"} in its entry of the '
            "proxy's configuration and SINGSYNTH_TOKEN alike on both sides; `sing --url` sends SINGSYNTH_TOKEN."
        )
    return "Check its command or address, or run `singsynth-mcp doctor`."


def _reason(error: BaseException | None) -> str:
    """Return the innermost cause in words."""
    if isinstance(error, BaseExceptionGroup):
        error = first_error(error)
    if error is None:
        return ""
    return str(error) or type(error).__name__
