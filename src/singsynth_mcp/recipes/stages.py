"""A performance through the gpu stages: which tool after which, and how much of the work each is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from singsynth_mcp.contracts.calling import OnProgress, Progress

_STAGES = {
    "predict_durations": 0.03,
    "predict_pitch": 0.04,
    "predict_variance": 0.03,
    "synthesize_audio": 0.25,
    "vocode": 0.65,
}
"""The gpu stages in order, with their share of the work (for the progress bar alone)."""

Call = Callable[[str, Mapping[str, Any], OnProgress], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Rendered:
    """What phrases of a performance have become."""

    performance: str
    """The artifact with all predictions filled."""
    audio: str
    seconds: float
    deterministic: bool
    """Whether every stage is."""


async def run_stages(
    call: Call, performance: str, phrases: str, on_fraction: Callable[[float, str], Awaitable[None]] | None = None
) -> Rendered:
    """Send phrases of a performance through all stages."""
    before, deterministic, artifact = 0.0, True, performance
    result: dict[str, Any] = {}
    for stage, share in _STAGES.items():

        async def report(progress: Progress, stage: str = stage, before: float = before, share: float = share) -> None:
            if on_fraction is not None:
                await on_fraction(before + share * progress.fraction, stage)

        argument = "mel" if stage == "vocode" else "performance"
        result = await call(stage, {argument: artifact, "phrases": phrases}, report)
        artifact = result["id"]
        if stage.startswith("predict_"):
            performance = artifact
        deterministic = deterministic and result.get("deterministic", True)
        before += share
    if on_fraction is not None:
        await on_fraction(1.0, "vocode")
    return Rendered(performance, result["id"], result["seconds"], deterministic)
