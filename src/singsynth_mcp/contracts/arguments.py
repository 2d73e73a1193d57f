"""From a tool's name and raw arguments to its function and typed request: shared by every caller of tools."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from singsynth_mcp.contracts.common import Request, Result
from singsynth_mcp.contracts.tools import ToolSpec
from singsynth_mcp.errors import InvalidRequest

ToolFunction = Callable[[Any, Any], Awaitable[Result]]
"""`(request, services) → result`."""
Location = tuple[int | str, ...]


def read_arguments(spec: ToolSpec, arguments: Mapping[str, Any]) -> Request:
    """Check raw arguments against a tool's request model.

    Raises InvalidRequest: every wrong argument with what was expected; the hint lists what the tool accepts, or those
    of its operations that are wrong.
    """
    try:
        return spec.request.model_validate(arguments)
    except ValidationError as error:
        found = error.errors(include_url=False)[:5]
        problems = "; ".join(f"{_place(item['loc'])}: {_problem(item)}" for item in found)
        hint = _accepted(spec, [item["loc"] for item in found])
        raise InvalidRequest(f"{spec.name} cannot take these arguments: {problems}", hint=hint) from error


def load_tool(target: str) -> ToolFunction:
    """Import a tool's function from "package.module:function"."""
    module, _, name = target.partition(":")
    function: ToolFunction = getattr(importlib.import_module(module), name)
    return function


def _accepted(spec: ToolSpec, locations: Sequence[Location]) -> str:
    """Return what a tool accepts, or what the entries of its lists do where those are wrong."""
    entries: dict[str, list[str]] = {}
    for location in locations:
        match _steps(location):
            case (str(name), int(), str(step), *_):
                entries |= _entry(name, step, list(_models_in(spec.request.model_fields[name].annotation)))
    if entries:
        return " ".join(f"{entry} accepts: {', '.join(fields)}." for entry, fields in entries.items())
    accepted = ", ".join(spec.request.model_fields)
    return f"It accepts: {accepted}." if accepted else "It takes no arguments."


def _entry(name: str, step: str, models: Sequence[type[BaseModel]]) -> dict[str, list[str]]:
    """Return what to call an entry of a list, and its fields: of the list's one model, or of that which `step` tags."""
    if len(models) == 1:
        return {f"Each of {name}": list(models[0].model_fields)}
    for model in models:
        fields = model.model_fields
        tag = next((field for field, info in fields.items() if get_args(info.annotation) == (step,)), None)
        if tag is not None:
            return {step: [field for field in fields if field != tag]}
    return {}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _place(location: Location) -> str:
    return ".".join(map(str, _steps(location))) or "arguments"


def _steps(location: Location) -> list[int | str]:
    """Return a place without which alternative of a type was tried ("float", "list[MixTrack]")."""
    return [step for step in location if step not in ("str", "float") and "[" not in str(step)]


def _problem(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return "no such argument"
    if item["type"] == "missing":
        return "is required"
    given = repr(item["input"])
    return f"{item['msg'][0].lower()}{item['msg'][1:]} (given: {given[:60]}{'…' if len(given) > 60 else ''})"
