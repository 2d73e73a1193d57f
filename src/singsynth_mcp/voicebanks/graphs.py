"""The inputs that a voicebank's models declare, against what singing feeds them and what the configs claim.

What is fed goes by the graph (synthesis/feeds.py). This table says from what, and what each input should look like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from singsynth_mcp.voicebanks.files import read_mapping
from singsynth_mcp.voicebanks.findings import Findings
from singsynth_mcp.voicebanks.stage import Stage, StageName
from singsynth_mcp.voicebanks.voicebank import Voicebank

Role = Literal["linguistic", "dur", "pitch", "variance", "acoustic", "vocoder"]
HEADS = ("energy", "breathiness", "voicing", "tension")


@dataclass(frozen=True)
class Tensor:
    """An input or output as a graph declares it."""

    name: str
    type: str
    """int64, float32, bool …"""
    shape: tuple[int | str | None, ...]

    def size(self) -> int | None:
        """Return the last dimension where it is fixed."""
        last = self.shape[-1] if self.shape else None
        return last if isinstance(last, int) else None

    def shown(self) -> str:
        """Return the shape as people write it."""
        return f"[{', '.join('?' if size is None else str(size) for size in self.shape)}]"


@dataclass(frozen=True)
class Graph:
    """What one model declares."""

    path: Path
    role: Role
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]


@dataclass(frozen=True)
class _Fed:
    """What feeds an input."""

    source: str
    kind: Literal["int", "float", "bool", "any"] = "float"
    rank: int = 2
    flag: str = ""
    """The config's key that claims it."""
    default: bool = False
    needed: bool = False
    """Whether no such model can do without."""


_TOKENS = {
    "tokens": _Fed("the phonemes' ids in this stage's own table", "int", needed=True),
    "languages": _Fed("the phonemes' languages, by their prefix", "int", flag="use_lang_id"),
}
_TEXT = {name: replace(fed, needed=False) for name, fed in _TOKENS.items()}
_WORDS = {
    "word_div": _Fed("phonemes of each word", "int", flag="predict_dur", default=True),
    "word_dur": _Fed("frames of each word", "int", flag="predict_dur", default=True),
    "ph_dur": _Fed("frames of each phoneme", "int"),
}
_ENCODED = {
    "encoder_out": _Fed("the encoder's output", rank=3, needed=True),
    "x_masks": _Fed("the encoder's output", "bool"),
}
_SPEAKER = {"spk_embed": _Fed("the speakers' embeddings, mixed", rank=3, flag="speakers")}


def _sampler(steps: int) -> dict[str, _Fed]:
    return {
        "steps": _Fed(f"{steps} steps", "int", 0, flag="use_continuous_acceleration"),
        "speedup": _Fed(f"1000 steps by {steps}", "int", 0),
    }


FED: Mapping[Role, Mapping[str, _Fed]] = {
    "linguistic": _TOKENS | _WORDS,
    "dur": _TEXT | _WORDS | _ENCODED | _SPEAKER | {"ph_midi": _Fed("the notes, rounded", "int", needed=True)},
    "pitch": _TEXT
    | _WORDS
    | _ENCODED
    | _SPEAKER
    | _sampler(10)
    | {
        "note_midi": _Fed("the notes", needed=True),
        "note_dur": _Fed("frames of each note", "int", needed=True),
        "note_rest": _Fed("which notes are rests", "bool", flag="use_note_rest"),
        "note_glide": _Fed("zeros: no glide", "int"),
        "pitch": _Fed("60, to be retaken"),
        "expr": _Fed("the control expressiveness", flag="use_expr"),
        "retake": _Fed("true everywhere", "bool"),
        "depth": _Fed("1: the whole"),
    },
    "variance": _TEXT
    | _WORDS
    | _ENCODED
    | _SPEAKER
    | _sampler(20)
    | {head: _Fed("zeros, to be retaken", flag=f"predict_{head}", default=head in HEADS[:2]) for head in HEADS}
    | {
        "pitch": _Fed("the pitch curve", needed=True),
        "retake": _Fed("true everywhere", "bool", 3),
        "depth": _Fed("1: the whole"),
    },
    "acoustic": _TOKENS
    | _SPEAKER
    | _sampler(20)
    | {head: _Fed(f"predicted, with the control {head}", flag=f"use_{head}_embed") for head in HEADS}
    | {
        "durations": _Fed("frames of each phoneme", "int", needed=True),
        "f0": _Fed("the pitch curve in Hz", needed=True),
        "gender": _Fed("the control gender", flag="use_key_shift_embed"),
        "velocity": _Fed("the control velocity", flag="use_speed_embed"),
        "depth": _Fed("max_depth", rank=0, flag="use_variable_depth"),
    },
    "vocoder": {
        "mel": _Fed("the mel, in the vocoder's logarithm", rank=3, needed=True),
        "f0": _Fed("the pitch curve in Hz", needed=True),
    },
}


