"""Noise that a seed decides: random nodes of a graph become arithmetic on a seed, in memory, before a session opens.

onnxruntime's random nodes share one stream a session: what a run draws depends on which runs came before it. Here
each draw is a function of (seed, node, loop iterations, position): the position goes through a counter-based generator
(Widynski's "Squares", arXiv 2004.06278: multiply, add and turn by 32 bits are all it needs), and Box-Muller makes
normal numbers of it. Order, parallel runs and retries change nothing. The file on disk stays as it is.
docs/decisions/005-noise-by-counter.md has the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

SEED_INPUT = "singsynth_seed"
"""The input that a seeded graph has beside its own: int64, no dimensions."""
_SEEDABLE = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli")
_RANDOM_OPS = (*_SEEDABLE, "Multinomial")
_FIRST_OPSET = 11
"""Range and BitShift came with it."""
_CASTLIKE_OPSET = 15
_FIRST_KEY = 0x9E3779B97F4A7C15
_TURN = 32
_DOMAINS = ("", "ai.onnx")


def draws_noise(data: bytes) -> bool:
    """Tell whether the bytes of a model hold a random node, without parsing them."""
    # op_type is field 4 of a node: its tag, its length, its name.
    return any(b"\x22" + bytes([len(name)]) + name.encode() in data for name in _RANDOM_OPS)


def seeded_model(path: Path) -> bytes | None:
    """Return the model with seeded noise and the input SEED_INPUT, None where not every random node can be seeded."""
    model = _seeded(path)
    return None if model is None else model.SerializeToString()


def can_be_seeded(path: Path) -> bool:
    """Tell whether every random node of a model can be seeded."""
    return _seeded(path) is not None


def _seeded(path: Path) -> onnx.ModelProto | None:
    import onnx
    from onnx import inliner

    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception:  # protobuf's own; onnxruntime will say what is wrong with the file
        return None
    if any(node.op_type in _RANDOM_OPS for function in model.functions for node in function.node):
        model = inliner.inline_local_functions(model)
    opset = max((entry.version for entry in model.opset_import if entry.domain in _DOMAINS), default=0)
    seeder = _Seeder(opset)
    seeder.walk(model.graph, ())
    if seeder.left or not seeder.seeded:
        return None
    model.graph.input.append(onnx.helper.make_tensor_value_info(SEED_INPUT, onnx.TensorProto.INT64, []))
    return model


class _Seeder:
    """Replaces the random nodes of a graph and of the graphs inside it."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.seeded = 0
        self.left = 0
        """Random nodes that resist."""

    def walk(self, graph: onnx.GraphProto, counters: tuple[str, ...] | None) -> None:
        """Replace what is in a graph; counters: the iteration numbers of the loops around it, None inside a Scan."""
        nodes: list[onnx.NodeProto] = []
        before = self.seeded
        for node in graph.node:
            for attribute in node.attribute:
                bodies = (*attribute.graphs, *((attribute.g,) if attribute.HasField("g") else ()))
                for body in bodies:
                    self.walk(body, _counters_inside(node, body, counters))
            if node.op_type in _RANDOM_OPS and node.domain in _DOMAINS:
                nodes += self._replaced(node, counters)
            else:
                nodes.append(node)
        if self.seeded != before:
            del graph.node[:]
            graph.node.extend(nodes)

    def _replaced(self, node: onnx.NodeProto, counters: tuple[str, ...] | None) -> Iterable[onnx.NodeProto]:
        import onnx

        facts = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        like = not facts.get("shape") and bool(node.input)
        typed = "dtype" in facts or not like or self.opset >= _CASTLIKE_OPSET
        if counters is None or node.op_type not in _SEEDABLE or self.opset < _FIRST_OPSET or not typed:
            self.left += 1
            return [node]
        draw = _Draw(f"{SEED_INPUT}.{self.seeded}")
        draw.replace(node, facts, draw.key(self.seeded, counters))
        self.seeded += 1
        return draw.nodes


