"""The scores used last, read and played, and their phonemes: a song's tools ask for the same, one after the other."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

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


_by_blob: OrderedDict[str, _Recent] = OrderedDict()
"""Content names a blob, and a score never changes: what is kept is never stale."""
_phonemes: OrderedDict[str, Phonemes] = OrderedDict()
_lock = Lock()


def keep_score(blob: str, score: Score) -> Score:
    """Keep the score that a blob holds, and return the one that is kept."""
    with _lock:
        recent = _by_blob.setdefault(blob, _Recent(score))
        _by_blob.move_to_end(blob)
        while len(_by_blob) > _MOST:
            _by_blob.popitem(last=False)
        return recent.score


def recent_score(blob: str) -> Score | None:
    """Return the score of a blob, None where it has not been used lately."""
    with _lock:
        recent = _by_blob.get(blob)
        if recent is not None:
            _by_blob.move_to_end(blob)
        return recent.score if recent is not None else None


def played(score: Score, part: str | None, verse: int | None = None, timeline: Timeline | None = None) -> PlayedPart:
    """Return what `played_part` returns; of a score that is kept, without playing it again. Raises as that does."""
    from singsynth_mcp.score.lookup import find_line
    from singsynth_mcp.score.played import played_part

    wanted = find_line(score, part)[1].id, verse
    with _lock:
        kept = next((recent.played for recent in _by_blob.values() if recent.score is score), {})
    if wanted not in kept:
        kept[wanted] = played_part(score, part, verse, timeline)
    return kept[wanted]


def keep_phonemes(blob: str, phonemes: Phonemes) -> Phonemes:
    """Keep the phonemes that a blob holds, and return them."""
    with _lock:
        _phonemes[blob] = phonemes
        _phonemes.move_to_end(blob)
        while len(_phonemes) > _MOST:
            _phonemes.popitem(last=False)
    return phonemes


def recent_phonemes(blob: str) -> Phonemes | None:
    """Return the phonemes of a blob, None where they have not been used lately."""
    with _lock:
        return _phonemes.get(blob)
