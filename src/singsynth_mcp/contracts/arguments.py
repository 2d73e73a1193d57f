"""From a tool's name and raw arguments to its function and typed request: shared by every caller of tools."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ValidationError

from singsynth_mcp.contracts.common import Request, Result
from singsynth_mcp.contracts.tools import ToolSpec
from singsynth_mcp.errors import InvalidRequest

ToolFunction = Callable[[Any, Any], Awaitable[Result]]
"""`(request, services) → result`."""


def read_arguments(spec: ToolSpec, arguments: Mapping[str, Any]) -> Request:
    """Check raw arguments against a tool's request model.

    Raises InvalidRequest: every wrong argument with what was expected; the hint lists what the tool accepts.
    """
    try:
        return spec.request.model_validate(arguments)
    except ValidationError as error:
        problems = [f"{_place(item['loc'])}: {_problem(item)}" for item in error.errors(include_url=False)]
        accepted = ", ".join(spec.request.model_fields)
        raise InvalidRequest(
            f"{spec.name} cannot take these arguments: " + "; ".join(problems[:5]),
            hint=f"It accepts: {accepted}." if accepted else "It takes no arguments.",
        ) from error


def load_tool(target: str) -> ToolFunction:
    """Import a tool's function from "package.module:function"."""
    module, _, name = target.partition(":")
    function: ToolFunction = getattr(importlib.import_module(module), name)
    return function


def _place(location: tuple[int | str, ...]) -> str:
    """Return "operations.0.note"; which alternative of a type was tried ("float", "list[MixTrack]") is left out."""
    steps = [str(step) for step in location]
    return ".".join(step for step in steps if step not in ("str", "float") and "[" not in step) or "arguments"


def _problem(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return "no such argument"
    if item["type"] == "missing":
        return "is required"
    given = repr(item["input"])
    return f"{item['msg'][0].lower()}{item['msg'][1:]} (given: {given[:60]}{'…' if len(given) > 60 else ''})"