def _counters_inside(
    node: onnx.NodeProto, body: onnx.GraphProto, counters: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    if counters is None or node.op_type not in ("If", "Loop") or node.domain not in _DOMAINS:
        return None
    return counters if node.op_type == "If" else (*counters, body.input[0].name)


class _Draw:
    """The nodes that stand in for one random node."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node; returns the name of what it makes."""
        import onnx

        name = output or f"{self.prefix}.{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any, dtype: type[np.generic]) -> str:
        """Add a constant of the numpy type."""
        import onnx

        return self.op("Constant", value=onnx.numpy_helper.from_array(np.asarray(value, dtype)))

    def integer(self, value: int) -> str:
        """Add an int64 whose bits are those of an unsigned number."""
        return self.constant(value - 2**64 if value >= 2**63 else value, np.int64)

    def key(self, number: int, counters: Iterable[str]) -> str:
        """Return an odd number made of seed, node number and loop iterations: int64 without dimensions, or of one."""
        key = self.integer(_FIRST_KEY)
        for value in (SEED_INPUT, self.integer(number), *counters):
            high, low = self.squares(self.op("Add", value, self.integer(1)), key)
            mixed = self.op("Add", self.op("Mul", high, self.integer(2**_TURN)), low)
            key = self.op("Add", self.op("Mul", mixed, self.integer(2)), self.integer(1))
        return key

    def squares(self, counter: str, key: str) -> tuple[str, str]:
        """Return two numbers of 32 bits, int64, for each counter; products and sums wrap at 64 bits."""
        first = self.op("Mul", counter, key)
        second = self.op("Add", first, key)
        value, halves = first, []
        for addend in (first, second, first, second, first):
            value = self.op("Add", self.op("Mul", value, value), addend)
            upper = self.upper_half(value)
            halves.append(upper)
            value = self.op("Add", upper, self.op("Mul", value, self.integer(2**_TURN)))
        return halves[-2], halves[-1]

    def upper_half(self, value: str) -> str:
        """Return the upper 32 bits of an int64 as a number of their own."""
        import onnx

        unsigned = self.op("Cast", value, to=onnx.TensorProto.UINT64)
        moved = self.op("BitShift", unsigned, self.constant(_TURN, np.uint64), direction="RIGHT")
        return self.op("Cast", moved, to=onnx.TensorProto.INT64)

    def uniform(self, halves: str) -> str:
        """Return float32 in (0, 1] from integers of 32 bits."""
        import onnx

        real = self.op("Cast", halves, to=onnx.TensorProto.FLOAT)
        centred = self.op("Add", real, self.constant(0.5, np.float32))
        return self.op("Mul", centred, self.constant(2.0**-32, np.float32))

    def replace(self, node: onnx.NodeProto, facts: dict[str, Any], key: str) -> None:
        """Draw what the node draws, under the name that it gives it."""
        import onnx

        if node.input:
            shape, count = self.op("Shape", node.input[0]), self.op("Size", node.input[0])
        else:
            shape = self.constant(facts["shape"], np.int64)
            count = self.integer(math.prod(facts["shape"]))
        if "Normal" in node.op_type:
            flat = self._scaled(self._normals(count, key), facts.get("scale", 1.0), facts.get("mean", 0.0))
        else:
            flat = self.uniform(self.squares(self._positions(count), key)[0])
            if "Uniform" in node.op_type:
                low = facts.get("low", 0.0)
                flat = self._scaled(flat, facts.get("high", 1.0) - low, low)
        drawn = self.op("Reshape", flat, shape)
        if node.op_type == "Bernoulli":
            chance = self.op("Cast", node.input[0], to=onnx.TensorProto.FLOAT)
            drawn = self.op("LessOrEqual", drawn, chance)
        if "dtype" in facts or not node.input:
            self.op("Cast", drawn, output=node.output[0], to=facts.get("dtype", onnx.TensorProto.FLOAT))
        else:
            self.op("CastLike", drawn, node.input[0], output=node.output[0])

    def _positions(self, count: str) -> str:
        return self.op("Range", self.integer(1), self.op("Add", count, self.integer(1)), self.integer(1))

    def _normals(self, count: str, key: str) -> str:
        """Return as many normal numbers: Box-Muller makes two of two uniform ones."""
        pairs = self.op("Div", self.op("Add", count, self.integer(1)), self.integer(2))
        first, second = map(self.uniform, self.squares(self._positions(pairs), key))
        radius = self.op("Sqrt", self.op("Mul", self.op("Log", first), self.constant(-2.0, np.float32)))
        angle = self.op("Mul", second, self.constant(2 * math.pi, np.float32))
        both = [self.op("Mul", radius, self.op(turn, angle)) for turn in ("Cos", "Sin")]
        start, one = self.constant([0], np.int64), self.constant([1], np.int64)
        return self.op("Slice", self.op("Concat", *both, axis=0), start, self.op("Reshape", count, one))

    def _scaled(self, values: str, scale: float, offset: float) -> str:
        scaled = self.op("Mul", values, self.constant(scale, np.float32))
        return self.op("Add", scaled, self.constant(offset, np.float32))
