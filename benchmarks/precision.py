"""Print what float16 and int8 variants of the shipped acoustic model and vocoder would cost and spoil on the CPU.

    python -m benchmarks.precision [SCORE] [--runs 5]

The longest phrase of the score is rendered by each variant, in turns, on one thread. float16: every weight and
operation; int8: onnxruntime's dynamic quantisation of linear layers, of all matrix products (the vocoder's transforms
are such), of convolutions too. Time is the processor's, as a share of float32's. Distance is that of the audio from
float32's (the mel of an acoustic variant goes through the float32 vocoder): mel-cepstral in dB, mean over the frames,
and the largest difference of a sample.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import onnx
import onnxruntime

from benchmarks.real_time_factor import EXAMPLE
from training.report.measures import mel_cepstral_distances

Feeds = dict[str, np.ndarray]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("score", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print("| model | variant | size | processor time | distance (dB) | largest difference |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        phrases = longest_phrases(arguments.score, Path(name))
        vocoder, vocoded = phrases["vocoder.onnx"]
        play = opened(vocoder)
        for model, feeds in phrases.values():

            def audio(output: np.ndarray, is_mel: bool = model != vocoder) -> np.ndarray:
                heard = play.run(None, vocoded | {"mel": output})[0] if is_mel else output
                return np.asarray(heard).reshape(-1)

            for row in compared(model, feeds, audio, Path(name), arguments.runs):
                print(row)


def longest_phrases(score: Path, folder: Path) -> dict[str, tuple[Path, Feeds]]:
    """Sing a score and return acoustic model and vocoder with what they were fed for its longest phrase."""
    from singsynth_mcp.contracts.sing import SingRequest
    from singsynth_mcp.recipes.local import LocalCaller
    from singsynth_mcp.recipes.sing import sing
    from singsynth_mcp.settings import Settings

    fed: dict[str, tuple[Path, Feeds]] = {}
    plain = onnxruntime.InferenceSession.run

    def noting(session: Any, names: Any, feeds: Feeds, *more: Any) -> Any:
        path = Path(session._model_path)
        if path.name in ("acoustic.onnx", "vocoder.onnx") and (
            path.name not in fed or feeds["f0"].shape[1] > fed[path.name][1]["f0"].shape[1]
        ):
            fed[path.name] = path, dict(feeds)
        return plain(session, names, feeds, *more)

    onnxruntime.InferenceSession.run = noting
    try:
        caller = LocalCaller(
            Settings(artifacts=folder / "artifacts", output=folder), readable=(score.resolve().parent,)
        )
        anyio.run(sing, SingRequest(path=str(score.resolve())), caller)
    finally:
        onnxruntime.InferenceSession.run = plain
    return fed


def compared(
    model: Path, feeds: Feeds, audio: Callable[[np.ndarray], np.ndarray], folder: Path, runs: int
) -> list[str]:
    """Return a row of the table for each variant of a model."""
    paths = {"float32": model} | variants(model, folder)
    sessions = {name: opened(path) for name, path in paths.items()}
    seconds: dict[str, list[float]] = {name: [] for name in paths}
    heard: dict[str, np.ndarray] = {}
    for _ in range(runs):
        for name, session in sessions.items():
            started = time.process_time()
            output = session.run(None, feeds)[0]
            seconds[name].append(time.process_time() - started)
            heard[name] = audio(output)
    plain = statistics.median(seconds["float32"])
    rows = []
    for name, path in paths.items():
        distance = float(np.mean(mel_cepstral_distances(heard[name], heard["float32"])))
        largest = float(np.abs(heard[name] - heard["float32"]).max())
        share = statistics.median(seconds[name]) / plain
        megabytes = path.stat().st_size / 2**20
        rows.append(f"| {model.stem} | {name} | {megabytes:.1f} MB | {share:.2f} x | {distance:.2f} | {largest:.3f} |")
    return rows


def variants(model: Path, folder: Path) -> dict[str, Path]:
    """Write the variants of a model."""
    from onnxruntime.quantization import quant_pre_process, quantize_dynamic
    from onnxruntime.transformers.float16 import convert_float_to_float16

    graph = onnx.load(model).graph
    linear = [node.name for node in graph.node if node.op_type == "MatMul" and node.input[1].startswith("onnx::MatMul")]
    half, ready = folder / f"{model.stem}-float16.onnx", folder / f"{model.stem}-ready.onnx"
    onnx.save(convert_float_to_float16(onnx.load(model), keep_io_types=True), half)
    quant_pre_process(model, ready, skip_symbolic_shape=True)
    made = {"float16": half}
    for name, kinds, nodes in (
        ("int8 linear layers", ["MatMul"], linear),
        ("int8 products", ["MatMul"], None),
        ("int8 products, convolutions", ["MatMul", "Conv"], None),
    ):
        made[name] = folder / f"{model.stem}-{name}.onnx"
        quantize_dynamic(ready, made[name], op_types_to_quantize=kinds, nodes_to_quantize=nodes)
    return made


def opened(path: Path) -> onnxruntime.InferenceSession:
    """Open a model on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
