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
        input_schema=spec.request.model_json_schema(),
        output_schema=spec.result.model_json_schema(mode="serialization"),
        annotations=annotations,
        _meta={"singsynth/server": spec.server},
    )


def dump(result: Result) -> dict[str, Any]:
    """Return a result as JSON values without what is not known."""
    return result.model_dump(mode="json", exclude_none=True)
