"""How the process's allocator keeps what is freed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_ARENAS = 2
_M_ARENA_MAX = -8
"""glibc's number of that choice for mallopt."""


def use_few_arenas() -> None:
    """Let all threads to come allocate from two arenas, where the C library is glibc and nobody has chosen a number.

    It gives nearly each thread one of its own, up to eight a core, and what is freed in one serves no other: with the
    worker threads of a server, memory grows with the threads that have once done a call, not with the calls.
    """
    if not sys.platform.startswith("linux") or "MALLOC_ARENA_MAX" in os.environ:
        return
    import ctypes

    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
