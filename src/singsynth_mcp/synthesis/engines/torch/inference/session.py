"""A net of the shipped voice behind the face of an onnxruntime session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from singsynth_mcp.synthesis.engines.torch.inference.graphs import Array, Graph, Tensor
from singsynth_mcp.synthesis.engines.torch.inference.weights import read_net


class TorchSession:
    """Runs the net that an ONNX file was exported from. Raises NotOurNet for a file of another origin.

    threads: of the whole process; 0 leaves torch's own choice.
    """

    def __init__(self, path: Path, device: str, threads: int = 0) -> None:
        graph = Graph(path)
        self._device = torch.device(device)
        self._net = read_net(graph).to(self._device)
        self._inputs, self._outputs = graph.inputs, graph.outputs
        if threads:
            torch.set_num_threads(threads)

    def get_inputs(self) -> list[Tensor]:
        """Return the inputs that the file declares."""
        return self._inputs

    def get_outputs(self) -> list[Tensor]:
        """Return the outputs that the file declares."""
        return self._outputs

    def run(self, names: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        """Return the named outputs; safe to call from several threads."""
        exact = torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False)
        # The nets make a few small tables as they go: under the device's own context they are made there.
        with torch.inference_mode(), self._device, exact:
            given = {name: torch.from_numpy(value).to(self._device) for name, value in feeds.items()}
            made = self._net(**given)
            outputs = made if isinstance(made, tuple) else (made,)
            arrays = [value.cpu().numpy() for value in outputs]
        by_name = dict(zip((value.name for value in self._outputs), arrays, strict=True))
        return [by_name[name] for name in names]
