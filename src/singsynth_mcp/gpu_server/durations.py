"""predict_durations."""

from __future__ import annotations

from dataclasses import replace

from singsynth_mcp.contracts.performance import PerformanceResult, PredictRequest
from singsynth_mcp.gpu_server.predicting import Predictor, fill_performance
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.synthesis.durations import predict_durations as predict

_PREDICTOR = Predictor(
    "predict_durations", lambda phrase: replace(phrase, boundaries_s=None, pitch=None, variance=None), predict
)


async def predict_durations(request: PredictRequest, services: GpuServices) -> PerformanceResult:
    """Give every phoneme its time, vowels on the written onsets.

    Raises UnknownArtifact, WrongArtifactKind, VoicebankMismatch, InvalidVoicebank, InvalidRequest, SynthesisFailed.
    """
    return await fill_performance(request, services, _PREDICTOR)
