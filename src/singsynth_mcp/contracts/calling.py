"""How a tool is called, wherever it runs: the protocol that recipes and the command line are written against."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Progress:
    """How far a call has come."""

    fraction: float
    """0 to 1, never falling within a call."""
    stage: str
    """The tool or step at work, e.g. "predict_pitch"."""
    message: str = ""
    ready: tuple[str, ...] = ()
    """sing: audio ids finished so far, in order."""
    ready_seconds: float = 0.0


OnProgress = Callable[[Progress], Awaitable[None]]


async def ignore_progress(progress: Progress) -> None:
    """Drop a progress report: the default of everything that takes an OnProgress."""


class ToolCaller(Protocol):
    """Calls tools by name: in this process (recipes/local.py) or on the proxy's upstreams."""

    async def call(
        self, name: str, arguments: Mapping[str, Any], on_progress: OnProgress = ignore_progress
    ) -> dict[str, Any]:
        """Return the tool's finished structured result; waits through its job where it becomes one.

        Raises SingSynthError: whatever the tool answered as an error.
        """
