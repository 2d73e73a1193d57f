"""align_phonemes_to_notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key, sha256
from singsynth_mcp.contracts.common import first_warnings
from singsynth_mcp.contracts.performance import AlignRequest, PerformanceResult
from singsynth_mcp.cpu_server.coaching import carried_over
from singsynth_mcp.cpu_server.lyrics import phonemes_of, recalled, warning_facts
from singsynth_mcp.cpu_server.performances import performance_result, speaker_weights
from singsynth_mcp.cpu_server.recent import played
from singsynth_mcp.cpu_server.scores import load_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.voices import voicebank_of
from singsynth_mcp.errors import InvalidRequest, VoicebankMismatch
from singsynth_mcp.performance.model import PerformanceHeader
from singsynth_mcp.score.model import PlayedNote, Score, ScoreWarning

if TYPE_CHECKING:
    from singsynth_mcp.lyrics.alignment import PlacedPhrase
    from singsynth_mcp.lyrics.model import Phonemes
    from singsynth_mcp.performance.model import Curve
    from singsynth_mcp.voicebanks import Voicebank

ALIGN_VERSION = 4
_HEADER_WARNINGS = 100
_DEFAULT_RANGE = (35.9, 84.9)
"""MIDI; 65 Hz to 1100 Hz: where a voicebank does not say what it can sing."""


async def align_phonemes_to_notes(request: AlignRequest, services: CpuServices) -> PerformanceResult:
    """Put phonemes on the played notes of their score: a performance in phrases, without any prediction yet.

    Raises InvalidRequest when the phonemes were made for another score or for a free text; VoicebankMismatch when the
    voicebank has changed since; UnknownName for a speaker or control that is not there.
    """
    source = await services.store.get(request.phonemes, "phonemes")
    made_for = source.header["score"]
    if made_for != request.score:
        what = f"score {made_for}" if made_for else "a free text"
        raise InvalidRequest(
            f"{request.phonemes} was made for {what}, not for score {request.score}",
            hint=f"Call phonemize with score={request.score} and pass the id that it returns.",
        )
    bank = await voicebank_of(source.header["voicebank"], services)
    if bank.digest != source.header["voicebank_digest"]:
        raise VoicebankMismatch(
            f"{request.phonemes} was made with another version of voicebank {bank.id}",
            hint=f"Call phonemize with score={request.score} again: the voicebank's files have changed.",
        )
    arguments = request.model_dump(mode="json", exclude={"edits_of"})
    key = memo_key("align", ALIGN_VERSION, source.entries[0].blob, dict(source.header), arguments)
    manifest = await recalled(key, services)
    if manifest is None:
        score = await load_score(request.score, services)
        words = await phonemes_of(source, services)
        aligned = await to_thread.run_sync(_align, score, words, request, source.header, bank)
        manifest = await _store_performance(aligned, request, source.header, services)
        await services.store.remember(key, await services.store.put(manifest))
    if not request.edits_of:
        return await performance_result(manifest, services.store)
    edited, lost = await carried_over(manifest, request.edits_of, services)
    result = await performance_result(edited, services.store)
    return result.model_copy(update={"warnings": first_warnings([*lost, *(result.warnings or [])])})


@dataclass(frozen=True)
class _Aligned:
    phrases: Sequence[PlacedPhrase]
    warnings: Sequence[Mapping[str, Any]]


def _align(
    score: Score, phonemes: Phonemes, request: AlignRequest, header: Mapping[str, Any], bank: Voicebank
) -> _Aligned:
    from singsynth_mcp.lyrics.alignment import Rendition, align
    from singsynth_mcp.lyrics.syllables import sung_notes
    from singsynth_mcp.lyrics.timing import time_map
    from singsynth_mcp.performance.controls import check_controls
    from singsynth_mcp.score.played_loudness import played_loudness

    sung_part = played(score, header["part"], header["verse"])
    controls = check_controls(request.controls)
    wanted = request.speaker
    if wanted is None:
        wanted = bank.speaker_for([note.midi + request.transpose for note in sung_part.notes])
    rendition = Rendition(
        time_map=time_map(sung_part.notes),
        speaker=speaker_weights(wanted, bank),
        controls=controls,
        dynamics_db=played_loudness(score, sung_part.line) or 0.0,
        transpose=request.transpose,
        breaths=request.breaths,
        can_breathe=bank.symbols.get("AP") == "breath",
    )
    sung, warnings = sung_notes(sung_part.notes, phonemes.words, bank.glides, header["part"])
    span = bank.range_of(next(iter(rendition.speaker)) if len(rendition.speaker) == 1 else None) or _DEFAULT_RANGE
    warnings += _out_of_range([note.played for note in sung], request.transpose, span, header["part"])
    warnings += _unsupported(controls, bank)
    return _Aligned(align(sung, rendition), warning_facts(warnings))


def _out_of_range(
    notes: Sequence[PlayedNote], transpose: float, span: tuple[float, float], part: str
) -> list[ScoreWarning]:
    from singsynth_mcp.lyrics.foreign import warning
    from singsynth_mcp.score.pitch import pitch_name

    lowest, highest = span
    found = []
    for note in notes:
        midi = note.midi + transpose
        if not lowest <= midi <= highest:
            side = "below" if midi < lowest else "above"
            message = f"{pitch_name(midi)} is {side} the voice's range ({pitch_name(lowest)} to {pitch_name(highest)})"
            found.append(warning("out_of_range", message, part, note))
    return found


def _unsupported(controls: Mapping[str, Curve], bank: Voicebank) -> list[ScoreWarning]:
    there = ", ".join(bank.controls)
    return [
        ScoreWarning("control_not_supported", f"voicebank {bank.id} does not follow {name}; it follows {there}")
        for name in controls
        if name not in bank.controls
    ]


async def _store_performance(
    aligned: _Aligned, request: AlignRequest, source: Mapping[str, Any], services: CpuServices
) -> Manifest:
    from singsynth_mcp.performance.blobs import phrase_to_bytes
    from singsynth_mcp.performance.summaries import keep_summary

    header = PerformanceHeader(
        score=request.score,
        part=source["part"],
        verse=source["verse"],
        voicebank=source["voicebank"],
        voicebank_digest=source["voicebank_digest"],
        language=source["language"],
        seed=request.seed,
        warnings=tuple(aligned.warnings[:_HEADER_WARNINGS]),
    )
    packed = [phrase_to_bytes(placed.phrase) for placed in aligned.phrases]
    blobs = [sha256(data) for data in packed]
    lacking = set(await services.store.missing_blobs(blobs))  # none but one where a note of a song was changed
    entries = []
    for placed, blob, data in zip(aligned.phrases, blobs, packed, strict=True):
        if blob in lacking:
            await services.store.put_blob(data)
        keep_summary(blob, placed.phrase)
        entries.append(Entry(placed.start_s, blob))
    return Manifest("performance", asdict(header), tuple(entries))
