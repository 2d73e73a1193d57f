"""What an ONNX file says of the net that it was exported from: names, weights, constants.

The exporter keeps a parameter's name, except that a linear layer's weight is stored transposed and named by a number;
the node that multiplies by it still says whose it is. Buffers that are no weights are constants of the graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
NET_KEY, VERSION_KEY = "singsynth.net", "singsynth.nets_version"
"""Entries of the file's metadata that training's export writes."""
_UNNAMED = "onnx::"


class NotOurNet(Exception):
    """A graph that was not exported from these nets; the message says what shows it."""


@dataclass(frozen=True)
class Tensor:
    """An input or output as the file declares it."""

    name: str
    type: str
    """As onnxruntime spells it: tensor(float)."""
    shape: list[int | str | None]


class Graph:
    """An ONNX file, read. Raises NotOurNet when there is none to read."""

    def __init__(self, path: Path) -> None:
        import onnx

        try:
            self._model = onnx.load(path)
        except Exception as error:  # protobuf's and onnx's own exceptions share no base
            raise NotOurNet(f"{path.name} cannot be read: {error}") from error
        self.metadata = {entry.key: entry.value for entry in self._model.metadata_props}
        self.inputs = [self._tensor(value) for value in self._model.graph.input]
        self.outputs = [self._tensor(value) for value in self._model.graph.output]

    @cached_property
    def weights(self) -> dict[str, Array]:
        """Weights and stored tables by their name in the module."""
        from onnx import numpy_helper

        stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in self._model.graph.initializer}
        named = {name: value for name, value in stored.items() if not name.startswith(_UNNAMED)}
        for node in self._model.graph.node:
            if node.op_type == "MatMul" and node.input[1].startswith(_UNNAMED) and node.input[1] in stored:
                named[f"{module_path(node.name)}.weight"] = np.ascontiguousarray(stored[node.input[1]].T)
        return named

    def factors(self, scope: str) -> list[Array]:
        """Return the constants that a module's own matrix products multiply by, each once, in order."""
        constants, found = self._constants, dict[bytes, Array]()
        for node in self._model.graph.node:
            if node.op_type == "MatMul" and node.input[1] in constants and module_path(node.name) == scope:
                value = constants[node.input[1]]
                found.setdefault(value.tobytes(), value)
        return list(found.values())

    def angular_step(self) -> float:
        """Return the number that the argument of the graph's first sine is scaled by. Raises NotOurNet."""
        sine = next((node for node in self._model.graph.node if node.op_type == "Sin"), None)
        made = None if sine is None else next((n for n in self._model.graph.node if sine.input[0] in n.output), None)
        if made is not None and made.op_type == "Mul":
            for name in made.input:
                if name in self._constants:
                    return float(self._constants[name])
        raise NotOurNet("its graph has no wave that runs at a fixed rate")

    @cached_property
    def _constants(self) -> dict[str, Array]:
        from onnx import numpy_helper

        return {
            node.output[0]: numpy_helper.to_array(node.attribute[0].t)
            for node in self._model.graph.node
            if node.op_type == "Constant" and node.attribute[0].name == "value"
        }

    def _tensor(self, value: Any) -> Tensor:
        import onnx

        kind = value.type.tensor_type
        shape = [size.dim_value if size.HasField("dim_value") else size.dim_param or None for size in kind.shape.dim]
        names = {onnx.TensorProto.FLOAT: "float", onnx.TensorProto.INT64: "int64", onnx.TensorProto.BOOL: "bool"}
        return Tensor(value.name, f"tensor({names.get(kind.elem_type, 'other')})", shape)


def module_path(node_name: str) -> str:
    """Return the module that a node belongs to: /blocks/blocks.0/widen/MatMul → blocks.0.widen."""
    scopes = node_name.strip("/").split("/")[:-1]
    kept = [scope for i, scope in enumerate(scopes) if not (scopes[i + 1 :] and scopes[i + 1].startswith(f"{scope}."))]
    return ".".join(kept)
