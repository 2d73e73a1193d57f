"""Processes that work for another one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

_STARTING = """
import os, time
from training.processes import pool

def greet(word):
    global greeting
    greeting = word

def answer():
    return greeting, os.environ["OMP_NUM_THREADS"], os.getpid()

if __name__ == "__main__":
    with pool(1, greet, "hello") as working:
        print(*working.submit(answer).result(), flush=True)
        working.submit(time.sleep, 600)
        time.sleep(600)
"""


def test_they_begin_as_asked_with_one_thread_and_end_with_the_one_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "starting.py"
    script.write_text(_STARTING)
    here = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    here["PYTHONPATH"] = str(Path.cwd())
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=here, text=True) as starting:
        assert starting.stdout is not None
        greeting, threads, process = starting.stdout.readline().split()
        assert (greeting, threads) == ("hello", "1")
        starting.kill()
        try:
            starting.communicate(timeout=20)  # its output ends when the last process that shares it does
        except subprocess.TimeoutExpired:
            os.kill(int(process), signal.SIGKILL)
            raise
