"""Processes that work for another one, and end with it."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def pool(processes: int, begin: Callable[..., object] | None = None, *arguments: object) -> ProcessPoolExecutor:
    """Return a pool of fresh processes that each first do ``begin(*arguments)``.

    They end when the one that started them does: one that is killed takes nobody with it by itself. Each computes with
    one thread (where the environment does not say otherwise): two that share two cores halve each other's speed.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read where the new processes load their libraries
    return ProcessPoolExecutor(processes, get_context("spawn"), _begin, (begin, arguments))


def _begin(begin: Callable[..., object] | None, arguments: tuple[object, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
