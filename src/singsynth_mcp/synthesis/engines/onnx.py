"""ONNX models, on the best backend of this machine. They are opened once and shared by all threads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock, RLock

import numpy as np

from singsynth_mcp.errors import InvalidVoicebank, SynthesisFailed
from singsynth_mcp.synthesis.engines.backends import Array as Array
from singsynth_mcp.synthesis.engines.backends import Backend, Declared, Session, first_line
from singsynth_mcp.synthesis.engines.cache import ModelCache
from singsynth_mcp.synthesis.engines.devices import Choice, choose
from singsynth_mcp.synthesis.engines.files import file_facts, file_stat
from singsynth_mcp.synthesis.engines.probe import DTYPES, disagreement
from singsynth_mcp.synthesis.engines.torch.inference.graphs import NotOurNet

_Key = tuple[Path, int, int, bool]
"""File, time of change, size, whether kept on the CPU."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TensorSpec:
    """An input or output as the graph declares it."""

    name: str
    dtype: type[np.generic]
    shape: tuple[int | str | None, ...]


@dataclass(frozen=True)
class Placement:
    """What a model runs on."""

    engine: str
    version: str
    device: str
    warnings: tuple[str, ...] = ()
    """Why it is not a backend that was preferred and should have run the model."""

    @property
    def repeats(self) -> bool:
        """Whether equal inputs give equal bits: torch promises that of no cumulative sum on CUDA."""
        return (self.engine, self.device) != ("torch", "cuda")

    def __str__(self) -> str:
        return f"{self.engine} {self.version} on {self.device}"


class OnnxModel:
    """An open model."""

    def __init__(self, path: Path, session: Session, placement: Placement) -> None:
        self.path = path
        self.placement = placement
        self.inputs = {spec.name: spec for spec in map(_spec, session.get_inputs())}
        self.outputs = {spec.name: spec for spec in map(_spec, session.get_outputs())}
        self._session = session
        self._turn = Lock()
        """A run takes every core; two at once of one model would only take twice the memory."""

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs by name; safe to call from several threads, which take turns.

        Raises SynthesisFailed when the graph rejects the feeds or an output is not finite.
        """
        try:
            with self._turn:
                values = self._session.run(list(self.outputs), dict(feeds))
        except Exception as error:  # onnxruntime's and torch's own exceptions share no base
            raise SynthesisFailed(
                f"model {self.path} failed: {first_line(error)}", hint=self._hint(), path=str(self.path)
            ) from error
        outputs: dict[str, Array] = dict(zip(self.outputs, values, strict=True))
        for name, value in outputs.items():
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise SynthesisFailed(
                    f"output {name} of model {self.path} holds numbers that are not finite",
                    hint=self._hint(),
                    path=str(self.path),
                )
        return outputs

    def _hint(self) -> str:
        if self.placement.device == "cpu":
            return ""
        return f"It ran on {self.placement}; SINGSYNTH_DEVICE=cpu runs it on the CPU."


class OnnxEngine:
    """Opens models with a number of threads, on the best backend of this machine, and keeps them open.

    device: as in the setting: "auto", a device, or an engine and a device ("torch:cuda").
    max_bytes: of the files of the models that are kept open; what was used least recently is closed.
    """

    def __init__(
        self,
        threads: int = 0,
        device: str = "cpu",
        max_bytes: int = 2**30,
        choose: Callable[[str], Choice] = choose,
    ) -> None:
        self.threads = threads
        self.device = device
        self._choose = choose
        self._models: ModelCache[OnnxModel] = ModelCache(max_bytes)
        self._decided: dict[_Key, tuple[Backend, Placement]] = {}
        """Where each file runs; stays when its model is closed, so that nothing is compared twice."""
        self._lock = RLock()

    @cached_property
    def choice(self) -> Choice:
        """What the device came to on this machine; the first look may import torch and load plug-ins."""
        with self._lock:
            return self._choose(self.device)

    def open(self, path: Path, *, on_cpu: bool = False) -> OnnxModel:
        """Return the model in `path`. Raises InvalidVoicebank when it is missing, damaged or unusable."""
        stat = file_stat(path)
        key = (path, stat.st_mtime_ns, stat.st_size, on_cpu)
        with self._lock:
            model = self._models.get(key)
            if model is None:
                model = self._reopened(key) or self._load(key, self._backends(on_cpu))
                self._models.put(key, model, stat.st_size)
            return model

    def placement(self, path: Path, *, on_cpu: bool = False) -> Placement:
        """Return what a model runs on; opens it only where that is not known beforehand. Raises InvalidVoicebank."""
        backends = self._backends(on_cpu)
        if len(backends) == 1:
            return _placement(backends[0])
        stat = file_stat(path)
        decided = self._decided.get((path, stat.st_mtime_ns, stat.st_size, on_cpu))
        return decided[1] if decided else self.open(path, on_cpu=on_cpu).placement

    def _backends(self, on_cpu: bool) -> tuple[Backend, ...]:
        if on_cpu:
            return tuple(backend for backend in self.choice.backends if backend.device == "cpu")
        return self.choice.backends

    def _reopened(self, key: _Key) -> OnnxModel | None:
        """Open a model again where it ran before, if it still can."""
        if key not in self._decided:
            return None
        backend, placement = self._decided[key]
        try:
            return OnnxModel(key[0], backend.open(key[0], self.threads), placement)
        except Exception:  # each backend has exceptions of its own; trying all of them says what is wrong
            return None

    def _load(self, key: _Key, backends: tuple[Backend, ...]) -> OnnxModel:
        """Open a model on the first backend that runs it and answers as the CPU does."""
        path = key[0]
        *preferred, cpu = backends
        warnings: list[str] = []
        for backend in preferred:
            try:
                session = backend.open(path, self.threads)
                problem = None if file_facts(path).draws_noise else disagreement(session, cpu.open(path, self.threads))
            except NotOurNet as error:
                if self.device == "auto":
                    continue  # most voicebanks are not ours, and nobody asked for torch
                problem = str(error)
            except Exception as error:  # each backend has exceptions of its own
                problem = first_line(error)
            if problem is None:
                self._decided[key] = backend, _placement(backend, warnings)
                return OnnxModel(path, session, self._decided[key][1])
            warnings.append(
                f"{path.parent.name}/{path.name} does not run on {backend.engine}:{backend.device}: {problem}"
            )
            _log.warning(warnings[-1])
        try:
            self._decided[key] = cpu, _placement(cpu, warnings)
            return OnnxModel(path, cpu.open(path, self.threads), self._decided[key][1])
        except Exception as error:  # onnxruntime's own exceptions share no base
            raise InvalidVoicebank(
                f"{path} is no usable ONNX model: {first_line(error)}",
                hint="Reinstall the voicebank: the file is damaged, incomplete or of an unknown kind",
                path=str(path),
            ) from error


@lru_cache(maxsize=4)
def shared_engine(threads: int, device: str = "auto", max_bytes: int = 2**30) -> OnnxEngine:
    """Return the process's engine for a number of threads (0: one for each core) and a device."""
    return OnnxEngine(threads, device, max_bytes)


def _placement(backend: Backend, warnings: Sequence[str] = ()) -> Placement:
    return Placement(backend.engine, backend.version, backend.device, tuple(warnings))


def _spec(argument: Declared) -> TensorSpec:
    return TensorSpec(argument.name, DTYPES.get(argument.type, np.float32), tuple(argument.shape))
