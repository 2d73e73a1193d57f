"""What SINGSYNTH_DEVICE comes to on a machine without accelerators, and how it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from singsynth_mcp.settings import Settings
from singsynth_mcp.synthesis.engines import devices
from singsynth_mcp.synthesis.engines.backends import Absent, OnnxCpu, Unusable
from singsynth_mcp.synthesis.engines.devices import FINDERS, Choice, choose
from tests.synthesis.engines.made_backends import MadeBackend


def _there(monkeypatch: pytest.MonkeyPatch, **outcomes: MadeBackend | Exception) -> None:
    """Let only some finders find something: `torch_cuda=MadeBackend()`."""

    def finder(outcome: MadeBackend | Exception):
        def find(by_name: bool) -> MadeBackend:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return find

    for name in FINDERS:
        monkeypatch.setitem(devices.FINDERS, name, finder(outcomes.get(name.replace(":", "_"), Absent("is not there"))))


def test_the_cpu_is_taken_without_a_look() -> None:
    assert choose("cpu") == Choice((OnnxCpu(),), "SINGSYNTH_DEVICE is cpu")


def test_auto_takes_what_is_there_in_order_and_ends_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, metal = MadeBackend("cuda"), MadeBackend("mps")
    _there(monkeypatch, torch_mps=metal, onnxruntime_cuda=cuda, torch_cpu=MadeBackend("cpu"))
    assert choose("auto") == Choice((cuda, metal, OnnxCpu()), "auto found made:cuda, made:mps")


def test_auto_is_silent_about_what_is_not_there_and_tells_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    _there(monkeypatch)
    assert choose("auto") == Choice((OnnxCpu(),), "auto found no accelerator")
    _there(monkeypatch, onnxruntime_webgpu=Unusable("onnxruntime_ep_webgpu does not load: no libvulkan.so.1"))
    (warning,) = choose("auto").warnings
    assert warning == "onnxruntime:webgpu: onnxruntime_ep_webgpu does not load: no libvulkan.so.1; it is passed over"


def test_a_device_is_looked_for_in_both_engines_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    torch, onnxruntime = MadeBackend("cuda", "torch"), MadeBackend("cuda", "onnxruntime")
    _there(monkeypatch, torch_cuda=torch, onnxruntime_cuda=onnxruntime)
    assert choose("cuda").backends == (torch, onnxruntime, OnnxCpu())
    assert choose("onnxruntime:cuda").backends == (onnxruntime, OnnxCpu())


def test_a_device_that_cannot_be_had_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    _there(monkeypatch)
    choice = choose("torch:mps")
    assert choice.backends == (OnnxCpu(),)
    assert choice.warnings == ("SINGSYNTH_DEVICE is torch:mps, but torch:mps: is not there; the CPU is used",)


@pytest.mark.parametrize(
    ("library", "fault"),
    [
        ("return __file__", "onnxruntime_ep_webgpu does not load: "),
        ("raise RuntimeError('Expected one library, found 0')", "Expected one library, found 0"),
    ],
)
@pytest.mark.parametrize("setting", ["auto", "webgpu"])
def test_a_plug_in_that_does_not_load_is_a_warning(setting: str, library: str, fault: str, tmp_path: Path) -> None:
    package = tmp_path / "onnxruntime_ep_webgpu"
    package.mkdir()
    (package / "__init__.py").write_text(f"def get_library_path():\n    {library}\n", encoding="utf-8")
    code = (
        "from singsynth_mcp.synthesis.engines.devices import choose\n"
        f"choice = choose('onnxruntime:webgpu' if '{setting}' == 'webgpu' else 'auto')\n"
        "print(choice.backends[-1].device, *choice.warnings, sep='|')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), *sys.path))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    device, *warnings = done.stdout.strip().split("|")
    assert device == "cpu"
    assert len([warning for warning in warnings if fault in warning]) == 1


def test_every_device_that_the_setting_takes_has_a_finder() -> None:
    for name in (*FINDERS, "auto", "cpu", "cuda", "webgpu", "onnxruntime:cpu"):
        assert Settings(device=name).device == name
    for name in ("gpu", "torch:webgpu", "onnxruntime:mps", "torch:auto", "cuda:0", ""):
        with pytest.raises(ValidationError, match="is auto, cpu, cuda, mps"):
            Settings(device=name)
