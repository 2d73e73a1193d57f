"""The proxy's lists and calls: its own tools first, then the upstreams'."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import mcp_types as types
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError

from singsynth_mcp.artifacts.base import ArtifactStore
from singsynth_mcp.errors import ArtifactError, SingSynthError, UnknownName
from singsynth_mcp.proxy.exchange import Exchange
from singsynth_mcp.proxy.merge import ABSORBED, Catalogue, Route
from singsynth_mcp.proxy.relay import FrontCall
from singsynth_mcp.proxy.upstreams import AnyUpstream, Upstreams
from singsynth_mcp.serving.access.metering import METER, USAGE_META_KEY
from singsynth_mcp.serving.resources import read_artifact
from singsynth_mcp.serving.results import ARTIFACT_URI, with_facts
from singsynth_mcp.serving.sources import Context, ServedTool, unknown_tool

_Answer = TypeVar("_Answer")
_Params = TypeVar("_Params", types.CallToolRequestParams, types.GetPromptRequestParams, types.ReadResourceRequestParams)
_Result = TypeVar("_Result", bound=types.Result)
_MOST_ROUNDS = 10
"""Of questions that an upstream may ask in one call."""


class MergedTools:
    """A ToolSource: the proxy's own tools and those of the upstreams."""

    def __init__(self, own: Sequence[ServedTool], upstreams: Upstreams, exchange: Exchange) -> None:
        self._own = {tool.name: tool for tool in own}
        self._upstreams = upstreams
        self._exchange = exchange

    async def list_tools(self) -> list[types.Tool]:
        """Return the merged list."""
        catalogue = await self._upstreams.catalogue()
        return [*(tool.definition for tool in self._own.values()), *catalogue.tools]

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """Return a tool's schema by the lists that are known now."""
        if name in self._own:
            return self._own[name].definition.input_schema
        return next((tool.input_schema for tool in self._upstreams.merged().tools if tool.name == name), None)

    async def call_tool(
        self, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call a tool where it is. Raises SingSynthError, MCPError."""
        if params.name in self._own:
            return await self._own[params.name].call(ctx, params)
        catalogue = await self._upstreams.catalogue()
        if params.name not in catalogue.tool_routes:
            catalogue = await self._upstreams.catalogue(fresh=True)
            if params.name not in catalogue.tool_routes:
                raise unknown_tool(params.name, sorted([*self._own, *catalogue.tool_routes]))
        route = catalogue.tool_routes[params.name]
        if not self._exchange.is_ours(catalogue, route):
            return await forward_call(self._upstreams[route.upstream], route, ctx, params)
        return await self._call_own(route, ctx, params)

    async def _call_own(
        self, route: Route, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call a tool of this package, with what has to be moved for it."""
        given = params.arguments or {}

        async def ask(arguments: dict[str, Any]) -> types.CallToolResult | types.InputRequiredResult:
            return await forward_call(
                self._upstreams[route.upstream], route, ctx, params.model_copy(update={"arguments": arguments or None})
            )

        answer: types.CallToolResult | types.InputRequiredResult
        answer = await self._exchange.call(route.upstream, route.name, given, ask, error_in)
        if not isinstance(answer, types.CallToolResult) or answer.is_error or not answer.structured_content:
            return answer
        told = answer.structured_content
        facts = await self._exchange.result(route.upstream, route.name, told, given.get("output"))
        return answer if facts == told else with_facts(answer, facts)


def error_in(answer: Any) -> Mapping[str, Any] | None:
    """Return the error that a tool of this package answered, None where it did not."""
    if not isinstance(answer, types.CallToolResult) or not answer.is_error:
        return None
    error = (answer.structured_content or {}).get("error")
    return error if isinstance(error, dict) else None


async def forward_call(
    upstream: AnyUpstream, route: Route, ctx: Context, params: types.CallToolRequestParams
) -> types.CallToolResult | types.InputRequiredResult:
    """Pass a tool call to an upstream and its answer back. Raises UpstreamUnavailable, UpstreamDied, MCPError."""
    front = FrontCall(ctx)

    def question(
        params: types.CallToolRequestParams,
    ) -> Callable[[ClientSession], Awaitable[types.CallToolResult | types.InputRequiredResult]]:
        return lambda session: session.call_tool(
            route.name,
            params.arguments,
            progress_callback=front.progress,
            meta=front.meta,
            input_responses=params.input_responses,
            request_state=params.request_state,
            allow_input_required=True,
        )

    job_id = str((params.arguments or {}).get("job_id", "")) if route.name in ABSORBED else ""
    answer = await _ask_in_rounds(upstream, front, question, params, repeatable=route.repeatable, job_id=job_id)
    METER.get().take_over(answer.meta)
    return _clean(answer)


class MergedResources:
    """A ResourceSource: artifacts from the proxy's own store, then what the upstreams have."""

    def __init__(self, store: ArtifactStore, upstreams: Upstreams) -> None:
        self._store = store
        self._upstreams = upstreams

    async def list_resources(self) -> list[types.Resource]:
        """Return the merged list."""
        return (await self._upstreams.catalogue()).resources

    async def list_templates(self) -> list[types.ResourceTemplate]:
        """Return the merged templates; equal ones once."""
        return (await self._upstreams.catalogue()).templates

    async def read(
        self, ctx: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult | types.InputRequiredResult:
        """Read from the first that has it. Raises UnknownName, ArtifactError, MCPError."""
        uri = str(params.uri)
        problem: Exception = UnknownName(f"there is no resource {uri}", hint="resources/list shows those there are.")
        if uri.startswith(ARTIFACT_URI):
            try:
                return await read_artifact(self._store, uri)
            except ArtifactError as error:
                problem = error
        front = FrontCall(ctx)
        for name in owners_of(await self._upstreams.catalogue(), uri):
            try:
                result = await _ask_in_rounds(self._upstreams[name], front, self._question(uri, front), params)
            except (MCPError, SingSynthError) as error:
                problem = error
            else:
                return _clean(result)
        raise problem

    async def follow(self, uri: str) -> None:
        """Follow a resource where it is."""
        for name in owners_of(await self._upstreams.catalogue(), uri)[:1]:
            await self._upstreams[name].follow(uri)

    def _question(
        self, uri: str, front: FrontCall
    ) -> Callable[
        [types.ReadResourceRequestParams],
        Callable[[ClientSession], Awaitable[types.ReadResourceResult | types.InputRequiredResult]],
    ]:
        return lambda params: (
            lambda session: session.read_resource(
                uri,
                meta=front.meta,
                input_responses=params.input_responses,
                request_state=params.request_state,
                allow_input_required=True,
            )
        )


class MergedPrompts:
    """A PromptSource over the upstreams."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    async def list_prompts(self) -> list[types.Prompt]:
        """Return the merged list."""
        return (await self._upstreams.catalogue()).prompts

    async def get_prompt(
        self, ctx: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        """Fill a prompt where it is. Raises UnknownName, UpstreamUnavailable, UpstreamDied, MCPError."""
        route = await self._route(params.name)
        front = FrontCall(ctx)

        def question(
            params: types.GetPromptRequestParams,
        ) -> Callable[[ClientSession], Awaitable[types.GetPromptResult | types.InputRequiredResult]]:
            return lambda session: session.get_prompt(
                route.name,
                params.arguments,
                meta=front.meta,
                input_responses=params.input_responses,
                request_state=params.request_state,
                allow_input_required=True,
            )

        return _clean(await _ask_in_rounds(self._upstreams[route.upstream], front, question, params))

    async def complete(self, ctx: Context, params: types.CompleteRequestParams) -> types.Completion:
        """Complete an argument where its prompt or template is. Raises UnknownName, MCPError."""
        ref = params.ref
        if isinstance(ref, types.PromptReference):
            route = await self._route(ref.name)
            upstream, ref = route.upstream, ref.model_copy(update={"name": route.name})
        else:
            owners = (await self._upstreams.catalogue()).template_routes.get(ref.uri)
            if not owners:
                hint = "resources/templates/list shows those there are."
                raise UnknownName(f"there is no resource template {ref.uri}", hint=hint)
            upstream = owners[0]
        context = params.context.arguments if params.context else None
        argument = {"name": params.argument.name, "value": params.argument.value}
        result = await self._upstreams[upstream].request(
            lambda session: session.complete(ref, argument, context_arguments=context), FrontCall(ctx)
        )
        return result.completion

    async def _route(self, name: str) -> Route:
        routes = (await self._upstreams.catalogue()).prompt_routes
        if name not in routes:
            raise UnknownName(f"there is no prompt {name!r}", hint=f"Prompts: {', '.join(sorted(routes)) or 'none'}.")
        return routes[name]


def owners_of(catalogue: Catalogue, uri: str) -> list[str]:
    """Return the upstreams to ask for a resource, the likeliest first."""
    listed = catalogue.resource_routes.get(uri)
    if listed is not None:
        return [listed]
    owners: dict[str, None] = {}
    for template, upstreams in catalogue.template_routes.items():
        if uri.startswith(template.partition("{")[0]):
            owners |= dict.fromkeys(upstreams)
    return list(owners)


async def _ask_in_rounds(
    upstream: AnyUpstream,
    front: FrontCall,
    question: Callable[[_Params], Callable[[ClientSession], Awaitable[_Answer]]],
    params: _Params,
    *,
    repeatable: bool = True,
    job_id: str = "",
) -> _Answer:
    """Ask an upstream; where it needs input and the host is of the older era, ask the host and the upstream again."""
    answer = await upstream.request(question(params), front, repeatable=repeatable, job_id=job_id)
    for _ in range(_MOST_ROUNDS):
        if front.modern or not isinstance(answer, types.InputRequiredResult):
            return answer
        responses = await front.answer_inputs(answer)
        params = params.model_copy(update={"input_responses": responses, "request_state": answer.request_state})
        answer = await upstream.request(question(params), front, repeatable=repeatable, job_id=job_id)
    raise MCPError(types.INTERNAL_ERROR, f"the upstream server {upstream.name!r} asks without end")


def _clean(result: _Result) -> _Result:
    """Return a result without the upstream's name for itself and what it tells the proxy alone."""
    meta: Mapping[str, Any] = result.meta or {}
    own = (types.SERVER_INFO_META_KEY, USAGE_META_KEY)
    kept = {key: value for key, value in meta.items() if key not in own}
    return result.model_copy(update={"meta": kept or None})
