"""Where each tool of the CPU server is: "module:function", imported at its first call."""

from __future__ import annotations

TOOLS: dict[str, str] = {}
