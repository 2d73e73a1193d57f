"""All upstreams together: started side by side, their lists merged, the last-known ones served meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError

from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.connect import Dial, connect
from singsynth_mcp.proxy.known import KnownLists
from singsynth_mcp.proxy.merge import Catalogue, Listing, merge
from singsynth_mcp.proxy.replicas import Replicas
from singsynth_mcp.proxy.upstream import Upstream
from singsynth_mcp.serving.notices import Notices

logger = logging.getLogger(__name__)
AnyUpstream = Upstream | Replicas


class Upstreams:
    """The servers behind one proxy."""

    def __init__(
        self,
        specs: Mapping[str, UpstreamSpec],
        cache: Path,
        notices: Notices,
        reserved: frozenset[str],
        dial: Dial = connect,
    ) -> None:
        """`reserved` are the proxy's own tool names."""
        self._by_name = {name: self._made(name, spec, dial) for name, spec in specs.items()}
        self._known = KnownLists(cache, specs)
        self._notices = notices
        self._reserved = reserved
        self._listings: dict[str, Listing] = {}
        self._merged: Catalogue | None = None
        """Of the listings as they are; None where they have changed since."""
        self._told = False
        self._reported: set[str] = set()
        self._starting: asyncio.Task[None] | None = None
        self._refreshing: set[asyncio.Task[None]] = set()

    def __getitem__(self, name: str) -> AnyUpstream:
        """Return an upstream by name."""
        return self._by_name[name]

    def __iter__(self) -> Iterator[AnyUpstream]:
        """Yield the upstreams in the order of the configuration."""
        return iter(self._by_name.values())

    def open(self) -> None:
        """Remember what is known from before; nothing is started yet."""
        self._listings, self._merged = self._known.load(), None

    async def close(self) -> None:
        """Leave every upstream."""
        tasks = self._refreshing | ({self._starting} if self._starting else set())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._starting = None
        async with anyio.create_task_group() as group:
            for upstream in self._by_name.values():
                group.start_soon(upstream.close)

    async def catalogue(self, *, fresh: bool = False) -> Catalogue:
        """Return the merged lists: at once where all are known, else when every upstream has answered or failed.

        `fresh` waits for the upstreams even so: a name is wanted that the last-known lists do not have.

        Upstreams are started here, side by side, the first time.
        """
        if self._starting is None:
            self._starting = asyncio.create_task(self._start_all())
        if fresh or any(name not in self._listings for name in self._by_name):
            await asyncio.wait({self._starting})
        self._told = True
        return self.merged()

    def merged(self) -> Catalogue:
        """Return what is known now, merged in the order of the configuration; new conflicts are logged."""
        if self._merged is None:
            listings = {name: self._listings[name] for name in self._by_name if name in self._listings}
            self._merged = merge(listings, self._reserved)
            for conflict in self._merged.conflicts:
                if conflict not in self._reported:
                    self._reported.add(conflict)
                    logger.warning("name conflict: %s", conflict)
        return self._merged

    def names_with(self, wanted: Callable[[types.Tool], bool]) -> list[str]:
        """Return the upstreams that offer a tool that is `wanted`."""
        return [
            name for name in self._by_name if name in self._listings and any(map(wanted, self._listings[name].tools))
        ]

    async def _start_all(self) -> None:
        async with anyio.create_task_group() as group:
            for upstream in self._by_name.values():
                group.start_soon(self._refresh, upstream)

    async def _refresh(self, upstream: AnyUpstream) -> None:
        """Ask an upstream for its lists; keep them, and tell the hosts when they are other than what was told."""
        try:
            listing = await upstream.listing()
        except (SingSynthError, MCPError) as error:
            logger.warning("no lists from upstream %s: %s", upstream.name, error)
            return
        before = self._listings.get(upstream.name)
        self._listings[upstream.name], self._merged = listing, None
        if before is None or _differ(listing, before):
            self._known.save(self._listings)
            if self._told:
                await self._announce(before or Listing(), listing)

    async def _announce(self, before: Listing, now: Listing) -> None:
        if now.tools != before.tools:
            await self._notices.tools_changed()
        if (now.resources, now.templates) != (before.resources, before.templates):
            await self._notices.resources_changed()
        if now.prompts != before.prompts:
            await self._notices.prompts_changed()

    def _made(self, name: str, spec: UpstreamSpec, dial: Dial) -> AnyUpstream:
        changed = partial(self._on_change, name)
        return Replicas(name, spec, changed, dial) if spec.urls else Upstream(name, spec, changed, dial)

    async def _on_change(self, name: str, uri: str | None) -> None:
        if uri is not None:
            await self._notices.resource_updated(uri)
            return
        task = asyncio.create_task(self._refresh(self._by_name[name]))
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)


def _differ(one: Listing, other: Listing) -> bool:
    return one.model_dump_json(exclude_none=True) != other.model_dump_json(exclude_none=True)
