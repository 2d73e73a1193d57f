"""The server factory: from tools, resources and prompts to an MCP server of both protocol eras.

Whatever is served, here alone errors become results, results are capped, and changes are announced.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.server import NotificationOptions
from mcp.server.models import InitializationOptions
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

from singsynth_mcp import __version__
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import InternalError, SingSynthError
from singsynth_mcp.serving import metrics
from singsynth_mcp.serving.access.accounts import Accounts
from singsynth_mcp.serving.health import Readiness
from singsynth_mcp.serving.notices import Notices
from singsynth_mcp.serving.results import RESULT_LIMIT_BYTES, ResultTooLarge, capped, failure
from singsynth_mcp.serving.sources import Context, PromptSource, ResourceSource, ToolSource
from singsynth_mcp.serving.stopping import CallsUnderWay
from singsynth_mcp.serving.tasks import EXTENSION, TaskParams, Tasks

if TYPE_CHECKING:
    from starlette.routing import Route

logger = logging.getLogger(__name__)
_Result = TypeVar("_Result", bound=BaseModel)
Lifespan = Callable[[], AbstractAsyncContextManager[None]]
WebRoutes = Callable[[], "Sequence[Route]"]
"""Makes what a server answers over HTTP beside MCP; called where it is served so."""


@dataclass(frozen=True)
class Identity:
    """How a server presents itself."""

    name: str
    title: str
    instructions: str = ""


class SingSynthServer(Server[None]):
    """The SDK's low-level server, which says truly whether its lists can change."""

    def __init__(
        self,
        *args: Any,
        lists_change: bool,
        web: WebRoutes,
        accounts: Accounts,
        calls: CallsUnderWay,
        end_listening: Callable[[], None],
        **handlers: Any,
    ) -> None:
        super().__init__(*args, **handlers)
        self._lists_change = lists_change
        self.web = web
        self.accounts = accounts
        self.calls = calls
        self.end_listening = end_listening
        self.readiness = Readiness()

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        """Return the handshake's answer; transports call this without options."""
        changing = self._lists_change
        options = notification_options or NotificationOptions(changing, changing, changing)
        return super().create_initialization_options(options, experimental_capabilities, extensions)


def create_server(
    identity: Identity,
    tools: ToolSource,
    *,
    resources: ResourceSource | None = None,
    prompts: PromptSource | None = None,
    notices: Notices | None = None,
    lifespan: Lifespan | None = None,
    web: WebRoutes = tuple,
    accounts: Accounts | None = None,
    has_jobs: bool = False,
) -> SingSynthServer:
    """Return a server of `tools` and of what else is given; with `has_jobs` these are tasks for whoever knows those.

    `notices`: given where lists or resources change. `lifespan` is entered once however many connections there are.
    """
    told = notices or Notices()
    accounts, calls = accounts or Accounts(), CallsUnderWay()
    tasks = Tasks(tools, accounts) if has_jobs else None
    server = SingSynthServer(
        identity.name,
        lists_change=notices is not None,
        web=web,
        accounts=accounts,
        calls=calls,
        end_listening=told.listen.close,
        title=identity.title,
        version=__version__,
        instructions=identity.instructions or None,
        lifespan=_shared(lifespan),
        on_list_tools=_lister(types.ListToolsResult, "tools", tools.list_tools),
        on_call_tool=_tool_caller(tools, accounts, calls, tasks),
        get_tool_input_schema=tools.input_schema,  # without it the SDK lists every tool at each HTTP call
        on_subscriptions_listen=_listener(told, resources, accounts),
        **({} if resources is None else _resource_handlers(resources, told, accounts)),
        **({} if prompts is None else _prompt_handlers(prompts, accounts)),
    )
    server.add_notification_handler("notifications/initialized", types.NotificationParams, told.on_initialized)
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _accept_log_level)
    if tasks is not None:
        server.extensions[EXTENSION] = {}
        for method, handler in tasks.handlers.items():
            server.add_request_handler(method, TaskParams, handler)
    return server


