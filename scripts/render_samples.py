"""Render the README's samples in docs/audio, two by each singer and one by all: ``python scripts/render_samples.py``.

Sung as `singsynth-mcp sing SCORE -o OUT.flac --speaker NAME` does, then kept with 16 bits a sample: half the size.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import soundfile

import singsynth_mcp

_ROOT = Path(__file__).parents[1]
_SCORES = ("haru-no-komichi", "little-lantern")
_SINGERS = {"linnet": 0, "merlin": -12, "wren": 0, "martin": -12}
"""Singer: semitones that the examples, written for a woman, are transposed by."""
_CHOIR = "old-hundredth"


def main() -> None:
    """Sing and write every sample."""
    folder = _ROOT / "docs" / "audio"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for score in _SCORES:
            for singer, transpose in _SINGERS.items():
                sung = Path(temporary, f"{score}-{singer}.flac")
                singsynth_mcp.sing(_ROOT / "examples" / f"{score}.musicxml", sung, speaker=singer, transpose=transpose)
                _keep(sung, folder)
        sung = Path(temporary, f"{_CHOIR}.flac")
        singsynth_mcp.sing(_ROOT / "examples" / f"{_CHOIR}.musicxml", sung)
        _keep(sung, folder)


def _keep(sung: Path, folder: Path) -> None:
    samples, rate = soundfile.read(sung)
    soundfile.write(folder / sung.name, samples, rate, subtype="PCM_16")
    print(folder / sung.name)


if __name__ == "__main__":
    main()
