"""What passes through beside results: request metadata, progress, log messages, questions to the client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import mcp_types as types
from mcp.server.connection import allowed_log_levels
from mcp.shared.dispatcher import ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from singsynth_mcp.artifacts.tenants import TENANT
from singsynth_mcp.serving.access.callers import OWN_META_PREFIX
from singsynth_mcp.serving.sources import Context
from singsynth_mcp.serving.tasks import EXTENSION

_PROGRESS_TOKENS = ("progressToken", "progress_token")
_ANSWERS: dict[str, type[Any]] = {
    "sampling/createMessage": types.CreateMessageResult,
    "elicitation/create": types.ElicitResult,
    "roots/list": types.ListRootsResult,
}


@dataclass(eq=False)
class FrontCall:
    """A host's request while an upstream works on it."""

    ctx: Context
    tenant: str = field(default_factory=TENANT.get)
    levels: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.levels = frozenset(allowed_log_levels(self.ctx.protocol_version, self._meta))

    @property
    def _meta(self) -> Mapping[str, Any]:
        return dict(self.ctx.meta or {})

    @property
    def modern(self) -> bool:
        """Whether the host speaks the era without server-to-client requests."""
        return self.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS

    @property
    def capabilities(self) -> dict[str, Any]:
        """What the host has declared, as on the wire, but for tasks, which the proxy makes of its upstreams' jobs."""
        declared = self.ctx.session.client_capabilities or types.ClientCapabilities()
        told = declared.model_dump(mode="json", by_alias=True, exclude_none=True)
        if EXTENSION in told.get("extensions", ()):
            del told["extensions"][EXTENSION]
        return told

    @property
    def progress(self) -> ProgressFnT | None:
        """Where progress goes; None when the host did not ask (then an upstream need not stream)."""
        if not any(token in self._meta for token in _PROGRESS_TOKENS):
            return None

        async def report(progress: float, total: float | None, message: str | None) -> None:
            await self.ctx.session.report_progress(progress, total, message)

        return report

    @property
    def meta(self) -> Any:
        """The metadata for the upstream: the host's, less what belongs to its own connection."""
        kept = {
            key: value
            for key, value in self._meta.items()
            if key not in _PROGRESS_TOKENS and not key.startswith(("io.modelcontextprotocol/", OWN_META_PREFIX))
        }
        kept[types.LOG_LEVEL_META_KEY] = self._meta.get(types.LOG_LEVEL_META_KEY, "debug")
        if not self.levels:
            del kept[types.LOG_LEVEL_META_KEY]
        return kept or None

    async def log(self, params: types.LoggingMessageNotificationParams) -> None:
        """Pass a log message on where this request wants its level."""
        if params.level in self.levels:
            notice = types.LoggingMessageNotification(params=params)
            await self.ctx.session.send_notification(notice, related_request_id=self.ctx.request_id)

    async def ask(self, request: Any) -> Any:
        """Ask the host (sampling, elicitation, roots) and return its answer. Raises MCPError where it cannot."""
        if self.modern:
            raise MCPError(types.INVALID_REQUEST, f"this host cannot be asked {request.method} by an older server")
        from mcp.shared.message import ServerMessageMetadata

        metadata = ServerMessageMetadata(related_request_id=self.ctx.request_id)
        return await self.ctx.session.send_request(request, _ANSWERS[request.method], metadata=metadata)

    async def answer_inputs(self, required: types.InputRequiredResult) -> dict[str, Any]:
        """Ask an older host everything that a newer upstream needs to know; return the responses by key."""
        return {key: await self.ask(request) for key, request in (required.input_requests or {}).items()}
