"""Tiny ONNX models whose outputs are functions of their inputs: what they answer shows what they were fed.

| model | output |
|---|---|
| linguistic | encoder_out: token, language, word index, onset flag, frames of its word (or phoneme), position |
| dur | 3 + token mod 5 + 0.01 ph_midi + 0.1 spk_embed[0], or a length for each token |
| pitch | note_midi + 0.25 expr + 0.5 retake - 0.125 note_rest + 0.001 steps + 0.01 word index + 0.1 spk_embed[0] |
| | + 2 note_glide; with noise, + 0.1 of a normal number |
| variance | energy -20 - pitch/10, breathiness -50 - token/10, voicing -25, tension 0.1 steps; -1 where not retaken |
| acoustic | mel channels as CHANNELS says; the last is the level that the vocoder sings at |
| vocoder | a sine of f0 at exp(last channel); with noise, + 0.01 of a normal number |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

HIDDEN = 6
SPEAKER_SIZE = 4
BINS = 20
HEADS = ("energy", "breathiness", "voicing", "tension")
CHANNELS = ("tokens", "languages", "f0", "gender", "velocity", *HEADS, "spk0", "spk1", "depth", "sampling")
"""Of the mel; f0 in hundreds of Hz, depth as fed, sampling = steps or speedup. An input that is absent reads 0."""
LOUD, QUIET = np.log(0.3), -12.0

INT, FLOAT, BOOL = TensorProto.INT64, TensorProto.FLOAT, TensorProto.BOOL


class Graph:
    """Collects nodes; every method returns the name of what it makes."""

    def __init__(self, opset: int = 17) -> None:
        self.opset = opset
        self.nodes: list = []
        self.inputs: list = []
        self.constants: list = []

    def input(self, name: str, kind: int, shape: Sequence[str | int]) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def has(self, name: str) -> bool:
        return any(value.name == name for value in self.inputs)

    def constant(self, value: object, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def along(self, kind: str, name: str, axis: int, **attributes: object) -> str:
        """Add an op whose axis became an input with opset 13."""
        if self.opset < 13:
            return self.op(kind, name, axes=[axis], **attributes)
        return self.op(kind, name, self.constant([axis], np.int64), **attributes)

    def real(self, name: str) -> str:
        return self.op("Cast", name, to=FLOAT)

    def times(self, name: str, factor: float) -> str:
        return self.op("Mul", name, self.constant(factor))

    def add(self, *names: str) -> str:
        total = names[0]
        for name in names[1:]:
            total = self.op("Add", total, name)
        return total

    def indices(self, lengths: str) -> str:
        """[1, n] lengths → [sum] index of the item that each frame belongs to; items of length 0 vanish."""
        ends = self.op("CumSum", self.along("Squeeze", lengths, 0), self.constant(0, np.int64))
        total = self.op("ReduceSum", lengths, keepdims=0)
        one, zero = self.constant(1, np.int64), self.constant(0, np.int64)
        clock = self.along("Unsqueeze", self.op("Range", zero, total, one), 1)
        passed = self.op("Cast", self.op("Not", self.op("Less", clock, ends)), to=INT)
        return self.along("ReduceSum", passed, 1, keepdims=0)

    def spread(self, values: str, indices: str) -> str:
        """[1, n, …] values → [1, frames, …]."""
        return self.op("Gather", values, indices, axis=1)

    def channel(self, values: str, index: int) -> str:
        return self.op("Gather", values, self.constant(index, np.int64), axis=2)

    def stack(self, channels: Sequence[str]) -> str:
        return self.op("Concat", *(self.along("Unsqueeze", channel, 2) for channel in channels), axis=2)

    def scalar(self, name: str, like: str) -> str:
        """[] or [1] → the shape of `like`."""
        flat = self.op("Reshape", self.real(name), self.constant([1], np.int64))
        return self.op("Add", self.op("Mul", like, self.constant(0.0)), flat)

    def save(self, path: Path, outputs: dict[str, tuple[str, int, Sequence[str | int]]], reverse: bool = False) -> None:
        """Write the model; `reverse` turns the order of its inputs round."""
        infos = []
        for name, (value, kind, shape) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [value], [name]))
            infos.append(helper.make_tensor_value_info(name, kind, list(shape)))
        inputs = self.inputs[::-1] if reverse else self.inputs
        graph = helper.make_graph(self.nodes, path.stem, inputs, infos, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        path.parent.mkdir(parents=True, exist_ok=True)
        save(model, path)


def linguistic(
    path: Path,
    *,
    words: bool,
    languages: bool,
    reverse: bool = False,
    tokens_only: bool = False,
    opset: int = 17,
    hidden: int = HIDDEN,
) -> None:
    """Write an encoder in word mode or in phoneme mode, or one that wants neither."""
    graph = Graph(opset)
    tokens = graph.input("tokens", INT, [1, "n_tokens"])
    token = graph.real(tokens)
    nothing = graph.times(token, 0.0)
    language = graph.real(graph.input("languages", INT, [1, "n_tokens"])) if languages else nothing
    if tokens_only:
        word, onset, length = nothing, nothing, nothing
    elif words:
        division = graph.input("word_div", INT, [1, "n_words"])
        lengths = graph.input("word_dur", INT, [1, "n_words"])
        index = graph.indices(division)
        word = graph.add(nothing, graph.real(index))
        before = graph.op("Concat", graph.constant([-1], np.int64), index, axis=0)
        shifted = graph.op("Slice", before, graph.constant([0], np.int64), graph.constant([-1], np.int64))
        onset = graph.add(nothing, graph.real(graph.op("Not", graph.op("Equal", index, shifted))))
        length = graph.real(graph.spread(lengths, index))
    else:
        word, onset = nothing, nothing
        length = graph.real(graph.input("ph_dur", INT, [1, "n_tokens"]))
    rest = [graph.add(nothing, length)] * (hidden - 5)
    encoder_out = graph.stack([token, language, word, onset, length, *rest])
    masks = graph.op("Equal", tokens, graph.constant(0, np.int64))
    shape = [1, "n_tokens"]
    graph.save(path, {"encoder_out": (encoder_out, FLOAT, [*shape, hidden]), "x_masks": (masks, BOOL, shape)}, reverse)


def dur(
    path: Path,
    *,
    speakers: bool,
    scale: float = 1.0,
    lengths: Mapping[int, float] | None = None,
    mystery: bool = False,
    hidden: int = HIDDEN,
    speaker_size: int = SPEAKER_SIZE,
    opset: int = 17,
) -> None:
    """Write a duration predictor; `scale` 0 makes one that answers nothing but zeros, `lengths` one that knows them."""
    graph = Graph(opset)
    encoded = graph.input("encoder_out", FLOAT, [1, "n_tokens", hidden])
    graph.input("x_masks", BOOL, [1, "n_tokens"])
    tone = graph.real(graph.input("ph_midi", INT, [1, "n_tokens"]))
    token = graph.op("Mod", graph.channel(encoded, 0), graph.constant(5.0), fmod=1)
    total = graph.add(token, graph.times(tone, 0.01), graph.constant(3.0))
    if lengths is not None:
        table = graph.constant([lengths.get(token, 0.0) for token in range(max(lengths) + 1)])
        index = graph.op("Cast", graph.channel(encoded, 0), to=INT)
        total = graph.add(graph.times(tone, 0.0), graph.op("Gather", table, index))
    if mystery:
        total = graph.add(total, graph.input("mystery", FLOAT, [1, "n_tokens"]))
    if speakers:
        embedding = graph.input("spk_embed", FLOAT, [1, "n_tokens", speaker_size])
        total = graph.add(total, graph.times(graph.channel(embedding, 0), 0.1))
    graph.save(path, {"ph_dur_pred": (graph.times(total, scale), FLOAT, [1, "n_tokens"])})


def pitch(
    path: Path,
    *,
    speakers: bool,
    sampling: str,
    rests: bool,
    expr: bool,
    answer: str = "line",
    glide: bool = False,
    noise: bool = False,
    mystery: bool = False,
    hidden: int = HIDDEN,
    speaker_size: int = SPEAKER_SIZE,
    opset: int = 17,
) -> None:
    """Write a pitch predictor; `answer` "nan" makes one whose curve is not finite."""
    graph = Graph(opset)
    encoded = graph.input("encoder_out", FLOAT, [1, "n_tokens", hidden])
    phones = graph.indices(graph.input("ph_dur", INT, [1, "n_tokens"]))
    midi = graph.input("note_midi", FLOAT, [1, "n_notes"])
    resting = graph.input("note_rest", BOOL, [1, "n_notes"]) if rests else None
    notes = graph.indices(graph.input("note_dur", INT, [1, "n_notes"]))
    graph.input("pitch", FLOAT, [1, "n_frames"])
    curve = graph.spread(midi, notes)
    if expr:
        curve = graph.add(curve, graph.times(graph.input("expr", FLOAT, [1, "n_frames"]), 0.25))
    curve = graph.add(curve, graph.times(graph.real(graph.input("retake", BOOL, [1, "n_frames"])), 0.5))
    if resting:
        curve = graph.add(curve, graph.times(graph.real(graph.spread(resting, notes)), -0.125))
    curve = graph.add(curve, graph.times(graph.spread(graph.channel(encoded, 2), phones), 0.01))
    if glide:
        glides = graph.input("note_glide", INT, [1, "n_notes"])
        curve = graph.add(curve, graph.times(graph.real(graph.spread(glides, notes)), 2.0))
    if noise:
        curve = graph.add(curve, graph.times(graph.op("RandomNormalLike", curve), 0.1))
    if mystery:
        curve = graph.add(curve, graph.input("mystery", FLOAT, [1, "n_frames"]))
    if speakers:
        embedding = graph.input("spk_embed", FLOAT, [1, "n_frames", speaker_size])
        curve = graph.add(curve, graph.times(graph.channel(embedding, 0), 0.1))
    curve = graph.add(curve, graph.times(graph.scalar(graph.input(sampling, INT, []), curve), 0.001))
    if answer == "nan":
        curve = graph.op("Div", curve, graph.constant(0.0))
    graph.save(path, {"pitch_pred": (curve, FLOAT, [1, "n_frames"])})


def variance(
    path: Path,
    *,
    heads: Sequence[str],
    speakers: bool,
    sampling: str,
    noise: bool = False,
    mystery: bool = False,
    hidden: int = HIDDEN,
    speaker_size: int = SPEAKER_SIZE,
    opset: int = 17,
) -> None:
    """Write a variance predictor of some heads."""
    graph = Graph(opset)
    encoded = graph.input("encoder_out", FLOAT, [1, "n_tokens", hidden])
    phones = graph.indices(graph.input("ph_dur", INT, [1, "n_tokens"]))
    tone = graph.input("pitch", FLOAT, [1, "n_frames"])
    for head in heads:
        graph.input(head, FLOAT, [1, "n_frames"])
    retake = graph.real(graph.input("retake", BOOL, [1, "n_frames", len(heads)]))
    if speakers:
        graph.input("spk_embed", FLOAT, [1, "n_frames", speaker_size])
    nothing = graph.times(tone, 0.0)
    if noise:
        nothing = graph.add(nothing, graph.op("RandomNormalLike", tone))
    if mystery:
        nothing = graph.add(nothing, graph.input("mystery", FLOAT, [1, "n_frames"]))
    steps = graph.scalar(graph.input(sampling, INT, []), tone)
    token = graph.spread(graph.channel(encoded, 0), phones)
    curves = {
        "energy": graph.add(graph.times(tone, -0.1), graph.constant(-20.0)),
        "breathiness": graph.add(graph.times(token, -0.1), graph.constant(-50.0)),
        "voicing": graph.add(nothing, graph.constant(-25.0)),
        "tension": graph.times(steps, 0.1),
    }
    outputs = {}
    for index, head in enumerate(heads):
        kept = graph.op("Sub", graph.channel(retake, index), graph.constant(1.0))
        outputs[f"{head}_pred"] = (graph.add(curves[head], kept), FLOAT, [1, "n_frames"])
    graph.save(path, outputs)


def acoustic(
    path: Path,
    *,
    inputs: Sequence[str],
    vowels: Sequence[int],
    base: str = "e",
    integer_depth: bool = False,
    opset: int = 17,
    reverse: bool = False,
    noise: float | None = None,
    bins: int = BINS,
    speaker_size: int = SPEAKER_SIZE,
) -> None:
    """Write an acoustic model with `inputs` of CHANNELS, "steps" or "speedup", and perhaps "mystery".

    vowels: tokens that sound. noise: how much of a random number is added to the level, as diffusion models have it.
    """
    graph = Graph(opset)
    tokens = graph.input("tokens", INT, [1, "n_tokens"])
    language = graph.input("languages", INT, [1, "n_tokens"]) if "languages" in inputs else None
    phones = graph.indices(graph.input("durations", INT, [1, "n_tokens"]))
    f0 = graph.input("f0", FLOAT, [1, "n_frames"])
    token = graph.real(graph.spread(tokens, phones))
    nothing = graph.times(f0, 0.0)
    read = {"tokens": graph.add(token, nothing), "f0": graph.times(f0, 0.01)}
    if language:
        read["languages"] = graph.real(graph.spread(language, phones))
    for name in ("gender", "velocity", *HEADS, "mystery"):
        if name in inputs:
            read[name] = graph.input(name, FLOAT, [1, "n_frames"])
    if "spk_embed" in inputs:
        embedding = graph.input("spk_embed", FLOAT, [1, "n_frames", speaker_size])
        read |= {"spk0": graph.channel(embedding, 0), "spk1": graph.channel(embedding, 1)}
    if "depth" in inputs:
        read["depth"] = graph.scalar(graph.input("depth", INT if integer_depth else FLOAT, []), f0)
    for name in ("steps", "speedup"):
        if name in inputs:
            read["sampling"] = graph.scalar(graph.input(name, INT, []), f0)
    sounding = [graph.real(graph.op("Equal", token, graph.constant(float(vowel)))) for vowel in vowels]
    level = graph.add(graph.times(graph.add(*sounding), LOUD - QUIET), graph.constant(QUIET))
    scaled = graph.add(graph.times(level, 1.0 if base == "e" else 1 / np.log(10.0)), nothing)
    if noise is not None:
        scaled = graph.add(scaled, graph.times(graph.op("RandomNormalLike", f0), noise))
    channels = [read.get(name, nothing) for name in CHANNELS]
    mel = graph.stack([*channels, *[nothing] * (bins - 1 - len(channels)), scaled])
    graph.save(path, {"mel": (mel, FLOAT, [1, "n_frames", bins])}, reverse)


def vocoder(
    path: Path,
    *,
    sample_rate: int = 44100,
    hop: int = 512,
    bins: int = BINS,
    noise: bool = False,
    opset: int = 17,
) -> None:
    """Write a vocoder that sings a sine at the level of the mel's last channel."""
    graph = Graph(opset)
    mel = graph.input("mel", FLOAT, [1, "n_frames", bins])
    f0 = graph.input("f0", FLOAT, [1, "n_frames"])
    level = graph.op("Exp", graph.channel(mel, bins - 1))

    def every_sample(frames: str) -> str:
        column = graph.along("Unsqueeze", frames, 2)
        wide = graph.op("Expand", column, graph.constant([1, 1, hop], np.int64))
        return graph.op("Reshape", wide, graph.constant([1, -1], np.int64))

    cycles = graph.op(
        "CumSum",
        graph.op("Cast", every_sample(graph.times(f0, 1 / sample_rate)), to=TensorProto.DOUBLE),
        graph.constant(1, np.int64),
    )
    turned = graph.op(
        "Sin",
        graph.op(
            "Cast",
            graph.op("Mul", graph.op("Sub", cycles, graph.op("Floor", cycles)), graph.constant(2 * np.pi, np.float64)),
            to=FLOAT,
        ),
    )
    sung = graph.op("Mul", turned, every_sample(level))
    if noise:
        sung = graph.add(sung, graph.times(graph.op("RandomNormalLike", sung), 0.01))
    graph.save(path, {"waveform": (sung, FLOAT, [1, "n_samples"])})
