"""One upstream served at several URLs: each call goes to the live replica with the fewest in flight.

Replicas are servers of one name and version: one that is another is left out like a dead one, until it is like those
that are in use, or there are none.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import mcp_types as types
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError

from singsynth_mcp.errors import SingSynthError, UnknownJob, UpstreamDied, UpstreamUnavailable
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.connect import Dial, connect
from singsynth_mcp.proxy.merge import Listing
from singsynth_mcp.proxy.relay import FrontCall
from singsynth_mcp.proxy.upstream import Upstream, list_all

logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_LONGEST_PAUSE_SECONDS = 30.0
_JOBS_REMEMBERED = 4096


class ReplicaDiffers(UpstreamUnavailable):
    """A replica that is another server, or another version of it, than those in use; it was asked nothing."""


class Replicas:
    """Speaks like one Upstream. A replica that fails is left out until it has answered a question of ours again."""

    def __init__(
        self,
        name: str,
        spec: UpstreamSpec,
        changed: Callable[[str | None], Awaitable[None]],
        dial: Dial = connect,
        *,
        first_pause_seconds: float = 1.0,
    ) -> None:
        self.name = name
        self.spec = spec
        alone = [spec.model_copy(update={"url": url, "urls": ()}) for url in spec.urls]
        self._members = [Upstream(name, each, changed, dial) for each in alone]
        self._first_pause_seconds = first_pause_seconds
        self._in_flight = dict.fromkeys(self._members, 0)
        self._away: dict[Upstream, asyncio.Task[None]] = {}
        self._identities: dict[Upstream, str] = {}
        """Name and version of each replica that has been asked."""
        self._jobs: OrderedDict[str, Upstream] = OrderedDict()
        """Id of a job → the replica that named it; replicas without a shared queue know only their own."""

    @property
    def alive(self) -> bool:
        """Whether one of them is connected now."""
        return any(member.alive for member in self._members)

    @property
    def live(self) -> int:
        """How many are not left out."""
        return len(self._members) - len(self._away)

    @property
    def members(self) -> tuple[Upstream, ...]:
        """Those that are not left out."""
        return tuple(member for member in self._members if member not in self._away)

    @property
    def urls(self) -> tuple[str, ...]:
        """Where they are, those that are left out last."""
        return tuple(url for each in sorted(self._members, key=self._away.__contains__) for url in each.urls)

    async def request(
        self,
        question: Callable[[ClientSession], Awaitable[_Answer]],
        front: FrontCall | None = None,
        *,
        repeatable: bool = True,
        job_id: str = "",
    ) -> _Answer:
        """Return the answer of one of them; what a death interrupts is asked of another if it is `repeatable`.

        A question about `job_id` goes to the replica that named it first, then to those that may know it.
        Raises UpstreamUnavailable (none was asked), UpstreamDied, MCPError.
        """
        problem: SingSynthError | None = None
        unknown: list[_Answer] = []
        untried, differing = list(self._members), set[Upstream]()
        while untried:
            member = min(untried, key=lambda each: self._rank(each, job_id))
            untried.remove(member)
            self._in_flight[member] += 1
            try:
                answer = await self._ask(member, question, front)
            except (UpstreamUnavailable, UpstreamDied) as error:
                self._leave_out(member, error)
                if isinstance(error, ReplicaDiffers) and member not in differing:
                    differing.add(member)
                    untried.append(member)  # the others may turn out to be gone: all were replaced
                if isinstance(error, UpstreamDied) and not repeatable:
                    raise
                problem = error
            else:
                if not (job_id and is_unknown_job(answer)):
                    self._remember_job(answer, member)
                    return answer
                unknown.append(answer)
            finally:
                self._in_flight[member] -= 1
        if problem is not None:  # one that is away may know the job that the others do not
            raise problem
        return unknown[0]

    async def listing(self) -> Listing:
        """Ask for everything that they offer. Raises UpstreamUnavailable, UpstreamDied, MCPError."""
        return await self.request(list_all)

    async def follow(self, uri: str) -> None:
        """Hear of changes of a resource from whichever replica makes them. Raises UpstreamUnavailable, MCPError."""
        problem: SingSynthError | None = None
        followed = False
        for member in self._members:
            try:
                await member.follow(uri)
                followed = True
            except UpstreamUnavailable as error:
                self._leave_out(member, error)
                problem = error
        if problem is not None and not followed:
            raise problem

    async def close(self) -> None:
        """Leave them all."""
        tasks = list(self._away.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        async with anyio.create_task_group() as group:
            for member in self._members:
                group.start_soon(member.close)

    async def _ask(
        self, member: Upstream, question: Callable[[ClientSession], Awaitable[_Answer]], front: FrontCall | None = None
    ) -> _Answer:
        """Ask one of them, if it is like the others. Raises ReplicaDiffers, and as Upstream.request."""

        async def ask(session: ClientSession) -> _Answer:
            self._compare(member, session)
            return await question(session)

        return await member.request(ask, front)

    def _compare(self, member: Upstream, session: ClientSession) -> None:
        """Raise ReplicaDiffers where a replica is another server than those in use."""
        info = session.server_info
        self._identities[member] = own = f"{info.name} {info.version}" if info is not None else "nameless"
        in_use = [self._identities[each] for each in self._identities if each is not member and each not in self._away]
        if in_use and own not in in_use:
            message = (
                f"a replica of the upstream server {self.name!r} ({member.place}) is {own}, others are {in_use[0]}"
            )
            raise ReplicaDiffers(message, hint="Serve one name and version at all the urls of an upstream.")

    def _rank(self, member: Upstream, job_id: str) -> tuple[bool, bool, int]:
        return self._jobs.get(job_id) is not member, member in self._away, self._in_flight[member]

    def _remember_job(self, answer: Any, member: Upstream) -> None:
        job_id = (answer.structured_content or {}).get("job_id") if isinstance(answer, types.CallToolResult) else None
        if isinstance(job_id, str):
            self._jobs[job_id] = member
            self._jobs.move_to_end(job_id)
            if len(self._jobs) > _JOBS_REMEMBERED:
                self._jobs.popitem(last=False)

    def _leave_out(self, member: Upstream, error: SingSynthError) -> None:
        if member not in self._away:
            logger.warning("a replica of upstream %s is left out: %s: %s", self.name, member.place, error.message)
            self._away[member] = asyncio.create_task(self._bring_back(member))

    async def _bring_back(self, member: Upstream) -> None:
        """Ask a replica after growing pauses until it answers: no caller waits for one that may be dead."""
        pause = self._first_pause_seconds
        while True:
            await anyio.sleep(pause)
            try:
                await self._ask(member, list_all)
            except (SingSynthError, MCPError):
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                break
        del self._away[member]
        logger.warning("a replica of upstream %s is back: %s", self.name, member.place)


def is_unknown_job(answer: object) -> bool:
    """Return whether an answer says that its server does not know the job."""
    if not isinstance(answer, types.CallToolResult):
        return False
    error = (answer.structured_content or {}).get("error")
    return bool(answer.is_error) and isinstance(error, dict) and error.get("code") == UnknownJob.code
