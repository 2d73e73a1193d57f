"""What a model can run on: onnxruntime's providers, built in or plugged in, and torch's devices.

The one place that starts onnxruntime sessions. Plug-in providers (onnxruntime-ep-webgpu, -openvino, …) are packages of
their own beside onnxruntime: a library that is registered when it is wanted, and that names the devices it can use.
"""

from __future__ import annotations

import ctypes
import importlib
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy.typing as npt

from singsynth_mcp.synthesis.engines.files import file_facts
from singsynth_mcp.synthesis.engines.noise import seeded_model

if TYPE_CHECKING:
    import onnxruntime

Array = npt.NDArray[Any]
CPU = "CPUExecutionProvider"
PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "NvTensorRTRTXExecutionProvider",
    "mlx": "MLXExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""Device → what onnxruntime calls its provider."""
_BUILT_IN: dict[str, dict[str, str]] = {
    # Every phrase has a new length: an exhaustive search for each would take longer than the work.
    "CUDAExecutionProvider": {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"},
}
_PLUGIN = "onnxruntime_ep_"


class Absent(Exception):
    """A device or engine that is not on this machine; nothing is wrong."""


class Unusable(Exception):
    """A device or provider that is there and does not work."""


class Declared(Protocol):
    """An input or output, as sessions describe them."""

    @property
    def name(self) -> str:
        """Return its name."""

    @property
    def type(self) -> str:
        """Return its type as onnxruntime spells it."""

    @property
    def shape(self) -> Sequence[int | str | None]:
        """Return its sizes: numbers, names, or nothing."""


class Session(Protocol):
    """An open model."""

    def get_inputs(self) -> Sequence[Declared]:
        """Return the declared inputs."""

    def get_outputs(self) -> Sequence[Declared]:
        """Return the declared outputs."""

    def run(self, names: Sequence[str], feeds: Mapping[str, Array]) -> Sequence[Array]:
        """Return the named outputs."""


class Backend(Protocol):
    """An engine on a device."""

    engine: ClassVar[str]

    @property
    def device(self) -> str:
        """Return the device's name in settings."""

    @property
    def version(self) -> str:
        """Return the engine's version, with the provider's where that is a package of its own."""

    def open(self, path: Path, threads: int) -> Session:
        """Open a model; what is raised says why it cannot run here."""


@dataclass(frozen=True)
class OnnxCpu:
    """onnxruntime on the CPU: runs every model, and is what others are compared with."""

    engine: ClassVar[str] = "onnxruntime"
    device: str = "cpu"

    @property
    def version(self) -> str:
        """Return onnxruntime's version."""
        return onnxruntime_version()

    def open(self, path: Path, threads: int) -> Session:
        """Open a model."""
        session: Session = _start(path, session_options(threads), [CPU])
        return session


@dataclass(frozen=True)
class OnnxProvider:
    """onnxruntime on an accelerator, by a provider that is built in or plugged in."""

    engine: ClassVar[str] = "onnxruntime"
    device: str
    provider: str
    plugin: Any = field(default=None, compare=False)
    """The onnxruntime.OrtEpDevice of a plug-in."""

    @property
    def version(self) -> str:
        """Return onnxruntime's version and the plug-in's."""
        own = self.plugin.ep_metadata.get("version") if self.plugin is not None else None
        return f"{onnxruntime_version()} with {self.provider} {own}" if own else onnxruntime_version()

    def open(self, path: Path, threads: int) -> Session:
        """Open a model. Raises Unusable where onnxruntime would quietly go to the CPU instead."""
        options = session_options(threads)
        options.use_deterministic_compute = True
        if self.plugin is None:
            session: Any = _start(path, options, [(self.provider, _BUILT_IN.get(self.provider, {})), CPU])
        else:
            options.add_provider_for_devices([self.plugin], {})
            session = _start(path, options)
        if self.provider not in session.get_providers():
            raise Unusable(f"onnxruntime could not start {self.provider}")
        opened: Session = session
        return opened


@dataclass(frozen=True)
class TorchBackend:
    """The shipped nets as torch modules."""

    engine: ClassVar[str] = "torch"
    device: str

    @property
    def version(self) -> str:
        """Return torch's version."""
        return metadata.version("torch")

    def open(self, path: Path, threads: int) -> Session:
        """Open a model. Raises NotOurNet for one that was not exported from the shipped nets."""
        from singsynth_mcp.synthesis.engines.torch.inference.session import TorchSession

        return TorchSession(path, self.device, threads)


def find_provider(device: str, *, by_name: bool) -> OnnxProvider:
    """Return onnxruntime's provider for a device.

    by_name: whether somebody asked for it; if not, one that has nothing but the CPU to run on is left alone.
    Raises Absent, Unusable.
    """
    provider = PROVIDERS[device]
    plugin = _plugin_module(device)
    if plugin is None and device != "cuda":
        raise Absent(f"no package onnxruntime-ep-{device} is installed")
    if device == "cuda" and not _has_nvidia_driver():
        raise Absent("there is no NVIDIA driver")
    import onnxruntime

    if provider in onnxruntime.get_available_providers():
        return OnnxProvider(device, provider)
    if plugin is not None:
        _register(provider, plugin)
    offered = [offer for offer in onnxruntime.get_ep_devices() if offer.ep_name == provider]
    on_cpu = onnxruntime.OrtHardwareDeviceType.CPU
    offered.sort(key=lambda offer: offer.device.type == on_cpu)
    if not offered or (offered[0].device.type == on_cpu and not by_name):
        raise Absent(f"{provider} finds no hardware of its kind" if plugin else "onnxruntime is built without CUDA")
    return OnnxProvider(device, provider, offered[0])


def find_torch(device: str) -> TorchBackend:
    """Return torch on a device. Raises Absent, Unusable."""
    if find_spec("torch") is None:
        raise Absent("torch is not installed")
    if device == "cuda" and not (_has_nvidia_driver() or "rocm" in metadata.version("torch")):
        raise Absent("there is no NVIDIA driver")
    if device == "mps" and (sys.platform, platform.machine()) != ("darwin", "arm64"):
        raise Absent("this is no Apple silicon")
    if find_spec("onnx") is None:
        raise Unusable("torch reads the voice with the package onnx, which is not installed")
    try:
        import torch
    except Exception as error:  # a broken binary package may raise anything
        raise Unusable(f"torch does not import: {error}") from error
    if device == "cuda" and not torch.cuda.is_available():
        raise Absent(f"torch {torch.__version__} finds no CUDA device")
    if device == "mps" and not torch.backends.mps.is_available():
        raise Absent(f"torch {torch.__version__} finds no Metal device")
    return TorchBackend(device)


@lru_cache(maxsize=1)
def onnxruntime_version() -> str:
    """Return onnxruntime's version, without importing it where its package says."""
    try:
        return metadata.version("onnxruntime")
    except metadata.PackageNotFoundError:  # onnxruntime-gpu and others take its place
        import onnxruntime

        return str(onnxruntime.__version__)


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Return the options that every session has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Idle threads that spin would take the cores from the model that runs next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _start(
    path: Path, options: onnxruntime.SessionOptions, providers: list[Any] | None = None
) -> onnxruntime.InferenceSession:
    import onnxruntime

    source = seeded_model(path) if file_facts(path).draws_noise else None
    # Of use only where the bytes of a graph name a file of weights.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path.parent))
    return onnxruntime.InferenceSession(source or str(path), sess_options=options, providers=providers)


def _plugin_module(device: str) -> str | None:
    """Return the installed package with a device's provider, for example onnxruntime_ep_webgpu."""
    return next((name for name in _plugin_modules() if device in name), None)


@lru_cache(maxsize=1)
def _plugin_modules() -> tuple[str, ...]:
    return tuple(module.name for module in iter_modules() if module.name.startswith(_PLUGIN))


@lru_cache(maxsize=8)
def _register(provider: str, module: str) -> None:
    """Load a plug-in's library into onnxruntime, once a process. Raises Unusable."""
    import onnxruntime

    try:
        package = importlib.import_module(module)
        locate = getattr(package, "get_library_path", None) or package.library_path
        onnxruntime.register_execution_provider_library(provider, locate())
    except Exception as error:  # the plug-ins' own exceptions share no base
        raise Unusable(f"{module} does not load: {first_line(error)}") from error


def _has_nvidia_driver() -> bool:
    """Return whether a CUDA device may be there, without the seconds that importing torch takes."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def first_line(error: Exception) -> str:
    """Return the first line of what an exception says; of a long one, both ends, since the cause stands at the end."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return lines[0] if len(lines[0]) <= 300 else f"{lines[0][:80]} … {lines[0][-200:]}"
