"""Kokoro-82M with its durations visible and its fundamental frequency replaced.

Graph surgery as found in a trial: the duration tensor becomes an output and the predicted F0 is
replaced, wherever the model voices (F0 > 40 Hz), by one flat level. Durations do not depend on
the level, so the same text at several levels is parallel frame by frame.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from training.singers import SINGERS
from training.teacher.download import fetch_teacher, model_bytes, style_bytes, vocabulary_json

SAMPLE_RATE = 24000
FRAME_RATE = 40
"""Frames a second of the duration tensor: 600 samples each."""

BOUNDARY_LAG_SECONDS = 0.0575
"""The audio runs ahead of the token boundaries by this much (measured over 213 voicing edges)."""

SPEED = 0.7
"""Slow speech: consonants are clearer than at the model's own pace."""


@dataclass(frozen=True)
class Speech:
    """What the teacher said: audio float32 at 24 kHz and each token's duration in frames."""

    audio: np.ndarray
    token_frames: np.ndarray


class Teacher:
    """The speech model with one singer's style."""

    def __init__(self, speaker: str, threads: int = 1) -> None:
        """Load the model (downloading it when missing) and blend the singer's style."""
        folder = fetch_teacher()
        self.vocabulary: dict[str, int] = json.loads(vocabulary_json(folder))["vocab"]
        blend = SINGERS[speaker].blend
        packs = {name: np.frombuffer(style_bytes(folder, name), np.float32).reshape(-1, 256) for name in blend}
        self._style = sum(weight * packs[name] for name, weight in blend.items())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        graph = _steerable(onnx.load_from_string(model_bytes(folder)))
        self._session = onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def speak(self, ipa: list[str], level_hz: float, least_frames: list[int], most_frames: list[int]) -> Speech:
        """Speak IPA characters, one token each, at a flat pitch.

        Durations are the model's own, kept between ``least_frames`` and ``most_frames``; these and
        the result's ``token_frames`` have a row for the leading and the trailing padding too.
        """
        tokens = np.array([[0, *(self.vocabulary[char] for char in ipa), 0]], np.int64)
        style = self._style[min(len(ipa), len(self._style)) - 1].reshape(1, 256)
        audio, frames = self._session.run(
            None,
            {
                "tokens": tokens,
                "style": style.astype(np.float32),
                "speed": np.array([SPEED], np.float32),
                "least_frames": np.array([least_frames], np.float32),
                "most_frames": np.array([most_frames], np.float32),
                "level_hz": np.array([level_hz], np.float32),
            },
        )
        return Speech(np.asarray(audio, np.float32).ravel(), np.asarray(frames).ravel().astype(int))


def _steerable(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with inputs for pitch and bounds of duration, and durations as output."""
    graph = model.graph
    graph.initializer.append(helper.make_tensor("voicing_hz", onnx.TensorProto.FLOAT, [], [40.0]))
    _splice(
        graph,
        "/encoder/Squeeze_output_0",
        "flat_f0",
        [
            helper.make_node("Greater", ["/encoder/Squeeze_output_0", "voicing_hz"], ["voices"]),
            helper.make_node("Where", ["voices", "level_hz", "/encoder/Squeeze_output_0"], ["flat_f0"]),
        ],
    )
    _splice(
        graph,
        "/encoder/Clip_output_0",
        "token_frames",
        [
            helper.make_node("Max", ["/encoder/Clip_output_0", "least_frames"], ["lengthened"]),
            helper.make_node("Min", ["lengthened", "most_frames"], ["token_frames"]),
        ],
    )
    kind = onnx.TensorProto.FLOAT
    graph.input.append(helper.make_tensor_value_info("level_hz", kind, [1]))
    graph.input.append(helper.make_tensor_value_info("least_frames", kind, [1, None]))
    graph.input.append(helper.make_tensor_value_info("most_frames", kind, [1, None]))
    graph.output.append(helper.make_tensor_value_info("token_frames", kind, None))
    return model


def _splice(graph: onnx.GraphProto, tensor: str, replacement: str, nodes: list[onnx.NodeProto]) -> None:
    """Put nodes after the producer of ``tensor`` and feed its consumers the replacement."""
    producer = next(i for i, node in enumerate(graph.node) if tensor in node.output)
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name == tensor:
                node.input[i] = replacement
    for offset, node in enumerate(nodes, start=1):
        graph.node.insert(producer + offset, node)
