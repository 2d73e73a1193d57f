"""Backends that behave as accelerators do: well, wrongly, not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from singsynth_mcp.synthesis.engines.backends import OnnxCpu
from singsynth_mcp.synthesis.engines.devices import Choice


class Bent:
    """A session whose answers are off by a constant."""

    def __init__(self, session: Any, offset: float) -> None:
        self.session, self.offset = session, offset

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def run(self, names: Any, feeds: Any) -> list[Any]:
        values = self.session.run(names, feeds)
        return [value + np.float32(self.offset) if value.dtype.kind == "f" else value for value in values]


@dataclass(frozen=True)
class MadeBackend:
    """onnxruntime on the CPU under another name."""

    engine: ClassVar[str] = "made"
    device: str = "drum"
    version: str = "1"
    offset: float = 0.0
    failure: Exception | None = None
    opened: list[Path] = field(default_factory=list)

    def open(self, path: Path, threads: int) -> Any:
        self.opened.append(path)
        if self.failure is not None:
            raise self.failure
        return Bent(OnnxCpu().open(path, threads), self.offset)

    def chosen(self, setting: str) -> Choice:
        return Choice((self, OnnxCpu()), f"the test asked for {setting}")
