"""The predictors' common course: a performance in, the same performance with one stage more filled out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anyio import to_thread

from singsynth_mcp.artifacts.base import Manifest, memo_key, sha256
from singsynth_mcp.contracts.common import PassedOver, first_warnings, phrase_indices
from singsynth_mcp.contracts.performance import PerformanceResult, PredictRequest
from singsynth_mcp.gpu_server.rendering import PhraseFacts, PhraseWork, Rendering, open_rendering, replaced
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.performance.blobs import phrase_from_bytes, phrase_to_bytes
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.performance.summaries import PhraseSummary, keep_summary, kept_summary, stages_filled
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine
from singsynth_mcp.synthesis.predictors import why_unused
from singsynth_mcp.synthesis.seeds import phrase_seed
from singsynth_mcp.voicebanks import Voicebank
from singsynth_mcp.voicebanks.stage import StageName


@dataclass(frozen=True)
class Predictor:
    """One of the stages that fill a performance."""

    tool: str
    stage: StageName
    reads: Callable[[Phrase], Phrase]
    """Drops what the stage itself and later ones have filled."""
    predict: Callable[[Phrase, Voicebank, OnnxEngine, int], Phrase]
    stand_in: str
    """What fills the stage where the voicebank has no model for it that can be used."""
    always_said: bool = True
    """Whether a voicebank that has no such model is told of it; one that has it and cannot use it always is."""
    unused_controls: Callable[[Phrase, Voicebank, OnnxEngine], list[str]] = lambda phrase, bank, engine: []
    check: Callable[[Voicebank], None] | None = None
    """Raises InvalidVoicebank for what a later stage would miss."""
    without: StageName | None = None
    """A model of the voicebank that is to be passed over, as if it were not there."""


async def fill_performance(request: PredictRequest, services: GpuServices, predictor: Predictor) -> PerformanceResult:
    """Run a predictor over the phrases asked for; the others stay as they are."""
    rendering = await open_rendering(predictor.tool, request.performance, services, predictor.without)
    return await fill_rendering(rendering, request.phrases, predictor)


async def fill_rendering(rendering: Rendering, phrases: str, predictor: Predictor) -> PerformanceResult:
    """Run a predictor over those phrases of a performance that was opened for it."""
    if predictor.check is not None:
        await to_thread.run_sync(predictor.check, rendering.bank)
    performance = rendering.performance
    chosen = phrase_indices(phrases, range(len(performance.entries)))
    blobs = await rendering.blobs(chosen, lambda index, phrase: _work_on(rendering, predictor, phrase))
    filled = Manifest("performance", performance.header, replaced(performance.entries, blobs))
    summary = await _summary(filled, rendering.services)
    warnings = await to_thread.run_sync(
        lambda: _without_model(rendering, predictor) + rendering.warnings(predictor.stage)
    )
    return summary.model_copy(
        update={
            "id": await rendering.services.store.put(filled),
            "device": rendering.run.device,
            "deterministic": rendering.run.is_deterministic,
            "warnings": first_warnings(warnings),
        }
    )


def _without_model(rendering: Rendering, predictor: Predictor) -> list[PassedOver]:
    bank, tool = rendering.bank, predictor.tool
    unused = why_unused(bank, predictor.stage, rendering.engine)
    if unused is not None:
        return [PassedOver(code="model_not_used", message=f"{tool}: {unused}; {predictor.stand_in}")]
    if bank.stage(predictor.stage) is not None or not predictor.always_said:
        return []
    message = f"{tool}: voicebank {bank.id} has no model for it; {predictor.stand_in}"
    return [PassedOver(code="made_by_rule", message=message)]


def _work_on(rendering: Rendering, predictor: Predictor, found: Phrase) -> PhraseWork:
    phrase = predictor.reads(found)
    bank, engine = rendering.bank, rendering.engine
    unused = predictor.unused_controls(phrase, bank, engine)
    seed = phrase_seed(phrase, rendering.seed)

    async def make() -> bytes:
        return await to_thread.run_sync(lambda: phrase_to_bytes(predictor.predict(phrase, bank, engine, seed)))

    facts = PhraseFacts(tuple(unused), rendering.lacking(bank.stage(predictor.stage), phrase))
    return PhraseWork(memo_key(sha256(phrase_to_bytes(phrase)), seed), make, facts)


async def _summary(performance: Manifest, services: GpuServices) -> PerformanceResult:
    """Count phonemes and seconds; a stage counts as filled when every phrase has it."""
    facts = [await _facts(entry.blob, services) for entry in performance.entries]
    ends_s = [entry.start_seconds + each.end_s for entry, each in zip(performance.entries, facts, strict=True)]
    return PerformanceResult(
        part=performance.header["part"],
        voicebank=performance.header["voicebank"],
        score=performance.header["score"],
        phrases=len(performance.entries),
        seconds=round(max(ends_s, default=0.0), 3),
        phonemes=sum(each.phonemes for each in facts),
        stages=stages_filled(facts),
    )


async def _facts(blob: str, services: GpuServices) -> PhraseSummary:
    known = kept_summary(blob)
    return known or keep_summary(blob, phrase_from_bytes(await services.store.get_blob(blob)))
