"""The nets out of the voicebank's ONNX files: there is one copy of the weights, and it is there.

A file fits when its metadata names one of these nets at this version or, where it has none, when its outputs are a
net's, its inputs are what the net's forward takes, and its weights fill the net without one missing or left over.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from singsynth_mcp.synthesis.engines.torch.acoustic import Acoustic
from singsynth_mcp.synthesis.engines.torch.durations import DurationPredictor
from singsynth_mcp.synthesis.engines.torch.fourier import HALF, ROWS
from singsynth_mcp.synthesis.engines.torch.harmonics import HarmonicMel
from singsynth_mcp.synthesis.engines.torch.inference.graphs import NET_KEY, VERSION_KEY, Array, Graph, NotOurNet
from singsynth_mcp.synthesis.engines.torch.linguistic import WORD_FEATURES, LinguisticEncoder
from singsynth_mcp.synthesis.engines.torch.pitch import FRAME_SECONDS, PitchPredictor
from singsynth_mcp.synthesis.engines.torch.source_filter import BANDS, SAMPLE_RATE
from singsynth_mcp.synthesis.engines.torch.variance import VariancePredictor
from singsynth_mcp.synthesis.engines.torch.vocoder import Vocoder

NETS_VERSION = "8"
"""Grows when a net computes something else from the same weights."""
_OUTPUTS = {
    ("encoder_out", "x_masks"): "linguistic",
    ("ph_dur_pred",): "durations",
    ("pitch_pred",): "pitch",
    ("breathiness_pred", "voicing_pred", "tension_pred"): "variance",
    ("mel",): "acoustic",
    ("waveform",): "vocoder",
}


def read_net(graph: Graph) -> nn.Module:
    """Return the net that a file was exported from, with its weights, ready to run. Raises NotOurNet."""
    name = _net_name(graph)
    try:
        net = _BUILDERS[name](graph)
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        raise NotOurNet(f"its weights are not those of the {name} net ({error})") from error
    taken = list(inspect.signature(net.forward).parameters)
    given = [value.name for value in graph.inputs]
    if taken != given:
        raise NotOurNet(f"it takes {', '.join(given)}; the {name} net takes {', '.join(taken)}")
    _fill(net, graph.weights, f"the {name} net")
    return net.eval().requires_grad_(False)


def load_weights(net: nn.Module, path: Path) -> None:
    """Load a file's weights into a net of the same kind, for example to go on fitting it.

    A weight may be larger than the file's: phonemes, languages, control features and curves are only ever appended, and
    what the file does not know stays as it is. Raises NotOurNet for any other difference.
    """
    graph = Graph(path)
    weights = dict(graph.weights)
    for name, value in net.state_dict().items():
        stored = weights.get(name)
        if stored is not None and _is_grown(value.shape, stored.shape):
            grown = value.numpy().copy()
            grown[tuple(slice(size) for size in stored.shape)] = stored
            weights[name] = grown
    _fill(net, weights, path.name)


def _is_grown(shape: Sequence[int], stored: Sequence[int]) -> bool:
    same_rank = len(shape) == len(stored)
    return same_rank and tuple(shape) != tuple(stored) and all(a >= b for a, b in zip(shape, stored, strict=True))


def _net_name(graph: Graph) -> str:
    written = graph.metadata.get(VERSION_KEY)
    if written not in (None, NETS_VERSION):
        raise NotOurNet(f"it is of version {written} of the nets, not {NETS_VERSION}")
    name = _OUTPUTS.get(tuple(value.name for value in graph.outputs), "")
    if not name or graph.metadata.get(NET_KEY, name) != name:
        raise NotOurNet("it was not exported from the shipped nets")
    return name


def _fill(net: nn.Module, weights: Mapping[str, Array], name: str) -> None:
    wanted = net.state_dict()
    if differing := sorted(wanted.keys() ^ weights.keys()):
        there = "is missing" if differing[0] in wanted else "is not known"
        raise NotOurNet(f"it is not {name}: its weight {differing[0]} {there}")
    for key, value in wanted.items():
        if tuple(value.shape) != weights[key].shape:
            raise NotOurNet(
                f"it is not {name}: its weight {key} is {list(weights[key].shape)}, not {list(value.shape)}"
            )
    net.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in weights.items()})


def _depth(weights: Mapping[str, Array], stack: str) -> int:
    return sum(key.startswith(f"{stack}.") and key.endswith(".scale") for key in weights)


def _mel(weights: Mapping[str, Array]) -> HarmonicMel:
    template, white = (torch.from_numpy(np.array(weights[f"mel.{key}"])) for key in ("template", "white"))
    return HarmonicMel(template, white)


def _linguistic(graph: Graph) -> nn.Module:
    weights = graph.weights
    (tokens, inner), languages = weights["token.weight"].shape, len(weights["language.weight"])
    return LinguisticEncoder(tokens, languages, inner + WORD_FEATURES, _depth(weights, "blocks"))


def _durations(graph: Graph) -> nn.Module:
    width, hidden = graph.weights["speaker.weight"].shape
    return DurationPredictor(hidden, width, _depth(graph.weights, "blocks"))


def _pitch(graph: Graph) -> nn.Module:
    weights = graph.weights
    width, hidden = weights["speaker.weight"].shape
    response = torch.from_numpy(np.array(weights["response"]))
    vibrato_hz = graph.angular_step() / (2.0 * math.pi * FRAME_SECONDS)
    return PitchPredictor(hidden, width, _depth(weights, "blocks"), response, vibrato_hz)


def _variance(graph: Graph) -> nn.Module:
    width, hidden = graph.weights["speaker.weight"].shape
    return VariancePredictor(hidden, width, _depth(graph.weights, "blocks"))


def _acoustic(graph: Graph) -> nn.Module:
    weights = graph.weights
    (width, hidden), languages = weights["speaker.weight"].shape, len(weights["language.weight"])
    depth = _depth(weights, "blocks")
    return Acoustic(len(weights["token.weight"]), languages, hidden, width, depth, _mel(weights))


def _vocoder(graph: Graph) -> nn.Module:
    weights = graph.weights
    width = len(weights["input.bias"])
    # The bands' centres are not stored; what is made of them is.
    centres_hz = np.linspace(0.0, SAMPLE_RATE / 2, BANDS)
    to_bands = torch.from_numpy(np.array(weights["to_bands"]))
    net = Vocoder(width, _depth(weights, "blocks"), _mel(weights), centres_hz, to_bands)
    shape = (BANDS, ROWS * HALF)
    to_bins, to_phase = (table for table in graph.factors("synthesiser") if table.shape == shape)
    net.synthesiser.to_bins.copy_(torch.from_numpy(np.array(to_bins)))
    net.synthesiser.to_phase.copy_(torch.from_numpy(np.array(to_phase)))
    return net


_BUILDERS: dict[str, Callable[[Graph], nn.Module]] = {
    "linguistic": _linguistic,
    "durations": _durations,
    "pitch": _pitch,
    "variance": _variance,
    "acoustic": _acoustic,
    "vocoder": _vocoder,
}
