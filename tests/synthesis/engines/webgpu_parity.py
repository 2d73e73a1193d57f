"""Run in a process of its own: the shipped voice on WebGPU. Prints {model: [device, warnings]} as JSON.

The plug-in reads its environment when it is registered, once a process; ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER lets it
take a software Vulkan driver.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from singsynth_mcp.synthesis.engines.onnx import OnnxEngine


def main(folder: Path) -> None:
    engine = OnnxEngine(1, "webgpu")
    found = {"choice": [engine.choice.reason, engine.choice.warnings]}
    for name in ("dspitch/pitch.onnx", "dsvariance/variance.onnx", "acoustic.onnx", "dsvocoder/vocoder.onnx"):
        place = engine.placement(folder / name)
        found[name] = [str(place), place.warnings]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