def feeds_of(role: Role, stage: StageName | None) -> Mapping[str, _Fed]:
    """Return what feeds a stage's model; before there are durations there are no frames of each phoneme."""
    return {name: fed for name, fed in FED[role].items() if name != "ph_dur" or stage != "durations"}


_SCALARS = ("steps", "speedup", "depth")


@dataclass
class GraphSurvey:
    """Looks at a stage's models one after the other, the encoder first."""

    bank: Voicebank
    stage: Stage | None
    """None for the vocoder."""
    found: Findings
    _encoded: dict[str, Tensor] = field(default_factory=dict)

    def look(self, graph: Graph) -> list[tuple[Tensor, str | None]]:
        """Return each input with what feeds it; findings are added on the way."""
        fed = dict.fromkeys(self._encoded, _Fed("the encoder's output", "any"))
        fed |= feeds_of(graph.role, self.stage.name if self.stage else None)
        rows = [(tensor, fed[tensor.name].source if tensor.name in fed else None) for tensor in graph.inputs]
        for tensor in graph.inputs:
            if tensor.name in fed:
                self._shape(graph, tensor, fed[tensor.name])
            else:
                level = "error" if graph.role in ("acoustic", "vocoder") else "warning"  # others have a stand-in
                self._add(level, "input_not_fed", f"nothing supplies the input {tensor.name}", graph, key=tensor.name)
        declared = {tensor.name for tensor in graph.inputs}
        for name, facts in fed.items():
            if facts.needed and name not in declared:
                self._add("warning", "input_missing", f"the model does not take {name}", graph, key=name)
        if self.stage is not None:
            self._claims(graph, declared, self.stage)
        self._dimensions(graph)
        self._encoded |= {tensor.name: tensor for tensor in graph.outputs}
        return rows

    def _shape(self, graph: Graph, tensor: Tensor, fed: _Fed) -> None:
        if fed.kind == "any":
            return
        is_scalar = tensor.name in _SCALARS
        ranks = (0, 1) if is_scalar else (2, fed.rank) if tensor.name == "retake" else (fed.rank,)
        kinds = ("int", "float") if tensor.name == "depth" else (fed.kind,)
        if not tensor.type.startswith(kinds):
            wanted = " or ".join(kinds)
            message = f"the input {tensor.name} is {tensor.type}"
            self._add("error", "input_type", message, graph, key=tensor.name, found=tensor.type, expected=wanted)
        if len(tensor.shape) not in ranks:
            message = f"the input {tensor.name} has the shape {tensor.shown()}"
            expected = f"{ranks[-1]} dimensions" if not is_scalar else "one number"
            self._add("error", "input_shape", message, graph, key=tensor.name, found=tensor.shown(), expected=expected)

    def _claims(self, graph: Graph, declared: set[str], stage: Stage) -> None:
        """Compare the config's flags with the graph: here the graph decides, in OpenUtau the flag."""
        path = stage.folder / "dsconfig.yaml"
        document = read_mapping(path)
        told: set[str] = set()
        for name, fed in FED[graph.role].items():
            if not fed.flag or fed.flag in told or graph.role not in _owners(fed.flag):
                continue
            claimed = _claimed(document, fed.flag, fed.default)
            if fed.flag == "use_variable_depth" and fed.flag not in document:
                claimed = _claimed(document, "use_shallow_diffusion", False)
            has_sampler = bool({"steps", "speedup"} & declared)
            if claimed != (name in declared) and (name != "steps" or has_sampler):
                told.add(fed.flag)
                takes = f"takes {'' if name in declared else 'no '}{name}"
                self.found.add(
                    "warning",
                    "config_contradicts_graph",
                    f"{graph.path.name} {takes}, {fed.flag} says otherwise: it decides in OpenUtau, the model here",
                    path,
                    key=fed.flag,
                    found=str(document.get(fed.flag, f"left out, which means {str(fed.default).lower()}")),
                    expected=str(name in declared).lower(),
                )

    def _dimensions(self, graph: Graph) -> None:
        inputs = {tensor.name: tensor for tensor in graph.inputs}
        outputs = {tensor.name: tensor for tensor in graph.outputs}
        if graph.role == "vocoder":
            bins = self.bank.acoustic.config.num_mel_bins
            self._size(graph, inputs.get("mel"), bins, "mel bins that the acoustic model makes")
            return
        assert self.stage is not None, "every other model belongs to a stage"
        if "spk_embed" in inputs:
            self._embeddings(graph, inputs["spk_embed"], self.stage)
        if "encoder_out" in inputs and "encoder_out" in self._encoded:
            self._size(
                graph, inputs["encoder_out"], self._encoded["encoder_out"].size(), "numbers that the encoder gives"
            )
        if graph.role == "acoustic":
            bins = self.stage.config.num_mel_bins
            self._size(graph, outputs.get("mel", next(iter(graph.outputs), None)), bins, "num_mel_bins of the config")
        if graph.role == "variance":
            heads = [head for head in HEADS if head in inputs]
            self._size(graph, inputs.get("retake"), len(heads), "variances that the model takes")
            lacking = [head for head in heads if f"{head}_pred" not in outputs]
            if lacking:
                self._add("warning", "output_missing", f"the model does not answer {', '.join(lacking)}", graph)

    def _embeddings(self, graph: Graph, tensor: Tensor, stage: Stage) -> None:
        if not stage.config.speakers:
            message = "the model wants a speaker, and the config names none"
            self._add("error", "no_speakers", message, graph, key="speakers")
        size = tensor.size()
        for speaker in stage.config.speakers if size is not None else ():
            path = stage.embedding(speaker)
            held = path.stat().st_size // 4 if path.is_file() else size
            if held != size:
                message = f"the embedding of {speaker} holds {held} numbers, the model takes {size}"
                facts = {"key": "spk_embed", "found": str(held), "expected": str(size)}
                self.found.add("error", "embedding_size", message, path, **facts)

    def _size(self, graph: Graph, tensor: Tensor | None, expected: int | None, what: str) -> None:
        size = tensor.size() if tensor is not None else None
        if tensor is None or size is None or expected is None or size == expected:
            return
        message = f"{tensor.name} has {size} where {expected} are expected: the {what}"
        self._add("error", "dimension", message, graph, key=tensor.name, found=str(size), expected=str(expected))

    def _add(self, level: Any, code: str, message: str, graph: Graph, **facts: str) -> None:
        self.found.add(level, code, message, graph.path, **facts)


def lacking_heads(acoustic: Graph, variance: Graph | None) -> list[str]:
    """Return the variances that the acoustic model takes and nothing predicts."""
    predicted = {tensor.name.removesuffix("_pred") for tensor in variance.outputs} if variance else set()
    return [tensor.name for tensor in acoustic.inputs if tensor.name in HEADS and tensor.name not in predicted]


def _owners(flag: str) -> tuple[Role, ...]:
    """Return the models that a flag is about: an encoder and its predictor share a config."""
    if flag in ("use_lang_id", "predict_dur"):
        return ("linguistic", "acoustic")
    return ("dur", "pitch", "variance", "acoustic")


def _claimed(document: Mapping[str, Any], flag: str, default: bool) -> bool:
    value = document.get(flag)
    if flag == "speakers":
        return bool(value) and value not in ("~", "null")
    return default if value is None or value == "" else str(value).lower() in ("true", "yes", "on", "1")
