"""Which backends models are tried on, by the setting SINGSYNTH_DEVICE, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from singsynth_mcp.synthesis.engines.backends import (
    Absent,
    Backend,
    OnnxCpu,
    Unusable,
    find_provider,
    find_torch,
)

Finder = Callable[[bool], Backend]
FINDERS: dict[str, Finder] = {
    "torch:cuda": lambda by_name: find_torch("cuda"),
    "onnxruntime:cuda": lambda by_name: find_provider("cuda", by_name=by_name),
    "onnxruntime:tensorrt": lambda by_name: find_provider("tensorrt", by_name=by_name),
    "onnxruntime:mlx": lambda by_name: find_provider("mlx", by_name=by_name),
    "onnxruntime:webgpu": lambda by_name: find_provider("webgpu", by_name=by_name),
    "onnxruntime:openvino": lambda by_name: find_provider("openvino", by_name=by_name),
    "torch:mps": lambda by_name: find_torch("mps"),
    "torch:cpu": lambda by_name: find_torch("cpu"),
}
"""In the order of `auto`, which takes all that are there but the last. onnxruntime on the CPU ends every list."""
_NOT_BY_ITSELF = "torch:cpu"


@dataclass(frozen=True)
class Choice:
    """What the setting came to."""

    backends: tuple[Backend, ...]
    """To be tried in this order; the last one, onnxruntime on the CPU, runs everything."""
    reason: str
    warnings: tuple[str, ...] = ()
    """What was asked for or is installed, and cannot be used."""


def choose(setting: str) -> Choice:
    """Return the backends for `auto`, a device, or an engine and a device ("torch:cuda")."""
    cpu = OnnxCpu()
    if setting in ("cpu", "onnxruntime:cpu"):
        return Choice((cpu,), f"SINGSYNTH_DEVICE is {setting}")
    named = setting != "auto"
    found: list[Backend] = []
    absent: list[str] = []
    unusable: list[str] = []
    for name in _candidates(setting):
        try:
            found.append(FINDERS[name](named))
        except Absent as error:
            absent.append(f"{name}: {error}")
        except Unusable as error:
            unusable.append(f"{name}: {error}")
    if not named:
        taken = ", ".join(f"{backend.engine}:{backend.device}" for backend in found)
        reason = f"auto found {taken}" if taken else "auto found no accelerator"
        return Choice((*found, cpu), reason, tuple(f"{problem}; it is passed over" for problem in unusable))
    if found:
        return Choice((*found, cpu), f"SINGSYNTH_DEVICE is {setting}")
    why = "; ".join(unusable + absent)
    return Choice((cpu,), f"{setting} cannot be had", (f"SINGSYNTH_DEVICE is {setting}, but {why}; the CPU is used",))


def _candidates(setting: str) -> list[str]:
    if setting == "auto":
        return [name for name in FINDERS if name != _NOT_BY_ITSELF]
    return [name for name in FINDERS if setting in (name, name.partition(":")[2])]
