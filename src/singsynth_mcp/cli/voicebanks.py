"""`singsynth-mcp voicebanks [ID]`: the voices that can sing here."""

from __future__ import annotations

import json as json_format
from typing import Annotated, Any

import anyio
from cyclopts import Parameter

from singsynth_mcp.cli.printing import print_table
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.settings import Settings


def voicebanks(
    voicebank: str | None = None,
    /,
    *,
    json: Annotated[bool, Parameter(negative=(), help="Print the tool's result as JSON.")] = False,
) -> None:
    """List the voices that can sing here, or everything about one."""
    if voicebank is None:
        result = anyio.run(_call, "list_voicebanks", {})
    else:
        result = anyio.run(_call, "get_voicebank_info", {"voicebank": voicebank})
    if json:
        print(json_format.dumps(result, indent=2, ensure_ascii=False))
    elif voicebank is None:
        _print_list(result)
    else:
        print_table(("", ""), [(name, _text(value)) for name, value in result.items() if value not in (None, [])])


def _print_list(result: dict[str, Any]) -> None:
    rows = [
        (
            f"{row['id']}{' (default)' if row.get('default') else ''}",
            row["name"],
            ", ".join(row["languages"]),
            ", ".join(row["speakers"]),
            row.get("error") or "",
        )
        for row in result["voicebanks"]
    ]
    print_table(("id", "name", "languages", "speakers", ""), rows)


def _text(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


async def _call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return await LocalCaller(Settings()).call(name, arguments)
