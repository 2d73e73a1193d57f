"""`singsynth-mcp voicebanks list|info`: the voices that can sing here."""

from __future__ import annotations

import json as json_format
from typing import Annotated, Any

import anyio
from cyclopts import Parameter

from singsynth_mcp.cli.printing import print_table
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.settings import Settings

Json = Annotated[bool, Parameter(negative=(), help="Print the tool's result as JSON.")]


def list_voicebanks(*, json: Json = False) -> None:
    """List the voices that can sing here, and those that cannot with the reason."""
    result = anyio.run(_call, "list_voicebanks", {})
    if json:
        print(json_format.dumps(result, indent=2, ensure_ascii=False))
    else:
        _print_list(result)


def info(voicebank: str | None = None, /, *, json: Json = False) -> None:
    """Say everything about one voice, the default one when left out: languages, range, controls, licence, credits."""
    result = anyio.run(_call, "get_voicebank_info", {"voicebank": voicebank} if voicebank else {})
    if json:
        print(json_format.dumps(result, indent=2, ensure_ascii=False))
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
