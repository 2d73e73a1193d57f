"""Where each tool of the CPU server is: "module:function", imported at its first call."""

from __future__ import annotations

TOOLS: dict[str, str] = {
    "parse_score": "singsynth_mcp.cpu_server.scores:parse_score",
    "modify_score": "singsynth_mcp.cpu_server.scores:modify_score",
    "phonemize": "singsynth_mcp.cpu_server.lyrics:phonemize",
    "align_phonemes_to_notes": "singsynth_mcp.cpu_server.alignment:align_phonemes_to_notes",
    "modify_performance": "singsynth_mcp.cpu_server.coaching:modify_performance",
    "save_audio": "singsynth_mcp.cpu_server.media:save_audio",
    "export": "singsynth_mcp.cpu_server.exporting:export",
    "render_score": "singsynth_mcp.cpu_server.engraving:render_score",
    "inspect_performance": "singsynth_mcp.cpu_server.inspection:inspect_performance",
}
