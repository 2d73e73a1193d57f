"""Performances as the tools of this server read and describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from singsynth_mcp.artifacts.base import ArtifactStore, Manifest
from singsynth_mcp.contracts.audio import PhonemesRow
from singsynth_mcp.contracts.common import PassedOver, first_warnings
from singsynth_mcp.contracts.performance import PerformanceResult
from singsynth_mcp.errors import InvalidRequest

if TYPE_CHECKING:
    from singsynth_mcp.performance.model import Curve, Phrase
    from singsynth_mcp.voicebanks import Voicebank


async def phrases_of(performance: Manifest, store: ArtifactStore) -> list[Phrase]:
    """Return the phrases of a performance. Raises ArtifactsMissing."""
    from singsynth_mcp.performance.blobs import phrase_from_bytes

    return [phrase_from_bytes(await store.get_blob(entry.blob)) for entry in performance.entries]


async def performance_result(performance: Manifest, store: ArtifactStore) -> PerformanceResult:
    """Describe a performance; a stage counts as filled when every phrase has it."""
    from singsynth_mcp.performance.blobs import phrase_from_bytes
    from singsynth_mcp.performance.summaries import keep_summary, kept_summary, stages_filled

    phrases = [
        kept_summary(entry.blob) or keep_summary(entry.blob, phrase_from_bytes(await store.get_blob(entry.blob)))
        for entry in performance.entries
    ]
    ends = [entry.start_seconds + phrase.end_s for entry, phrase in zip(performance.entries, phrases, strict=True)]
    warnings = [PassedOver.model_validate(warning) for warning in performance.header["warnings"]]
    return PerformanceResult(
        id=performance.id,
        part=performance.header["part"],
        voicebank=performance.header["voicebank"],
        score=performance.header["score"],
        phrases=len(phrases),
        seconds=round(max(ends, default=0.0), 3),
        phonemes=sum(phrase.phonemes for phrase in phrases),
        stages=stages_filled(phrases),
        warnings=first_warnings(warnings),
    )


def speaker_weights(wanted: str | Mapping[str, Any] | None, bank: Voicebank) -> dict[str, Curve]:
    """Return a speaker argument as weights by the voicebank's own names; of a bank without speakers, none.

    Raises UnknownName, InvalidRequest.
    """
    from singsynth_mcp.performance.controls import check_curve

    if wanted is None:
        return {}
    if isinstance(wanted, str):
        return {bank.speaker(wanted): 1.0}
    if not wanted or all(weight == 0 for weight in wanted.values()):
        raise InvalidRequest("a blend of speakers needs a weight above 0", hint=f"Speakers: {', '.join(bank.speakers)}")
    return {bank.speaker(name): check_curve(f"speaker {name}", weight, 0, 1000) for name, weight in wanted.items()}


def note_rows(phrase: Phrase) -> list[PhonemesRow]:
    """Return the notes of a phrase with their phonemes, as modify_performance addresses them."""
    from singsynth_mcp.score.pitch import pitch_name

    rows = []
    for number, note in enumerate(phrase.notes):
        sung = []
        for place, phoneme in enumerate(phrase.phonemes):
            if phoneme.note == number:
                late = None if phrase.boundaries_s is None else phrase.boundaries_s[place] - note.start_s
                sung.append(phoneme.symbol if late is None else f"{phoneme.symbol} {1000 * late:+.0f}")
        name = note.key.removesuffix("@1")
        rows.append(PhonemesRow(note=name, pitch=pitch_name(note.midi), lyric=note.lyric, phonemes=", ".join(sung)))
    return rows


def in_ranges(numbers: Sequence[int]) -> str:
    """Return rising numbers as a person writes them: 2, 5-6."""
    cuts = [index for index, (left, right) in enumerate(pairwise(numbers), 1) if right != left + 1]
    runs = [numbers[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(numbers)], strict=True)]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs if run)
