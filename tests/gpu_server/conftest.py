from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.arguments import load_tool, read_arguments
from singsynth_mcp.contracts.tools import TOOLS as SPECS
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.gpu_server.tools import TOOLS
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.settings import Settings
from singsynth_mcp.synthesis.engines.onnx import OnnxModel
from singsynth_mcp.voicebanks import get_voicebank
from tests.singing import store_performance

CHAIN = ("predict_durations", "predict_pitch", "predict_variance", "synthesize_audio", "vocode")


@dataclass
class Gpu:
    """The gpu server's tools over a folder of voicebanks and an empty store."""

    services: GpuServices
    banks: Path

    async def call(self, tool: str, **arguments: Any) -> Any:
        return await load_tool(TOOLS[tool])(read_arguments(SPECS[tool], arguments), self.services)

    async def performance(self, bank: str, phrases: list[tuple[float, Phrase]], seed: int = 0) -> str:
        return await store_performance(self.services.store, get_voicebank(bank, [self.banks]), phrases, seed)

    async def chain(self, performance: str, until: str = "vocode", phrases: str = "all") -> list[Any]:
        """Run the stages up to `until`; returns their results."""
        results: list[Any] = []
        artifact = performance
        for tool in CHAIN[: CHAIN.index(until) + 1]:
            kind = "mel" if tool == "vocode" else "performance"
            results.append(await self.call(tool, **{kind: artifact, "phrases": phrases}))
            artifact = results[-1].id
        return results

    async def blobs(self, artifact: str) -> list[bytes]:
        manifest = await self.services.store.get(artifact)
        return [await self.services.store.get_blob(entry.blob) for entry in manifest.entries]


@pytest.fixture
def gpu(tmp_path: Path) -> Gpu:
    banks = tmp_path / "banks"
    banks.mkdir()
    settings = Settings(voicebanks=(banks,), threads=1, default_voicebank="multi", artifacts=tmp_path / "artifacts")
    return Gpu(GpuServices(settings, FolderStore(settings.artifacts, max_bytes=2**30, max_days=30)), banks)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the model files that have been run, in order."""
    names: list[str] = []
    run = OnnxModel.run

    def counted(model: OnnxModel, feeds: Any) -> Any:
        names.append(f"{model.path.parent.name}/{model.path.name}")
        return run(model, feeds)

    monkeypatch.setattr(OnnxModel, "run", counted)
    return names
