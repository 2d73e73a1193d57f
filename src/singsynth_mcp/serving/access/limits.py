"""How much a caller may use: requests a minute (refused over HTTP with 429), and quotas of a day (a tool's error)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import date

import anyio.to_thread

from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.serving.access.callers import Caller
from singsynth_mcp.serving.access.ledger import Ledger, Use, today

_CALLERS_REMEMBERED = 16_384
_BELIEVED_SECONDS = 2.0
"""How long what the ledger said is believed; other processes write to it too."""


class QuotaExceeded(SingSynthError):
    """A caller who has used up what it may use in a day."""

    code = "quota_exceeded"


class Rates:
    """A bucket for each caller: it holds a minute's requests and fills evenly."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Caller → (requests left, when that was)."""

    def wait_seconds(self, caller: Caller) -> float:
        """Take a request out of the caller's bucket and return 0; where it is empty return when to try again."""
        most = caller.limits.requests_per_minute
        if most is None:
            return 0.0
        now = self._clock()
        left, then = self._buckets.pop(caller.name, (float(most), now))
        left = min(left + (now - then) * most / 60.0, float(most))
        allowed = left >= 1.0
        self._buckets[caller.name] = (left - 1.0 if allowed else left, now)
        if len(self._buckets) > _CALLERS_REMEMBERED:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) * 60.0 / most


class Quotas:
    """What callers have used today, by the ledger."""

    def __init__(
        self,
        ledger: Ledger | None,
        day: Callable[[], date] = today,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._day = day
        self._clock = clock
        self._known: OrderedDict[str, tuple[date, float, Use]] = OrderedDict()

    async def check(self, caller: Caller) -> None:
        """Let a call through, or raise QuotaExceeded; also where there is a quota and no ledger to go by."""
        limits = caller.limits
        of_a_day = (limits.requests_per_day, limits.audio_seconds_per_day, limits.compute_seconds_per_day)
        if of_a_day == (None, None, None):
            return
        if self._ledger is None:
            hint = "The operator has to set SINGSYNTH_LEDGER."
            raise QuotaExceeded("this key has a quota, and the server keeps no ledger to go by", hint=hint)
        used = await self._used(caller.name)
        for what, most, so_far in (
            ("requests", limits.requests_per_day, used.requests),
            ("seconds of audio", limits.audio_seconds_per_day, used.audio_seconds),
            ("seconds of compute", limits.compute_seconds_per_day, used.compute_seconds),
        ):
            if most is not None and so_far >= most:
                raise QuotaExceeded(
                    f"this key may use {most:g} {what} a day and has used {so_far:g}",
                    hint="It may use them again from midnight UTC; the operator can raise the limit.",
                    limit=most,
                    used=round(so_far, 3),
                )

    def count(self, caller: str, use: Use) -> None:
        """Count a use of this process at once, before it is read from the ledger."""
        if known := self._known.get(caller):
            self._known[caller] = (*known[:2], known[2] + use)

    async def _used(self, caller: str) -> Use:
        day, now = self._day(), self._clock()
        known = self._known.get(caller)
        if known is not None and known[0] == day and now - known[1] < _BELIEVED_SECONDS:
            return known[2]
        used = await anyio.to_thread.run_sync(self._read, caller, day)
        self._known[caller] = (day, now, used)
        if len(self._known) > _CALLERS_REMEMBERED:
            self._known.popitem(last=False)
        return used

    def _read(self, caller: str, day: date) -> Use:
        assert self._ledger is not None
        self._ledger.flush()
        return self._ledger.used(caller, day)
