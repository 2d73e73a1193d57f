"""predict_variance."""

from __future__ import annotations

from dataclasses import replace

from singsynth_mcp.contracts.performance import PerformanceResult, PredictRequest
from singsynth_mcp.gpu_server.predicting import Predictor, fill_performance
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.synthesis.variance import predict_variance as predict
from singsynth_mcp.synthesis.variance import unused_variance_edits

_PREDICTOR = Predictor(
    tool="predict_variance",
    stage="variance",
    reads=lambda phrase: replace(phrase, variance=None),
    predict=predict,
    unused_controls=unused_variance_edits,
    stand_in="nothing stands in for it",
    always_said=False,
)


async def predict_variance(request: PredictRequest, services: GpuServices) -> PerformanceResult:
    """Give a performance the variance curves that its voicebank predicts; none where it has no such model.

    Raises what predict_durations raises, and StageMissing without pitch.
    """
    return await fill_performance(request, services, _PREDICTOR)
