"""What a result says of a phrase, kept by its blob: content never changes, and `sing` asks for the same song often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from singsynth_mcp.kept import Kept
from singsynth_mcp.performance.model import Phrase

_MOST = 100_000
_STAGES = ("durations", "pitch", "variance")


@dataclass(frozen=True)
class PhraseSummary:
    """A phrase in numbers."""

    phonemes: int
    end_s: float
    stages: frozenset[str]
    """Those that have filled it."""


_kept: Kept[PhraseSummary] = Kept(_MOST)


def keep_summary(blob: str, phrase: Phrase) -> PhraseSummary:
    """Sum up the phrase that a blob holds, and keep that."""
    results = (phrase.boundaries_s, phrase.pitch, phrase.variance)
    stages = frozenset(name for name, result in zip(_STAGES, results, strict=True) if result is not None)
    return _kept.keep(blob, PhraseSummary(len(phrase.phonemes), phrase.end_s, stages))


def kept_summary(blob: str) -> PhraseSummary | None:
    """Return the summary of a blob's phrase, None where it was not kept."""
    return _kept.get(blob)


def stages_filled(summaries: Iterable[PhraseSummary]) -> list[str]:
    """Return the stages that every phrase has, in their order; none where there is no phrase."""
    sets = [summary.stages for summary in summaries]
    return [name for name in _STAGES if sets and all(name in stages for stages in sets)]
