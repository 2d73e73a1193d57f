"""`singsynth-mcp proxy|cpu|gpu`: serve MCP over stdio, streamable HTTP or SSE."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from singsynth_mcp.serving.transports import Transport

_APPS = {
    "proxy": "singsynth_mcp.proxy.app",
    "cpu": "singsynth_mcp.cpu_server.app",
    "gpu": "singsynth_mcp.gpu_server.app",
}


def serve(server: str, transport: Transport = "stdio", host: str = "127.0.0.1", port: int = 0) -> None:
    """Serve until the host hangs up (stdio) or the process is stopped (HTTP, SSE)."""
    import_module(_APPS[server]).run(transport, host, port)


def proxy(*, transport: Literal["stdio", "sse", "http"] = "stdio", host: str = "127.0.0.1", port: int = 8765) -> None:
    """Serve every tool at one endpoint: the CPU and GPU servers' merged, and `sing`. What a host should start."""
    serve("proxy", transport, host, port)


def cpu(*, transport: Literal["stdio", "sse", "http"] = "stdio", host: str = "127.0.0.1", port: int = 8766) -> None:
    """Serve the light tools: scores, lyrics, saving and inspecting audio."""
    serve("cpu", transport, host, port)


def gpu(*, transport: Literal["stdio", "sse", "http"] = "stdio", host: str = "127.0.0.1", port: int = 8767) -> None:
    """Serve the heavy tools: durations, pitch, variance, mel, vocoder. Models are loaded at first use and kept."""
    serve("gpu", transport, host, port)
