"""Contracts as MCP sees them: tool definitions and structured results."""

from __future__ import annotations

from typing import Any

import mcp_types as types

from singsynth_mcp.contracts.common import Result
from singsynth_mcp.contracts.tools import ToolSpec


def define(spec: ToolSpec) -> types.Tool:
    """Return a contract as an MCP tool."""
    annotations = types.ToolAnnotations(
        title=spec.title,
        read_only_hint=spec.read_only,
        destructive_hint=False,
        idempotent_hint=True,
        open_world_hint=False,
    )
    return types.Tool(
        name=spec.name,
        title=spec.title,
        description=spec.description,
        input_schema=compact(spec.request.model_json_schema()),
        output_schema=compact(spec.result.model_json_schema(mode="serialization")),
        annotations=annotations,
        _meta={"singsynth/server": spec.server},
    )


def dump(result: Result) -> dict[str, Any]:
    """Return a result as JSON values without what is not known."""
    return result.model_dump(mode="json", exclude_none=True)


def compact(schema: Any) -> Any:
    """Return a JSON schema without what costs a model's context and tells it nothing.

    Generated titles go, and `null` beside a type where null is the default: leaving the argument out says the same.
    """
    if isinstance(schema, list):
        return [compact(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: {name: compact(each) for name, each in value.items()} if key in ("properties", "$defs") else compact(value)
        for key, value in schema.items()
        if key != "title"
    }
    if {"type": "null"} in kept.get("anyOf", ()) and kept.get("default", ...) is None:
        del kept["default"]
        choices = [choice for choice in kept.pop("anyOf") if choice != {"type": "null"}]
        kept = (choices[0] if len(choices) == 1 else {"anyOf": choices}) | kept
    return kept
