"""Where each tool of the GPU server is: "module:function", imported at its first call."""

from __future__ import annotations

TOOLS: dict[str, str] = {
    "list_voicebanks": "singsynth_mcp.gpu_server.voicebanks:list_voicebanks",
    "get_voicebank_info": "singsynth_mcp.gpu_server.voicebanks:get_voicebank_info",
    "predict_durations": "singsynth_mcp.gpu_server.durations:predict_durations",
    "predict_pitch": "singsynth_mcp.gpu_server.pitch:predict_pitch",
    "predict_variance": "singsynth_mcp.gpu_server.variance:predict_variance",
    "synthesize_audio": "singsynth_mcp.gpu_server.acoustic:synthesize_audio",
    "vocode": "singsynth_mcp.gpu_server.vocoder:vocode",
}
