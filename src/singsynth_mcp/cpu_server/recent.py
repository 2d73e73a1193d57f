"""The scores used last, read and played, and their phonemes: a song's tools ask for the same, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from singsynth_mcp.kept import Kept

if TYPE_CHECKING:
    from singsynth_mcp.lyrics.model import Phonemes
    from singsynth_mcp.score.model import Score
    from singsynth_mcp.score.played import PlayedPart
    from singsynth_mcp.score.timeline import Timeline

_MOST = 4
_Wanted = tuple[str, int | None]
"""Line and verse."""


@dataclass(frozen=True)
class _Recent:
    score: Score
    played: dict[_Wanted, PlayedPart] = field(default_factory=dict)


_scores: Kept[_Recent] = Kept(_MOST)
recent_phonemes: Kept[Phonemes] = Kept(_MOST)
"""By their blob."""


def keep_score(blob: str, score: Score) -> Score:
    """Keep the score that a blob holds, and return the one that is kept."""
    return _scores.keep(blob, _Recent(score)).score


def recent_score(blob: str) -> Score | None:
    """Return the score of a blob, None where it has not been used lately."""
    recent = _scores.get(blob)
    return recent.score if recent is not None else None


def played(score: Score, part: str | None, verse: int | None = None, timeline: Timeline | None = None) -> PlayedPart:
    """Return what `played_part` returns; of a score that is kept, without playing it again. Raises as that does."""
    from singsynth_mcp.score.lookup import find_line
    from singsynth_mcp.score.played import played_part

    wanted = find_line(score, part)[1].id, verse
    kept = next((recent.played for recent in _scores.values() if recent.score is score), {})
    if wanted not in kept:
        kept[wanted] = played_part(score, part, verse, timeline)
    return kept[wanted]
