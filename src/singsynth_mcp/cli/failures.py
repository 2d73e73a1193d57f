"""How an error looks on the command line: one line that says what was wrong, one that says what to do."""

from __future__ import annotations

import os
import sys

from singsynth_mcp.errors import InvalidRequest, SingSynthError

USAGE = 2


def report(error: Exception) -> int:
    """Print an error on stderr, without a traceback, and return the exit code."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, BrokenPipeError):  # `singsynth-mcp voicebanks | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, SingSynthError):
        print_error(error.message, error.hint)
        return USAGE if isinstance(error, InvalidRequest) else 1
    if problems := _validation_problems(error):
        print_error(problems, "See `singsynth-mcp --help` and the SINGSYNTH_* variables of your environment.")
        return USAGE
    if os.environ.get("SINGSYNTH_LOG_LEVEL", "").upper() == "DEBUG":
        sys.excepthook(type(error), error, error.__traceback__)
    print_error(
        f"unexpected {type(error).__name__}: {_one_line(error)}",
        "This is a bug; SINGSYNTH_LOG_LEVEL=DEBUG shows where.",
    )
    return 1


def _validation_problems(error: Exception) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return ""
    return "; ".join(
        f"{'.'.join(str(step) for step in problem['loc']) or error.title}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_context=False)
    )


def print_error(message: str, hint: str) -> None:
    """Print what was wrong and what to do about it on stderr."""
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"  {hint}", file=sys.stderr)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no message"
