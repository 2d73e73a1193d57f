"""predict_durations."""

from __future__ import annotations

from dataclasses import replace

from singsynth_mcp.contracts.performance import PerformanceResult, PredictRequest
from singsynth_mcp.gpu_server.predicting import Predictor, fill_performance
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.gpu_server.sung import sung_phrases
from singsynth_mcp.gpu_server.voicebanks import check_files
from singsynth_mcp.synthesis.durations import predict_durations as predict

_PREDICTOR = Predictor(
    tool="predict_durations",
    stage="durations",
    reads=lambda phrase: replace(phrase, boundaries_s=None, pitch=None, variance=None),
    predict=predict,
    stand_in="consonants got the lengths of a table",
    check=check_files,
)


async def predict_durations(request: PredictRequest, services: GpuServices) -> PerformanceResult:
    """Give every phoneme its time, vowels on the written onsets.

    A file that a later stage would miss is missed here, before anything is rendered. Of the phrases it is said which
    have been sung before.

    Raises UnknownArtifact, WrongArtifactKind, VoicebankMismatch, InvalidVoicebank, InvalidRequest, SynthesisFailed.
    """
    result = await fill_performance(request, services, _PREDICTOR)
    return result.model_copy(update={"sung": await sung_phrases(request.performance, services) or None})
