"""The wheel, installed into an empty environment, sings: the voice is inside, nothing reaches back to the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a venv of the wheel and this environment's packages (less the editable checkout) and return its python."""
    folder = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    packages = _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    # a .pth line adds the folder after the venv's own and does not read the .pth files in it: no editable install
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def test_the_voice_and_the_licences_are_inside(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    voice = "singsynth_mcp/assets/voicebanks/aviary"
    assert {f"{voice}/character.yaml", f"{voice}/dsconfig.yaml", f"{voice}/LICENSE"} <= set(names)
    assert any(name.startswith(voice) and name.endswith(".onnx") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)
    assert not any(name.startswith(("tests", "training")) for name in names)


def test_an_installed_wheel_sings(environment: Path, tmp_path: Path) -> None:
    where = _run(environment, "-c", "import singsynth_mcp; print(singsynth_mcp.__file__)", cwd=tmp_path).stdout
    assert Path(where.strip()).is_relative_to(environment.parent.parent)
    score = tmp_path / "usagi.musicxml"
    score.write_bytes((ROOT / "examples" / "usagi.musicxml").read_bytes())
    command = environment.with_name("singsynth-mcp")
    done = _run(command, "sing", score, "--output", tmp_path / "usagi.wav", "--json", cwd=tmp_path)
    result = json.loads(done.stdout)
    assert result["path"] == str(tmp_path / "usagi.wav")
    assert (tmp_path / "usagi.wav").stat().st_size > result["seconds"] * result["sample_rate"]
    assert result["peak_dbfs"] > -20


def _run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SINGSYNTH_", "COV", "PYTHON"))}
    environment = kept if cwd is None or cwd == ROOT else {**kept, "HOME": str(cwd)}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done