def _tool_caller(tools: ToolSource, accounts: Accounts, calls: CallsUnderWay, tasks: Tasks | None) -> Any:
    async def call_or_begin(ctx: Context, params: types.CallToolRequestParams) -> Any:
        if tasks is None:
            return await call(ctx, params)
        return await tasks.answered(ctx, params.name, await call(ctx, tasks.asked(ctx, params)))

    async def call(
        ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        try:
            with calls.one():
                result = await accounts.call(ctx, params.name, lambda: tools.call_tool(ctx, params))
        except SingSynthError as error:
            _count_failure(params.name, error.code)
            return failure(error)
        except MCPError:
            raise
        except Exception as error:
            logger.exception("tool %s failed", params.name)
            return failure(InternalError.of(params.name, error))
        if not isinstance(result, types.CallToolResult):
            return result
        if result.is_error and isinstance(error_of := (result.structured_content or {}).get("error"), dict):
            _count_failure(params.name, str(error_of.get("code")))
        return capped(result, params.name)

    return call_or_begin


def _count_failure(tool: str, code: str) -> None:
    """Count an error by its code, where that is one of this package's."""
    metrics.tool_failed(code if tool in TOOLS else "other")


def _listener(notices: Notices, resources: ResourceSource | None, accounts: Accounts) -> Any:
    async def listen(ctx: Context, params: types.SubscriptionsListenRequestParams) -> types.SubscriptionsListenResult:
        if resources is not None:
            for uri in params.notifications.resource_subscriptions or ():
                await _follow(resources, accounts, ctx, str(uri))
        return await notices.listen(ctx, params)

    return listen


def _resource_handlers(resources: ResourceSource, notices: Notices, accounts: Accounts) -> dict[str, Any]:
    async def read(
        ctx: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult | types.InputRequiredResult:
        return await _guarded(accounts, ctx, f"resource {params.uri}", lambda: resources.read(ctx, params))

    async def subscribe(ctx: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        notices.follow(ctx, str(params.uri))
        return await _follow(resources, accounts, ctx, str(params.uri))

    async def unsubscribe(ctx: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        notices.unfollow(ctx, str(params.uri))
        return types.EmptyResult()

    list_templates = resources.list_templates
    return {
        "on_list_resources": _lister(types.ListResourcesResult, "resources", resources.list_resources),
        "on_list_resource_templates": _lister(types.ListResourceTemplatesResult, "resource_templates", list_templates),
        "on_read_resource": read,
        "on_subscribe_resource": subscribe,
        "on_unsubscribe_resource": unsubscribe,
    }


def _prompt_handlers(prompts: PromptSource, accounts: Accounts) -> dict[str, Any]:
    async def get(
        ctx: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        return await _guarded(accounts, ctx, f"prompt {params.name}", lambda: prompts.get_prompt(ctx, params))

    async def complete(ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        async def work() -> types.CompleteResult:
            return types.CompleteResult(completion=await prompts.complete(ctx, params))

        return await _guarded(accounts, ctx, f"completion of {params.argument.name}", work)

    return {
        "on_list_prompts": _lister(types.ListPromptsResult, "prompts", prompts.list_prompts),
        "on_get_prompt": get,
        "on_completion": complete,
    }


def _lister(result: type[Any], field: str, fetch: Callable[[], Any]) -> Any:
    async def handle(ctx: Context, params: types.PaginatedRequestParams | None) -> Any:
        return result(**{field: await fetch()})

    return handle


async def _follow(resources: ResourceSource, accounts: Accounts, ctx: Context, uri: str) -> types.EmptyResult:
    async def work() -> types.EmptyResult:
        await resources.follow(uri)
        return types.EmptyResult()

    return await _guarded(accounts, ctx, f"resource {uri}", work)


async def _guarded(accounts: Accounts, ctx: Context, what: str, work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Return what is not a tool's (a resource, a prompt); what goes wrong is a protocol error in a tool's words."""
    try:
        with accounts.answering(ctx):
            result = await work()
    except SingSynthError as error:
        raise MCPError(types.INVALID_PARAMS, str(error), error.as_dict()) from None
    except MCPError:
        raise
    except Exception as error:
        logger.exception("%s failed", what)
        hidden = InternalError.of(what, error)
        raise MCPError(types.INTERNAL_ERROR, str(hidden), hidden.as_dict()) from None
    if len(result.model_dump_json(by_alias=True, exclude_none=True)) > RESULT_LIMIT_BYTES:
        large = ResultTooLarge(f"{what} has more than {RESULT_LIMIT_BYTES:,} bytes")
        raise MCPError(types.INVALID_PARAMS, str(large), large.as_dict())
    return result


async def _accept_log_level(ctx: Context, params: types.SetLevelRequestParams) -> types.EmptyResult:
    """Accept a log level: protocol logging is deprecated, ours goes to stderr; proxied messages pass as they come."""
    return types.EmptyResult()


def _shared(lifespan: Lifespan | None) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return the SDK's lifespan: entered by the first connection, left by the last (SSE enters it for each)."""
    open_connections = 0
    running: AbstractAsyncContextManager[None] | None = None

    @asynccontextmanager
    async def shared(_: Any) -> AsyncIterator[None]:
        nonlocal open_connections, running
        open_connections += 1
        if open_connections == 1 and lifespan is not None:
            running = lifespan()
            await running.__aenter__()
        try:
            yield
        finally:
            open_connections -= 1
            if open_connections == 0 and running is not None:
                await running.__aexit__(None, None, None)
                running = None

    return shared
