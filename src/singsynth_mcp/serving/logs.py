"""Logs: one JSON line each, on stderr (stdout belongs to the protocol), without tokens and, unless asked, lyrics."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace

from singsynth_mcp.artifacts.tenants import LOCAL, TENANT
from singsynth_mcp.serving.access.callers import CALLER, HOST

_TOKENS = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+|\bssk_[\w-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*", re.IGNORECASE)
_HIDDEN = "[hidden]"
_INPUTS = re.compile(r"input_value=.*?(?=, input_type=|\]|$)", re.DOTALL)
"""What pydantic's errors quote of what a client sent."""


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: time, level, logger, message, whose call it is, and a traceback."""

    def __init__(self, *, content: bool = False) -> None:
        """`content`: also what errors quote of scores, lyrics and arguments."""
        super().__init__()
        self._content = content

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
            **_whose(),
        }
        if record.exc_info:
            line["traceback"] = self._traceback(record.exc_info)
        return json.dumps(line, ensure_ascii=False)

    def _message(self, record: logging.LogRecord) -> str:
        message = _TOKENS.sub(_HIDDEN, record.getMessage())
        return message if self._content else _INPUTS.sub(f"input_value={_HIDDEN}", message)

    def _traceback(self, exc_info: Any) -> str:
        """Return where it happened; what the exceptions say only where content may be logged."""
        if self._content:
            return _TOKENS.sub(_HIDDEN, self.formatException(exc_info))
        return "\n".join(_places(exc_info[1]))


def log_to_stderr(level: str, *, content: bool = False) -> None:
    """Send every log record of `level` ("WARNING", …) and above to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(content=content))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    if not content:  # what other libraries say below this quotes whole messages
        for name in ("mcp", "httpx2", "httpcore2", "docket", "sse_starlette"):
            logging.getLogger(name).setLevel(max(logging.getLevelName(level.upper()), logging.INFO))


def _whose() -> dict[str, str]:
    """Return the tenant, caller and trace of what is being done, where there are any."""
    facts: dict[str, str] = {}
    if (tenant := TENANT.get()) != LOCAL:
        facts["tenant"] = tenant
    caller = CALLER.get()
    if caller is not HOST and caller.name:
        facts["caller"] = caller.name
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        facts["trace"] = f"{span.trace_id:032x}"
    return facts


def _places(error: BaseException | None) -> list[str]:
    """Return the kinds of an exception and its causes, each with the lines of code that led there."""
    lines: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = traceback.extract_tb(error.__traceback__)
        lines += [type(error).__name__, *(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)]
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                lines += _places(each)
        error = error.__cause__ or error.__context__
    return lines
