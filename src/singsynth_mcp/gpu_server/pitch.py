"""predict_pitch."""

from __future__ import annotations

from dataclasses import replace

from singsynth_mcp.contracts.performance import PerformanceResult, PredictPitchRequest
from singsynth_mcp.gpu_server.predicting import Predictor, fill_performance
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.synthesis.pitch import predict_pitch as predict
from singsynth_mcp.synthesis.pitch import unused_pitch_controls

_PREDICTOR = Predictor(
    tool="predict_pitch",
    stage="pitch",
    reads=lambda phrase: replace(phrase, pitch=None, variance=None),
    predict=predict,
    unused_controls=unused_pitch_controls,
    stand_in="the written notes were joined by glides, with vibrato and drift",
)
_DRAWN = replace(_PREDICTOR, without="pitch", always_said=False)


async def predict_pitch(request: PredictPitchRequest, services: GpuServices) -> PerformanceResult:
    """Give a performance its pitch curve: the pitch model's, or the drawn line where it is asked for.

    Raises what predict_durations raises, and StageMissing without durations.
    """
    return await fill_performance(request, services, _DRAWN if request.drawn else _PREDICTOR)
