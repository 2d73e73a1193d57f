"""parse_score and modify_score, and the reading of stored scores for the tools that take one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Manifest, sha256
from singsynth_mcp.contracts.common import LIST_LIMIT, PassedOver, first_warnings
from singsynth_mcp.contracts.score import ModifyScoreRequest, ParseScoreRequest, ScoreResult
from singsynth_mcp.cpu_server.recent import keep_score, recent_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.sources import chosen_form, source_bytes
from singsynth_mcp.errors import DeadlineExceeded

if TYPE_CHECKING:
    from singsynth_mcp.score.model import Score

DEADLINE_S = 20.0
T = TypeVar("T")


async def parse_score(request: ParseScoreRequest, services: CpuServices) -> ScoreResult:
    """Read a score, store it, and tell what is in it; `score` describes one that is stored.

    Raises SingSynthError: a form or path that cannot be taken, a file that is no score, DeadlineExceeded.
    """
    stored: Score | None = None
    data, name = b"", ""
    if chosen_form(request) == "score":
        stored = await load_score(request.score or "", services)
    else:
        data, name = await source_bytes(request, services)

    def work() -> tuple[Score, bytes, ScoreResult]:
        score, packed = _kept(stored or _read(data, name))
        return score, packed, _described(score, request)

    return await _stored(*await within_deadline("parse_score", work), services)


async def modify_score(request: ModifyScoreRequest, services: CpuServices) -> ScoreResult:
    """Apply operations to a stored score, all or none, and store the new one.

    Raises SingSynthError: an id that is no score's, an operation that cannot be done, DeadlineExceeded.
    """
    from singsynth_mcp.cpu_server.wording import Wording
    from singsynth_mcp.score.edits import apply_operations

    score = await load_score(request.score, services)

    def work() -> tuple[Score, bytes, ScoreResult]:
        wordings = [Wording.of(operation, score) for operation in request.operations]
        edited = apply_operations(score, [wording.operation for wording in wordings])
        changes = list(edited.changes)
        if len(changes) > LIST_LIMIT:
            changes = [*changes[: LIST_LIMIT - 1], f"… and {len(changes) - LIST_LIMIT + 1} more operations"]
        changed, packed = _kept(edited.score)
        result = _described(changed, request)
        own = [PassedOver(**vars(warning)) for warning in edited.warnings]
        own += [wording.warning for wording in wordings if wording.warning is not None]
        warnings = first_warnings([*own, *(result.warnings or ())])
        return changed, packed, result.model_copy(update={"changes": changes, "warnings": warnings})

    return await _stored(*await within_deadline("modify_score", work), services)


async def load_score(score_id: str, services: CpuServices) -> Score:
    """Return a stored score. Raises UnknownArtifact, WrongArtifactKind, ArtifactsMissing."""
    from singsynth_mcp.score.blobs import score_from_bytes

    manifest = await services.store.get(score_id, "score")
    blob = manifest.entries[0].blob
    recent = recent_score(blob)
    if recent is not None:
        return recent
    data = await services.store.get_blob(blob)
    return keep_score(blob, await to_thread.run_sync(score_from_bytes, data))


async def within_deadline(tool: str, work: Callable[[], T], seconds: float = DEADLINE_S) -> T:
    """Run `work` in a thread. Raises DeadlineExceeded after `seconds`; the thread's result is dropped then."""
    with anyio.move_on_after(seconds):
        return await to_thread.run_sync(work, abandon_on_cancel=True)
    message = f"{tool} took longer than {seconds:g} seconds"
    raise DeadlineExceeded(message, hint="Split the score, or give only the vocal parts")


def _read(data: bytes, name: str) -> Score:
    from singsynth_mcp.score.reading import read_score

    return read_score(data, name)


def _described(score: Score, request: ParseScoreRequest | ModifyScoreRequest) -> ScoreResult:
    from singsynth_mcp.cpu_server.describing import describe

    return describe(score, request.part, request.range)


def _kept(score: Score) -> tuple[Score, bytes]:
    """Return a score as it is kept for the tools that come next, and its bytes."""
    from singsynth_mcp.score.blobs import score_to_bytes

    packed = score_to_bytes(score)
    return keep_score(sha256(packed), score), packed


async def _stored(score: Score, packed: bytes, result: ScoreResult, services: CpuServices) -> ScoreResult:
    """Store a score (equal scores have one id) and return its description with the id."""
    blob = await services.store.put_blob(packed)
    header = {
        "title": score.title,
        "duration_seconds": result.duration_seconds,
        "duration_quarters": result.duration_quarters,
        "parts": [{"id": part.id, "name": part.name} for part in score.parts[:LIST_LIMIT]],
    }
    manifest = Manifest("score", header, (Entry(0.0, blob),))
    return result.model_copy(update={"id": await services.store.put(manifest)})
