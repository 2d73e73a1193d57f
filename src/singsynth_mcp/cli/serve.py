"""`singsynth-mcp proxy|cpu|gpu`: serve MCP over stdio, streamable HTTP or SSE."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Literal

Transport = Literal["stdio", "sse", "http"]

_APPS = {
    "proxy": "singsynth_mcp.proxy.app",
    "cpu": "singsynth_mcp.cpu_server.app",
    "gpu": "singsynth_mcp.gpu_server.app",
}


def serve(server: str, transport: Transport = "stdio", host: str = "127.0.0.1", port: int = 0, **more: Any) -> None:
    """Serve until the host hangs up (stdio) or the process is stopped (HTTP, SSE)."""
    import_module(_APPS[server]).run(transport, host, port, **more)


def proxy(
    *,
    transport: Transport = "stdio",
    host: str = "127.0.0.1",
    port: int = 8765,
    config: Path | None = None,
) -> None:
    """Serve every tool at one endpoint: the CPU and GPU servers' merged, and `sing`. What a host should start.

    :param config: JSON file with the upstream servers (mcpServers); the package's own two otherwise.
    """
    serve("proxy", transport, host, port, config=config)


def cpu(*, transport: Transport = "stdio", host: str = "127.0.0.1", port: int = 8766) -> None:
    """Serve the light tools: scores, lyrics, saving and inspecting audio."""
    serve("cpu", transport, host, port)


def gpu(
    *,
    transport: Transport = "stdio",
    host: str = "127.0.0.1",
    port: int = 8767,
    role: Literal["all", "inference", "vocoder"] = "all",
) -> None:
    """Serve the heavy tools: durations, pitch, variance, mel, vocoder. Models are loaded at first use and kept.

    :param role: List only this role's tools.
    """
    serve("gpu", transport, host, port, role=role)
