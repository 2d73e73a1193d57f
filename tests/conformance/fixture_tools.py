"""The suite's test_* tools that answer at once, for our factory."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import mcp_types as types
from mcp.server.connection import allowed_log_levels

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.serving.notices import Notices

Answer = types.CallToolResult | types.InputRequiredResult
Handler = Callable[[Any, types.CallToolRequestParams], Awaitable[Answer]]
NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}


def png() -> str:
    """Return a red pixel as PNG in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"\0\xff\0\0")), (b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)).decode()


def wav() -> str:
    """Return one silent sample as WAV in base64."""
    form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 2) + b"\0\0"
    return base64.b64encode(b"RIFF" + struct.pack("<I", len(body)) + body).decode()


def text(words: str) -> types.TextContent:
    return types.TextContent(type="text", text=words)


def image() -> types.ImageContent:
    return types.ImageContent(type="image", data=png(), mime_type="image/png")


def embedded(uri: str, mime_type: str, words: str) -> types.EmbeddedResource:
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    return types.EmbeddedResource(type="resource", resource=contents)


def said(*content: types.ContentBlock) -> types.CallToolResult:
    return types.CallToolResult(content=list(content))


def always(*content: types.ContentBlock) -> Handler:
    """Return a tool that always answers the same."""

    async def handle(ctx: Any, params: types.CallToolRequestParams) -> Answer:
        return said(*content)

    return handle


async def logs(ctx: Any, params: types.CallToolRequestParams) -> Answer:
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        if "info" in allowed_log_levels(ctx.protocol_version, ctx.meta):
            facts = types.LoggingMessageNotificationParams(level="info", data=message)
            notice = types.LoggingMessageNotification(params=facts)
            await ctx.session.send_notification(notice, related_request_id=ctx.request_id)
    return said(text("Tool with logging executed successfully"))


async def progresses(ctx: Any, params: types.CallToolRequestParams) -> Answer:
    for step in (0, 50, 100):
        await ctx.session.report_progress(step, 100, f"Completed step {step} of 100")
    return said(text("done"))


async def fails(ctx: Any, params: types.CallToolRequestParams) -> Answer:
    raise InvalidRequest("This tool intentionally returns an error for testing")


async def reconnects(ctx: Any, params: types.CallToolRequestParams) -> Answer:
    if ctx.close_sse_stream is not None:
        await ctx.close_sse_stream()
    return said(text("Reconnection test completed"))


def triggers(notices: Notices) -> Mapping[str, Handler]:
    """Return the tools that make a list change."""

    async def tools(ctx: Any, params: types.CallToolRequestParams) -> Answer:
        await notices.tools_changed()
        return said(text("told"))

    async def prompts(ctx: Any, params: types.CallToolRequestParams) -> Answer:
        await notices.prompts_changed()
        return said(text("told"))

    return {"test_trigger_tool_change": tools, "test_trigger_prompt_change": prompts}


HANDLERS: Mapping[str, Handler] = {
    "test_simple_text": always(text("This is a simple text response for testing.")),
    "test_image_content": always(image()),
    "test_audio_content": always(types.AudioContent(type="audio", data=wav(), mime_type="audio/wav")),
    "test_embedded_resource": always(
        embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ),
    "test_multiple_content_types": always(
        text("Multiple content types test:"),
        image(),
        embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
    "test_tool_with_logging": logs,
    "test_logging_tool": logs,
    "test_tool_with_progress": progresses,
    "test_error_handling": fails,
    "test_reconnection": reconnects,
    "test_custom_headers": always(text("The headers are right.")),
    "json_schema_2020_12_tool": always(text("The schema was kept.")),
}
SCHEMAS: Mapping[str, dict[str, Any]] = {
    "test_custom_headers": {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "priority": {"type": "integer", "x-mcp-header": "Priority"},
        },
        "required": ["region"],
    },
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}
