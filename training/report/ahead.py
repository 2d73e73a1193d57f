"""Measure singers side by side, each in a process of its own: the report then finds their values in the cache."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from training.processes import pool
from training.report.chain import Singer
from training.report.gathering import Ears, Gathering, gatherings


def measure_ahead(options: argparse.Namespace, found: list[Gathering]) -> None:
    """Measure every singer in every language, ``options.processes`` at a time. Raises what singing raises."""
    chosen = [(gathering.findings.speaker, gathering.findings.language) for gathering in found]
    with pool(options.processes) as measuring:
        for future in [measuring.submit(_measure, options, *who) for who in chosen]:
            future.result()


def _measure(options: argparse.Namespace, speaker: str, language: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        singer = Singer(options.voicebank, Path(folder) / "artifacts", threads=1)
        ears = Ears.installed(options.without, Path(folder))
        for gathering in gatherings(singer, [speaker], [language], ears, teach="teacher" not in options.without):
            gathering.judge_songs()
