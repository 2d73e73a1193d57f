"""What was used last, by the name of the content it was made from: that never changes, so nothing kept is stale."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """At most `most` values; that which was used least recently goes first. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, T] = OrderedDict()
        self._lock = Lock()

    def keep(self, name: str, value: T) -> T:
        """Keep a value, and return the one that is kept: an equal one that was there before stays."""
        with self._lock:
            kept = self._values.setdefault(name, value)
            self._values.move_to_end(name)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
            return kept

    def get(self, name: str) -> T | None:
        """Return the value kept under a name, None where there is none."""
        with self._lock:
            if name not in self._values:
                return None
            self._values.move_to_end(name)
            return self._values[name]

    def values(self) -> list[T]:
        """Return all that is kept, the last used at the end."""
        with self._lock:
            return list(self._values.values())
