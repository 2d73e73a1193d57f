"""The in-process ToolCaller: both servers' tools in one process, without MCP, for the command line and Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singsynth_mcp.contracts.arguments import load_tool, read_arguments
from singsynth_mcp.contracts.calling import OnProgress, ignore_progress
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import UnknownName
from singsynth_mcp.settings import Settings

if TYPE_CHECKING:
    from singsynth_mcp.artifacts.base import ArtifactStore
    from singsynth_mcp.cpu_server.services import CpuServices
    from singsynth_mcp.gpu_server.services import GpuServices


class LocalCaller:
    """Calls the tools of the CPU and the GPU server as functions; a tool's module is imported at its first call."""

    def __init__(self, settings: Settings, *, readable: tuple[Path, ...] = (), writable: tuple[Path, ...] = ()) -> None:
        """`readable` and `writable` are folders beside those of the settings that paths may point into."""
        self._settings = settings
        self._readable = readable
        self._writable = writable

    async def call(
        self, name: str, arguments: Mapping[str, Any], on_progress: OnProgress = ignore_progress
    ) -> dict[str, Any]:
        """Run a tool and return its structured result. Raises SingSynthError: what the tool raised, or no such tool."""
        spec = TOOLS.get(name)
        target = self._targets.get(name)
        if spec is None or target is None:
            raise UnknownName(f"there is no tool {name!r}", hint=f"Tools: {', '.join(sorted(self._targets))}.")
        services = self._gpu if spec.server == "gpu" else self._cpu
        request = read_arguments(spec, arguments)
        result = await load_tool(target)(request, replace(services, on_progress=on_progress))
        return result.model_dump(mode="json", exclude_none=True)

    @cached_property
    def _targets(self) -> dict[str, str]:
        from singsynth_mcp.cpu_server.tools import TOOLS as CPU_TOOLS
        from singsynth_mcp.gpu_server.tools import TOOLS as GPU_TOOLS

        return {**CPU_TOOLS, **GPU_TOOLS}

    @cached_property
    def _store(self) -> ArtifactStore:
        from singsynth_mcp.artifacts.opening import open_store

        return open_store(self._settings)

    @cached_property
    def _cpu(self) -> CpuServices:
        from singsynth_mcp.cpu_server.services import CpuServices

        settings = self._settings
        return CpuServices(
            settings,
            self._store,
            readable=(*settings.readable_roots, *self._readable),
            writable=(settings.output, *self._writable),
        )

    @cached_property
    def _gpu(self) -> GpuServices:
        from singsynth_mcp.gpu_server.services import GpuServices

        return GpuServices(self._settings, self._store)
