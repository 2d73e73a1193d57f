"""A call to one of our own tools on an upstream, with all that has to be moved for it: inputs, files, results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import ToolFailed
from singsynth_mcp.proxy.files import RemoteFiles
from singsynth_mcp.proxy.merge import Catalogue, Route
from singsynth_mcp.proxy.transfers import MOST_ROUNDS, Transfers
from singsynth_mcp.proxy.upstreams import Upstreams

_Answer = TypeVar("_Answer")


class Exchange:
    """Moves what upstreams elsewhere need, and what they made."""

    def __init__(self, upstreams: Upstreams, transfers: Transfers, files: RemoteFiles) -> None:
        self._upstreams = upstreams
        self._transfers = transfers
        self._files = files

    @staticmethod
    def is_ours(catalogue: Catalogue, route: Route) -> bool:
        """Return whether a route leads to a tool of this package."""
        return route.name in TOOLS and catalogue.stages.get(route.name) == route.upstream

    async def call(
        self,
        upstream: str,
        tool: str,
        arguments: Mapping[str, Any],
        ask: Callable[[dict[str, Any]], Awaitable[_Answer]],
        error_of: Callable[[_Answer], Mapping[str, Any] | None],
    ) -> _Answer:
        """Return the answer of `ask(arguments)`, asked again where what it lacked could be copied.

        Raises ToolFailed where `ask` does, PathNotAllowed, FileProblem, StorageProblem, UpstreamUnavailable.
        """
        if self._is_elsewhere(upstream):
            arguments = await self._files.outgoing(tool, arguments)
        for _ in range(MOST_ROUNDS):
            try:
                answer = await ask(dict(arguments))
            except ToolFailed as failure:
                if not await self._transfers.supply(upstream, tool, failure.as_dict(), arguments):
                    raise
                continue
            error = error_of(answer)
            if error is None or not await self._transfers.supply(upstream, tool, error, arguments):
                return answer
        return await ask(dict(arguments))

    async def supply(self, upstream: str, error: Mapping[str, Any]) -> bool:
        """Copy what a job of `upstream` lacked; return whether anything was, so that its tool may be called again."""
        return await self._transfers.supply(upstream, "", error, {})

    async def result(
        self, upstream: str, tool: str | None, facts: Mapping[str, Any], output: Any = None
    ) -> dict[str, Any]:
        """Return a result (of a call, or of a job that one became) with its file on this machine."""
        if self._is_elsewhere(upstream):
            wanted = output if isinstance(output, str) else None
            facts = await self._files.incoming(tool, facts, self._transfers.shelf(upstream), wanted)
        return await self._files.offered(facts)

    def _is_elsewhere(self, upstream: str) -> bool:
        return bool(self._upstreams[upstream].urls)
