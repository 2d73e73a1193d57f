"""Where each tool of the CPU server is: "module:function", imported at its first call."""

from __future__ import annotations

TOOLS: dict[str, str] = {
    "parse_score": "singsynth_mcp.cpu_server.scores:parse_score",
    "modify_score": "singsynth_mcp.cpu_server.scores:modify_score",
}
