"""Doing a job's work: what can pass is tried again after a pause, what takes too long is stopped, the rest is said."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import anyio

from singsynth_mcp.contracts.calling import OnProgress
from singsynth_mcp.errors import DeadlineExceeded, InternalError, SingSynthError
from singsynth_mcp.jobs.base import Work

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AttemptRules:
    """How long and how often a job is tried."""

    pauses_seconds: tuple[float, ...] = (1.0, 4.0, 16.0)
    """Before each further attempt of work that failed in a way that can pass."""
    deadline_seconds: float = 3600.0
    """Of all attempts together."""


@dataclass(frozen=True)
class Outcome:
    """How a job's work ended: one of the two is there."""

    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


async def attempt(tool: str, work: Work, on_progress: OnProgress, rules: AttemptRules) -> Outcome:
    """Run `work` until it gives a result or an error that will not pass.

    Cancellation goes through. A defect is logged with its traceback and told to nobody else.
    """
    with anyio.move_on_after(rules.deadline_seconds):
        for pause in (*rules.pauses_seconds, None):
            try:
                return Outcome(result=await work(on_progress))
            except SingSynthError as error:
                if not error.retryable or pause is None:
                    return Outcome(error=error.as_dict())
                logger.warning("%s is tried again in %g s: %s", tool, pause, error.code)
            except ConnectionError as error:
                if pause is None:
                    return _defect(tool, error)
                logger.warning("%s is tried again in %g s: %s", tool, pause, type(error).__name__)
            except Exception as error:
                return _defect(tool, error)
            await anyio.sleep(pause)
    late = DeadlineExceeded(
        f"{tool} took longer than {rules.deadline_seconds:g} seconds",
        hint="Ask for fewer phrases at a time; phrases that are finished are not made again.",
    )
    return Outcome(error=late.as_dict())


def _defect(tool: str, error: Exception) -> Outcome:
    logger.error("%s failed", tool, exc_info=error)
    return Outcome(error=InternalError.of(tool, error).as_dict())
