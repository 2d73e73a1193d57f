"""Fitted nets to ONNX files whose inputs and outputs are the voicebank format's (section 2)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx
import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines.torch.inference.graphs import NET_KEY, VERSION_KEY
from singsynth_mcp.synthesis.engines.torch.inference.weights import NETS_VERSION
from training import nets
from training.stage import fitted
from training.stages import STAGES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPSET = 17
MEL_BINS = 128


@dataclass(frozen=True)
class Graph:
    """One ONNX file: which net, its inputs in the format's order, its outputs."""

    file: str
    """Path in the voicebank's folder."""
    stage: str
    module: str
    inputs: Callable[[], dict[str, Tensor]]
    """Example inputs, by name."""
    outputs: tuple[str, ...]


AXES = {"n_tokens": 7, "n_words": 4, "n_notes": 5, "n_frames": 60}
"""The symbolic dimensions and the sizes the examples have."""


def _linguistic() -> dict[str, Tensor]:
    tokens = torch.tensor([[1, 10, 3, 12, 4, 5, 1]])
    return {
        "tokens": tokens,
        "languages": (tokens > 2).long(),
        "word_div": torch.tensor([[2, 2, 2, 1]]),
        "word_dur": torch.tensor([[14, 20, 16, 10]]),
    }


def _encoded() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {"encoder_out": torch.randn(1, 7, nets.HIDDEN, generator=generator)}


def _speaker(length: int) -> dict[str, Tensor]:
    return {"spk_embed": nets.speaker_codes()[:1, None].expand(1, length, -1).contiguous()}


def _durations() -> dict[str, Tensor]:
    head = torch.tensor([[0, 0, 1, 1, 2, 2, 3], [1, 0, 1, 0, 1, 0, 1]]).float()
    frames = torch.tensor([14, 14, 20, 20, 16, 16, 10]).float()
    encoder_out = _encoded()["encoder_out"]
    encoder_out[0, :, :2], encoder_out[0, :, 2] = head.T, frames
    return {
        "encoder_out": encoder_out,
        "x_masks": torch.zeros(1, 7, dtype=torch.bool),
        "ph_midi": torch.tensor([[60, 60, 62, 62, 64, 64, 65]]),
        **_speaker(7),
    }


_PH_DUR = torch.tensor([[8, 6, 14, 6, 12, 4, 10]])


def _pitch() -> dict[str, Tensor]:
    return {
        **_encoded(),
        "ph_dur": _PH_DUR,
        "note_midi": torch.tensor([[60.0, 60.0, 62.0, 64.0, 64.0]]),
        "note_rest": torch.tensor([[True, False, False, False, True]]),
        "note_dur": torch.tensor([[14, 16, 12, 10, 8]]),
        "pitch": torch.full((1, 60), 60.0),
        "expr": torch.ones(1, 60),
        "retake": torch.arange(60)[None] > 10,
        **_speaker(60),
        "steps": torch.tensor(10),
    }


def _variance() -> dict[str, Tensor]:
    return {
        **_encoded(),
        "ph_dur": _PH_DUR,
        "pitch": torch.linspace(58.0, 66.0, 60)[None],
        "breathiness": torch.full((1, 60), -50.0),
        "voicing": torch.full((1, 60), -30.0),
        "tension": torch.zeros(1, 60),
        "retake": (torch.arange(60) > 10)[None, :, None].expand(1, 60, 3).contiguous(),
        **_speaker(60),
        "steps": torch.tensor(10),
    }


def _acoustic() -> dict[str, Tensor]:
    linguistic = _linguistic()
    return {
        "tokens": linguistic["tokens"],
        "languages": linguistic["languages"],
        "durations": _PH_DUR,
        "f0": torch.linspace(200.0, 300.0, 60)[None],
        "breathiness": torch.full((1, 60), -50.0),
        "voicing": torch.full((1, 60), -30.0),
        "tension": torch.zeros(1, 60),
        "gender": torch.zeros(1, 60),
        "velocity": torch.ones(1, 60),
        **_speaker(60),
        "steps": torch.tensor(10),
    }


def _vocoder() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(2)
    mel = torch.randn(1, 60, MEL_BINS, generator=generator) - 4.0
    return {"mel": mel, "f0": torch.linspace(200.0, 300.0, 60)[None]}


GRAPHS = (
    Graph("dsdur/linguistic.onnx", "durations", "linguistic", _linguistic,
          ("encoder_out", "x_masks")),
    Graph("dsdur/dur.onnx", "durations", "durations", _durations, ("ph_dur_pred",)),
    Graph("dspitch/linguistic.onnx", "pitch", "linguistic", _linguistic,
          ("encoder_out", "x_masks")),
    Graph("dspitch/pitch.onnx", "pitch", "pitch", _pitch, ("pitch_pred",)),
    Graph("dsvariance/linguistic.onnx", "variance", "linguistic", _linguistic,
          ("encoder_out", "x_masks")),
    Graph("dsvariance/variance.onnx", "variance", "variance", _variance,
          ("breathiness_pred", "voicing_pred", "tension_pred")),
    Graph("acoustic.onnx", "acoustic", "acoustic", _acoustic, ("mel",)),
    Graph("dsvocoder/vocoder.onnx", "vocoder", "vocoder", _vocoder, ("waveform",)),
)  # fmt: skip


def export_graph(graph: Graph, net: nn.Module, path: Path) -> None:
    """Write one net to ``path`` with the format's names and symbolic dimensions."""
    inputs = graph.inputs()
    sizes = {size: name for name, size in AXES.items()}
    axes = {
        name: {i: sizes[size] for i, size in enumerate(value.shape) if i == 1}
        for name, value in inputs.items()
        if value.dim() > 1
    }
    length = _output_axis(graph, axes)
    axes |= {name: {1: length} for name in graph.outputs}
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The tracer warns about every shape it sees; parity at other lengths is tested instead.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=list(graph.outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    _sign(path, graph.module)


def _sign(path: Path, net: str) -> None:
    """Write into the file which net it holds, so that the torch engine knows it again."""
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {NET_KEY: net, VERSION_KEY: NETS_VERSION})
    temporary = path.with_suffix(".tmp")
    onnx.save(model, temporary)
    temporary.replace(path)


def _output_axis(graph: Graph, axes: dict[str, dict[int, str]]) -> str:
    """Name what the outputs' second dimension counts."""
    if graph.outputs == ("waveform",):
        return "n_samples"
    names = {name for axis in axes.values() for name in axis.values()}
    return "n_frames" if "n_frames" in names else "n_tokens"


def export_all(folder: Path, *fits: Path) -> None:
    """Write every graph of the voicebank under ``folder`` from the weights in a folder of fits, or several's mean."""
    stages = {graph.stage: fitted(STAGES[graph.stage](), *fits) for graph in GRAPHS}
    for graph in GRAPHS:
        export_graph(graph, stages[graph.stage].modules[graph.module], folder / graph.file)
