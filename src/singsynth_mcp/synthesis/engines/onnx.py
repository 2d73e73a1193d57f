"""ONNX models: the one place that touches onnxruntime. Sessions are opened once and shared by all threads."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from singsynth_mcp.errors import InvalidVoicebank, SynthesisFailed
from singsynth_mcp.synthesis.engines.noise import can_be_seeded, draws_noise, seeded_model

if TYPE_CHECKING:
    import onnxruntime

Array = npt.NDArray[Any]
_MOST_MODELS = 32
"""Sessions kept warm: some four voicebanks."""
_DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


@dataclass(frozen=True)
class TensorSpec:
    """An input or output as the graph declares it."""

    name: str
    dtype: type[np.generic]
    shape: tuple[int | str | None, ...]


class OnnxModel:
    """An open model."""

    def __init__(self, path: Path, session: onnxruntime.InferenceSession) -> None:
        self.path = path
        self.inputs = {spec.name: spec for spec in map(_spec, session.get_inputs())}
        self.outputs = {spec.name: spec for spec in map(_spec, session.get_outputs())}
        self._session = session

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs by name; safe to call from several threads.

        Raises SynthesisFailed when the graph rejects the feeds or an output is not finite.
        """
        try:
            values = self._session.run(list(self.outputs), dict(feeds))
        except Exception as error:  # onnxruntime's own exceptions share no base
            raise SynthesisFailed(f"model {self.path} failed: {_first_line(error)}", path=str(self.path)) from error
        outputs: dict[str, Array] = dict(zip(self.outputs, values, strict=True))
        for name, value in outputs.items():
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise SynthesisFailed(
                    f"output {name} of model {self.path} holds numbers that are not finite", path=str(self.path)
                )
        return outputs


class OnnxEngine:
    """Opens models with a number of threads, on the best provider of this machine, and keeps them open."""

    name = "onnxruntime"

    def __init__(self, threads: int = 0) -> None:
        self.threads = threads
        self._models: OrderedDict[tuple[Path, int, int, bool], OnnxModel] = OrderedDict()
        self._lock = Lock()

    def open(self, path: Path, *, on_cpu: bool = False) -> OnnxModel:
        """Return the model in `path`. Raises InvalidVoicebank when it is missing, damaged or unusable."""
        stat = _stat(path)
        key = (path, stat.st_mtime_ns, stat.st_size, on_cpu)
        with self._lock:
            model = self._models.get(key)
            if model is None:
                model = self._models[key] = OnnxModel(path, self._session(path, on_cpu))
            self._models.move_to_end(key)
            while len(self._models) > _MOST_MODELS:
                self._models.popitem(last=False)
            return model

    def providers(self, *, on_cpu: bool = False) -> tuple[Any, ...]:
        """Return the execution providers that models run on, the preferred first."""
        return ("CPUExecutionProvider",) if on_cpu else _providers()

    def _session(self, path: Path, on_cpu: bool) -> onnxruntime.InferenceSession:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # Idle threads that spin would take the cores from the model that runs next.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = seeded_model(path) if file_facts(path).draws_noise else None
        # Of use only where the bytes of a graph name a file of weights.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path.parent))
        try:
            return onnxruntime.InferenceSession(
                source or str(path), sess_options=options, providers=list(self.providers(on_cpu=on_cpu))
            )
        except Exception as error:  # onnxruntime's own exceptions share no base
            raise InvalidVoicebank(
                f"{path} is no usable ONNX model: {_first_line(error)}",
                hint="Reinstall the voicebank: the file is damaged, incomplete or of an unknown kind",
                path=str(path),
            ) from error


@lru_cache(maxsize=4)
def shared_engine(threads: int) -> OnnxEngine:
    """Return the process's engine for a number of threads (0: one for each core)."""
    return OnnxEngine(threads)


@dataclass(frozen=True)
class FileFacts:
    """What the bytes of a model file say without opening it."""

    sha256: str
    draws_noise: bool
    """Whether the graph has random nodes."""
    is_repeatable: bool
    """Whether equal inputs give equal outputs: no random nodes, or such as a seed can decide."""


def file_facts(path: Path) -> FileFacts:
    """Return a model or embedding file's digest and whether it draws noise. Raises InvalidVoicebank."""
    stat = _stat(path)
    return _file_facts(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _file_facts(path: Path, _modified_ns: int, _bytes: int) -> FileFacts:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidVoicebank(f"{path} cannot be read: {error.strerror}", path=str(path)) from error
    noisy = path.suffix.lower() == ".onnx" and draws_noise(data)
    return FileFacts(hashlib.sha256(data).hexdigest(), noisy, not noisy or can_be_seeded(path))


@lru_cache(maxsize=1)
def _providers() -> tuple[Any, ...]:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        # Every phrase has a new length: an exhaustive search for each would take longer than the work.
        return (("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"}), "CPUExecutionProvider")
    return ("CPUExecutionProvider",)


def _stat(path: Path) -> Any:
    try:
        return path.stat()
    except OSError as error:
        raise InvalidVoicebank(
            f"{path} is missing", hint="Reinstall the voicebank: its config names this file", path=str(path)
        ) from error


def _spec(argument: onnxruntime.NodeArg) -> TensorSpec:
    return TensorSpec(argument.name, _DTYPES.get(argument.type, np.float32), tuple(argument.shape))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
