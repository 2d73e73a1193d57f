"""Measure singers side by side, each in a process of its own: the report then finds their values in the cache."""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from training.report import hearing, naturalness
from training.report.chain import Singer
from training.report.gathering import Ears, Gathering, gatherings


def measure_ahead(options: argparse.Namespace, found: list[Gathering]) -> None:
    """Measure every singer in every language, ``options.processes`` at a time. Raises what singing raises."""
    chosen = [(gathering.findings.speaker, gathering.findings.language) for gathering in found]
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        for future in [pool.submit(_measure, options, *who) for who in chosen]:
            future.result()


def _measure(options: argparse.Namespace, speaker: str, language: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        singer = Singer(options.voicebank, Path(folder) / "artifacts", threads=1)
        ears = open_ears(options, Path(folder))
        for gathering in gatherings(singer, [speaker], [language], ears, teach="teacher" not in options.without):
            gathering.judge_songs()


def open_ears(options: argparse.Namespace, folder: Path) -> Ears:
    """Return the judges that are installed and not left out; Whisper is put together in ``folder``."""
    listens = "whisper" not in options.without and hearing.whisper_is_there()
    whisper = hearing.Whisper(folder) if listens else None
    return Ears(whisper, "dnsmos" not in options.without and naturalness.dnsmos_is_there())
