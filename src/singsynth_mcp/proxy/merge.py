"""Many servers' lists into one: who answers what, and what to do with equal names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import mcp_types as types
from pydantic import BaseModel

OURS = "singsynth/server"
"""In the `_meta` of every tool of this package's servers."""
ABSORBED = ("get_job", "cancel_job", "list_jobs")


class Listing(BaseModel):
    """What one upstream offers; the form in which it is kept on disk."""

    tools: list[types.Tool] = []
    resources: list[types.Resource] = []
    templates: list[types.ResourceTemplate] = []
    prompts: list[types.Prompt] = []
    completes: bool = False


@dataclass(frozen=True)
class Route:
    """Where a merged name leads."""

    upstream: str
    name: str
    """The name there."""
    repeatable: bool = field(default=True, compare=False)
    """Whether a call that was interrupted may be made again."""


@dataclass
class Catalogue:
    """The merged lists and their routes."""

    tools: list[types.Tool] = field(default_factory=list)
    resources: list[types.Resource] = field(default_factory=list)
    templates: list[types.ResourceTemplate] = field(default_factory=list)
    prompts: list[types.Prompt] = field(default_factory=list)
    tool_routes: dict[str, Route] = field(default_factory=dict)
    resource_routes: dict[str, str] = field(default_factory=dict)
    """URI → upstream."""
    template_routes: dict[str, list[str]] = field(default_factory=dict)
    """URI template → the upstreams that have it, in order."""
    prompt_routes: dict[str, Route] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    """Name of a tool of this package → the upstream that has it, for the recipes."""
    conflicts: list[str] = field(default_factory=list)
    """A sentence for each name that more than one server uses."""


def merge(listings: Mapping[str, Listing], reserved: frozenset[str] = frozenset()) -> Catalogue:
    """Merge what upstreams offer; `reserved` are the proxy's own tool names.

    A name that only one has stays as it is. Of equal names, a tool of this package keeps its own when no other tool
    of this package has it; all others get `<upstream>_<name>`. URIs are never rewritten: the first to list one has it.
    """
    catalogue = Catalogue()
    _merge_tools(catalogue, listings, reserved)
    _merge_prompts(catalogue, listings)
    for upstream, listing in listings.items():
        for resource in listing.resources:
            uri = str(resource.uri)
            first = catalogue.resource_routes.setdefault(uri, upstream)
            if first == upstream:
                catalogue.resources.append(resource)
            else:
                catalogue.conflicts.append(f"resource {uri} is in {first} and {upstream}; {first} answers it")
        for template in listing.templates:
            owners = catalogue.template_routes.setdefault(template.uri_template, [])
            if not owners:
                catalogue.templates.append(template)
            owners.append(upstream)
    return catalogue


def is_ours(tool: types.Tool) -> bool:
    """Return whether a tool is one of this package's."""
    return OURS in (tool.meta or {})


def _is_repeatable(tool: types.Tool) -> bool:
    hints = tool.annotations
    return hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)


def _merge_tools(catalogue: Catalogue, listings: Mapping[str, Listing], reserved: frozenset[str]) -> None:
    offers: dict[str, list[tuple[str, types.Tool]]] = {}
    for upstream, listing in listings.items():
        for tool in listing.tools:
            if not (is_ours(tool) and tool.name in ABSORBED):
                offers.setdefault(tool.name, []).append((upstream, tool))
    for name, offered in offers.items():
        ours = [upstream for upstream, tool in offered if is_ours(tool)]
        if ours:
            catalogue.stages[name] = ours[0]
        alone = len(offered) == 1 and name not in reserved
        keeper = ours[0] if len(ours) == 1 and name not in reserved else None
        for upstream, tool in offered:
            merged = (
                name
                if alone or upstream == keeper
                else _free_name(upstream, name, {*offers, *reserved, *catalogue.tool_routes})
            )
            catalogue.tool_routes[merged] = Route(upstream, name, _is_repeatable(tool))
            catalogue.tools.append(tool if merged == name else tool.model_copy(update={"name": merged}))
        if not alone:
            catalogue.conflicts.append(_conflict("tool", name, [upstream for upstream, _ in offered], reserved))


def _merge_prompts(catalogue: Catalogue, listings: Mapping[str, Listing]) -> None:
    offers: dict[str, list[tuple[str, types.Prompt]]] = {}
    for upstream, listing in listings.items():
        for prompt in listing.prompts:
            offers.setdefault(prompt.name, []).append((upstream, prompt))
    for name, offered in offers.items():
        for upstream, prompt in offered:
            merged = name if len(offered) == 1 else _free_name(upstream, name, {*offers, *catalogue.prompt_routes})
            catalogue.prompt_routes[merged] = Route(upstream, name)
            catalogue.prompts.append(prompt if merged == name else prompt.model_copy(update={"name": merged}))
        if len(offered) > 1:
            catalogue.conflicts.append(_conflict("prompt", name, [upstream for upstream, _ in offered], frozenset()))


def _free_name(upstream: str, name: str, taken: set[str]) -> str:
    """Return `<upstream>_<name>`, with underscores added where somebody already uses that."""
    merged = f"{upstream}_{name}"
    while merged in taken:
        merged = f"{upstream}_{merged}"
    return merged


def _conflict(what: str, name: str, upstreams: list[str], reserved: frozenset[str]) -> str:
    owners = [*(["the proxy"] if name in reserved else []), *upstreams]
    return f"{what} {name} is in {', '.join(owners)}; listed as <server>_{name} where it is not this package's own"
