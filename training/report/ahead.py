"""Measure singers side by side, each in a process of its own: the report then finds their values in the cache."""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from pathlib import Path

from training.report.chain import Singer
from training.report.gathering import Ears, Gathering, gatherings


def measure_ahead(options: argparse.Namespace, found: list[Gathering]) -> None:
    """Measure every singer in every language, ``options.processes`` at a time. Raises what singing raises."""
    chosen = [(gathering.findings.speaker, gathering.findings.language) for gathering in found]
    with ProcessPoolExecutor(options.processes, get_context("spawn"), end_with_parent) as pool:
        for future in [pool.submit(_measure, options, *who) for who in chosen]:
            future.result()


def end_with_parent() -> None:
    """Let this process end when the one that started it does: one that is killed takes nobody with it by itself."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _measure(options: argparse.Namespace, speaker: str, language: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        singer = Singer(options.voicebank, Path(folder) / "artifacts", threads=1)
        ears = Ears.installed(options.without, Path(folder))
        for gathering in gatherings(singer, [speaker], [language], ears, teach="teacher" not in options.without):
            gathering.judge_songs()
