"""Measuring processes end with the report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

_REPORT = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from training.report.ahead import end_with_parent

if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn"), end_with_parent) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600)
        time.sleep(600)
"""


def test_a_killed_report_leaves_nobody_measuring(tmp_path: Path) -> None:
    script = tmp_path / "report.py"
    script.write_text(_REPORT)
    here = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=here) as report:
        assert report.stdout is not None
        measuring = int(report.stdout.readline())
        report.kill()
        try:
            report.communicate(timeout=20)  # its output ends when the last process that shares it does
        except subprocess.TimeoutExpired:
            os.kill(measuring, signal.SIGKILL)
            raise
