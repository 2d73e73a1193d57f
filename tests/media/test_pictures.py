from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from singsynth_mcp.media.pictures import DrawnPhoneme, Scene, draw
from singsynth_mcp.performance.model import PhraseNote

RATE = 44_100
NOTES = (PhraseNote("n1", 1, 0.2, 0.5, 64, "う"), PhraseNote("n2", 1, 0.7, 0.8, 67.5, "+~"))
PHONEMES = (DrawnPhoneme("ɯ̟", "vowel", 0.2, 0.7), DrawnPhoneme("SP", "rest", 0.7, 0.7001))


def size(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as image:
        return image.size


@pytest.fixture(scope="module")
def audio() -> np.ndarray:
    return np.sin(np.arange(2 * RATE) / 20).astype(np.float32)


def test_each_thing_known_has_its_panel(audio: np.ndarray) -> None:
    notes = Scene("うさぎ", 0, 2, NOTES, ("u", "u"))
    phonemes = Scene("うさぎ", 0, 2, NOTES, ("u", "u"), PHONEMES)
    pitch = [(np.array([0.2, 0.7]), np.array([64.0, np.nan]))]
    everything = Scene("うさぎ", 0, 2, NOTES, ("u", "u"), PHONEMES, pitch, audio)
    sizes = [size(draw(scene)) for scene in (notes, phonemes, everything)]
    assert len({width for width, _ in sizes}) == 1
    assert sizes[0][1] < sizes[1][1] < sizes[2][1]
    assert draw(everything) == draw(everything)


@pytest.mark.parametrize("length", [0, 1, 500, 2 * RATE])
def test_audio_alone_of_any_length(audio: np.ndarray, length: int) -> None:
    assert size(draw(Scene("", 0, max(length / RATE, 0.1), audio=audio[:length])))[0] >= 1000


def test_a_mel_alone() -> None:
    assert size(draw(Scene("mel", 0, 1, mel=np.random.default_rng(0).standard_normal((80, 128)))))[0] >= 1000


def test_drawing_leaves_pyplot_alone() -> None:
    """pyplot keeps figures and a current one for the whole process, which threads would share."""
    code = "import sys; from singsynth_mcp.media.pictures import *; draw(Scene('a', 0, 1)); "
    code += "sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
