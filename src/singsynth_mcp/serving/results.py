"""Tool results as MCP carries them: small, with links instead of data, errors as results; and the caps."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mcp_types as types

from singsynth_mcp.contracts.common import LIST_LIMIT
from singsynth_mcp.errors import SingSynthError

RESULT_LIMIT_BYTES = 700_000
"""Of one result as JSON: hosts reject a tool result above 1 MB."""
STRUCTURED_LIMIT_BYTES = 4096
"""Of structuredContent as JSON: it lands in the model's context."""
_PICTURE_LIMIT_BYTES = 300_000
ARTIFACT_URI = "singsynth://artifacts/"

_ARTIFACT_ID = re.compile(r"^(upload|score|phonemes|performance|mel|audio|picture)-[0-9a-f]{12}$")
_AUDIO_TYPES = {"wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "ogg": "audio/ogg"}


class ResultTooLarge(SingSynthError):
    """A result above the cap; nothing of it was sent."""

    code = "result_too_large"


def success(structured: Mapping[str, Any], *, first_row: int = 1) -> types.CallToolResult:
    """Return a tool's structured result with its text, a link to its artifact, and its bytes where it carries any.

    `first_row` is the number of the first entry of its paged list (argument `range`).
    """
    facts = {name: value for name, value in structured.items() if value is not None}
    audio = facts.pop("base64", None)
    facts = fit_structured(facts, first_row=first_row)
    content: list[types.ContentBlock] = [types.TextContent(type="text", text=_text(facts))]
    if facts.get("state") in ("queued", "running") and "job_id" in facts:
        more = f"Not finished yet. Call get_job with job_id={facts['job_id']!r}."
        content.append(types.TextContent(type="text", text=more))
    result = facts.get("result") or facts
    made = result.get("id")
    if isinstance(made, str) and _ARTIFACT_ID.match(made):
        content.append(types.ResourceLink(type="resource_link", uri=f"{ARTIFACT_URI}{made}", name=made))
    content += _picture(result.get("picture"))
    if audio is not None:
        mime_type = _AUDIO_TYPES.get(str(facts.get("format")), "application/octet-stream")
        content.append(types.AudioContent(type="audio", data=audio, mime_type=mime_type))
    return types.CallToolResult(content=content, structured_content=facts)


def with_facts(result: types.CallToolResult, facts: Mapping[str, Any]) -> types.CallToolResult:
    """Return a result that says `facts`, in its text too; links and pictures stay."""
    structured = fit_structured(dict(facts))
    texts = [index for index, block in enumerate(result.content) if isinstance(block, types.TextContent)][:1]
    said = types.TextContent(type="text", text=_text(structured))
    content = [said if index in texts else block for index, block in enumerate(result.content)]
    return result.model_copy(update={"content": content, "structured_content": structured})


def _picture(path: Any) -> list[types.ContentBlock]:
    """Return a PNG that a tool has drawn, for the model to see, unless it is large."""
    if not isinstance(path, str):
        return []
    try:
        data = Path(path).read_bytes() if Path(path).stat().st_size <= _PICTURE_LIMIT_BYTES else b""
    except OSError:
        return []
    if not data.startswith(b"\x89PNG"):
        return []
    return [types.ImageContent(type="image", data=b64encode(data).decode(), mime_type="image/png")]


def failure(error: SingSynthError, **facts: Any) -> types.CallToolResult:
    """Return an expected error as a result: `code: message. hint`, and the same structured beside `facts`."""
    structured = fit_structured({"state": "failed", **facts, "error": error.as_dict()})
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=str(error))], structured_content=structured, is_error=True
    )


def capped(result: types.CallToolResult, tool: str) -> types.CallToolResult:
    """Return `result`, or an error in its place when it is above the cap."""
    size = len(result.model_dump_json(by_alias=True, exclude_none=True))
    if size <= RESULT_LIMIT_BYTES:
        return result
    message = f"the result of {tool} has {size:,} bytes; {RESULT_LIMIT_BYTES:,} are the most that a host takes"
    return failure(ResultTooLarge(message, hint="Ask for less of it, or for a file (output=…) instead of its bytes."))


def fit_structured(facts: dict[str, Any], *, first_row: int = 1) -> dict[str, Any]:
    """Return `facts` under STRUCTURED_LIMIT_BYTES: the largest list is cut until it fits, its `next` corrected."""
    facts = json.loads(json.dumps(facts, ensure_ascii=False))
    while (size := len(_text(facts).encode())) > STRUCTURED_LIMIT_BYTES:
        owner, name = max(_lists_and_strings(facts), key=lambda place: len(_text(place[0][place[1]])))
        value = owner[name]
        share = 2 if size > 2 * STRUCTURED_LIMIT_BYTES else 8
        kept = max(len(value) - max(len(value) // share, 1), 0)
        owner[name] = value[:kept]
        if isinstance(value, list) and ("total" in owner or "next" in owner):
            owner["next"] = f"{first_row + kept}-{first_row + kept + LIST_LIMIT - 1}"
    return facts


def _lists_and_strings(value: Any) -> list[tuple[Any, Any]]:
    """Return (owner, name) of every list and string in `value`, whole lists only."""
    if not isinstance(value, dict):
        return []
    places: list[tuple[Any, Any]] = []
    for name, item in value.items():
        if isinstance(item, dict):
            places += _lists_and_strings(item)
        elif isinstance(item, list | str) and item:
            places.append((value, name))
    return places


def _text(facts: Any) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(", ", ": "))
