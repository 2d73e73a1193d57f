"""predict_durations."""

from __future__ import annotations

from dataclasses import replace

from singsynth_mcp.contracts.performance import PerformanceResult, PredictRequest
from singsynth_mcp.gpu_server.predicting import Predictor, fill_rendering
from singsynth_mcp.gpu_server.rendering import open_rendering
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

    A file that a later stage would miss is missed here, before anything is rendered. Whoever asks for the first phrase
    is told which of all have been sung before.

    Raises UnknownArtifact, WrongArtifactKind, VoicebankMismatch, InvalidVoicebank, InvalidRequest, SynthesisFailed.
    """
    rendering = await open_rendering(_PREDICTOR.tool, request.performance, services)
    result = await fill_rendering(rendering, request.phrases, _PREDICTOR)
    # Windows of a song need not hear again what its first call has said: so many answers would grow with its square.
    sung = await sung_phrases(rendering) if 0 in rendering.facts else []
    return result.model_copy(update={"sung": sung or None})
