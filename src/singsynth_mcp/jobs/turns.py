"""Whose turn it is: jobs that somebody waits for go first, and clients take turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol, TypeVar

from singsynth_mcp.errors import QueueFull
from singsynth_mcp.jobs.base import Priority, Role

_CLIENTS_REMEMBERED = 1024
_TYPICAL_SECONDS = 5.0
"""A job's length before one has been measured."""
_WEIGHT = 0.2
"""Of the newest job in the moving mean."""


class Waiting(Protocol):
    """What a queue's order goes by."""

    @property
    def client(self) -> str:
        """Who asks."""

    @property
    def priority(self) -> Priority:
        """Whether somebody waits."""


_Waiting = TypeVar("_Waiting", bound=Waiting)


class Turns:
    """The order of one role's queue, and how long its jobs take."""

    def __init__(self) -> None:
        self._last_turn: dict[str, int] = {}
        self._turn = 0
        self._mean_seconds = _TYPICAL_SECONDS

    def order(self, queue: Iterable[_Waiting]) -> list[_Waiting]:
        """Return `queue` (in order of arrival) in the order in which it will be started.

        In each round every client gets one job; within a round first the client whose last turn is longest ago.
        """
        rounds: Counter[tuple[str, Priority]] = Counter()
        ranked: list[tuple[bool, int, int, int, _Waiting]] = []
        for arrival, job in enumerate(queue):
            last = self._last_turn.get(job.client, 0)
            each = (job.client, job.priority)
            ranked.append((job.priority == "background", rounds[each], last, arrival, job))
            rounds[each] += 1
        return [job for *_, job in sorted(ranked, key=lambda item: item[:4])]

    def took(self, client: str) -> None:
        """Note that a job of `client` has been started."""
        self._turn += 1
        self._last_turn.pop(client, None)
        self._last_turn[client] = self._turn
        if len(self._last_turn) > _CLIENTS_REMEMBERED:
            del self._last_turn[next(iter(self._last_turn))]

    def lasted(self, seconds: float) -> None:
        """Note how long a job ran."""
        self._mean_seconds += _WEIGHT * (seconds - self._mean_seconds)

    def refusal(self, role: Role, queued: int, at_once: int) -> QueueFull:
        """Return the error for a caller who finds `queued` jobs waiting where `at_once` run."""
        return queue_full(role, queued, queued * self._mean_seconds / at_once)


def queue_full(role: str, queued: int, expected_seconds: float) -> QueueFull:
    """Return the error for a caller who finds a full queue, which takes `expected_seconds` to run empty."""
    return QueueFull(
        f"{queued} {role} jobs are waiting, which is all that the queue holds; it takes about "
        f"{expected_seconds:.0f} seconds to run them",
        hint="Try again later; list_jobs shows what is waiting, cancel_job takes a job out.",
        queued=queued,
        expected_seconds=round(expected_seconds, 1),
    )
