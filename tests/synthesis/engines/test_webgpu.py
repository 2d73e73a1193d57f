"""A plug-in provider that runs without its hardware: WebGPU over a software Vulkan driver.

Needs the extra `webgpu` and a driver that has what WebGPU asks for: SwiftShader (Debian: chromium-common), a recent
lavapipe, or a GPU.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.voicebanks.test_aviary import FOLDER

SWIFTSHADER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("onnxruntime_ep_webgpu") is None, reason="the extra webgpu is not installed"),
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice"),
]


@pytest.fixture(scope="module")
def found() -> dict[str, list]:
    environment = {**os.environ, "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1"}
    if SWIFTSHADER.is_file():
        environment.setdefault("VK_DRIVER_FILES", str(SWIFTSHADER))
    script = [sys.executable, "-m", "tests.synthesis.engines.webgpu_parity", str(FOLDER)]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    told = [*found["choice"][1], *found["dspitch/pitch.onnx"][1]]
    if any("finds no hardware" in warning or "WebGPU adapter" in warning for warning in told):
        pytest.skip(f"there is no Vulkan driver that WebGPU can use: {told[0]}")
    return found


@pytest.mark.parametrize("model", ["dspitch/pitch.onnx", "dsvariance/variance.onnx", "acoustic.onnx"])
def test_models_run_on_webgpu_and_agree_with_the_cpu(model: str, found: dict[str, list]) -> None:
    placement, warnings = found[model]
    assert placement.startswith("onnxruntime ")
    assert "WebGpuExecutionProvider" in placement
    assert placement.endswith(" on webgpu")
    assert warnings == []


def test_what_webgpu_computes_otherwise_goes_to_the_cpu_with_a_warning(found: dict[str, list]) -> None:
    placement, warnings = found["dsvocoder/vocoder.onnx"]
    if placement.endswith(" on webgpu"):
        assert warnings == []
    else:
        assert placement.endswith(" on cpu")
        assert warnings[0].startswith("dsvocoder/vocoder.onnx does not run on onnxruntime:webgpu: its waveform differs")
