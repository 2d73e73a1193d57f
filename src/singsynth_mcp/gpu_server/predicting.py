"""The predictors' common course: a performance in, the same performance with one stage more filled out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anyio import to_thread

from singsynth_mcp.artifacts.base import Manifest, sha256
from singsynth_mcp.contracts.common import PassedOver, first_warnings, phrase_indices
from singsynth_mcp.contracts.performance import PerformanceResult, PredictRequest
from singsynth_mcp.gpu_server.rendering import PhraseWork, Rendering, open_rendering, replaced
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.performance.blobs import phrase_from_bytes, phrase_to_bytes
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine
from singsynth_mcp.voicebanks import Voicebank
from singsynth_mcp.voicebanks.stage import StageName


@dataclass(frozen=True)
class Predictor:
    """One of the stages that fill a performance."""

    tool: str
    stage: StageName
    reads: Callable[[Phrase], Phrase]
    """Drops what the stage itself and later ones have filled."""
    predict: Callable[[Phrase, Voicebank, OnnxEngine], Phrase]
    unused_controls: Callable[[Phrase, Voicebank, OnnxEngine], list[str]] = lambda phrase, bank, engine: []
    stand_in: str = ""
    """What fills the stage where the voicebank has no model for it."""


async def fill_performance(request: PredictRequest, services: GpuServices, predictor: Predictor) -> PerformanceResult:
    """Run a predictor over the phrases asked for; the others stay as they are."""
    rendering = await open_rendering(predictor.tool, request.performance, services)
    performance = rendering.performance
    chosen = phrase_indices(request.phrases, range(len(performance.entries)))
    blobs = await rendering.blobs(chosen, lambda index: _work_on(rendering, predictor, index))
    filled = Manifest("performance", performance.header, replaced(performance.entries, blobs))
    summary = await _summary(filled, services)
    return summary.model_copy(
        update={
            "id": await services.store.put(filled),
            "device": await rendering.device(),
            "deterministic": await rendering.is_deterministic(),
            "warnings": first_warnings(_without_model(rendering, predictor) + await rendering.warnings()),
        }
    )


def _without_model(rendering: Rendering, predictor: Predictor) -> list[PassedOver]:
    if not predictor.stand_in or rendering.bank.stage(predictor.stage) is not None:
        return []
    message = f"{predictor.tool}: voicebank {rendering.bank.id} has no model for it; {predictor.stand_in}"
    return [PassedOver(code="made_by_rule", message=message)]


async def _work_on(rendering: Rendering, predictor: Predictor, index: int) -> PhraseWork:
    phrase = predictor.reads(await rendering.phrase(index))
    bank, engine = rendering.bank, rendering.engine
    unused = await to_thread.run_sync(predictor.unused_controls, phrase, bank, engine)
    rendering.note(bank.stage(predictor.stage), phrase, unused)

    async def make() -> bytes:
        return phrase_to_bytes(await to_thread.run_sync(predictor.predict, phrase, bank, engine))

    return PhraseWork(sha256(phrase_to_bytes(phrase)), make)


async def _summary(performance: Manifest, services: GpuServices) -> PerformanceResult:
    """Count phonemes and seconds; a stage counts as filled when every phrase has it."""
    phonemes, end_s = 0, 0.0
    filled = {"durations": True, "pitch": True, "variance": True}
    for entry in performance.entries:
        phrase = phrase_from_bytes(await services.store.get_blob(entry.blob))
        phonemes += len(phrase.phonemes)
        end_s = max(end_s, entry.start_seconds + phrase.end_s)
        there = (phrase.boundaries_s, phrase.pitch, phrase.variance)
        filled = {name: filled[name] and result is not None for name, result in zip(filled, there, strict=True)}
    return PerformanceResult(
        phrases=len(performance.entries),
        seconds=round(end_s, 3),
        phonemes=phonemes,
        stages=[name for name, everywhere in filled.items() if everywhere],
    )
