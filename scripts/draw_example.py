"""Sing the example and draw it for the README: docs/example.png."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import anyio

from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.settings import Settings

ROOT = Path(__file__).parent.parent
SCORE = ROOT / "examples" / "haru-no-komichi.musicxml"
PICTURE = ROOT / "docs" / "example.png"


async def draw(folder: Path) -> Path:
    """Sing the example and inspect its first phrase; return the picture's path."""
    caller = LocalCaller(Settings(artifacts=folder / "artifacts", output=folder), readable=(SCORE.parent,))
    sung = await sing(SingRequest(path=str(SCORE)), caller)
    audio = (sung.parts or [])[0].audio
    inspected = await caller.call("inspect_performance", {"audio": audio, "phrases": "1"})
    return Path(inspected["picture"])


def main() -> None:
    """Draw the picture anew."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(anyio.run(draw, Path(folder)), PICTURE)
    print(PICTURE)


if __name__ == "__main__":
    main()
