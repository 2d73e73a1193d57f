"""Fail where a Python file is longer than 400 lines or a function than 50: a room with two purposes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

LONGEST_FILE = 400
LONGEST_FUNCTION = 50


def main() -> int:
    """Print what is too long; return 1 when something is."""
    listed = subprocess.run(["git", "ls-files", "*.py"], capture_output=True, text=True, encoding="utf-8", check=True)
    problems = [problem for name in listed.stdout.split() if (path := Path(name)).exists() for problem in check(path)]
    print(*problems, sep="\n", file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


def check(path: Path) -> list[str]:
    """Return what is too long in one file."""
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    problems = [f"{path}: {lines} lines, at most {LONGEST_FILE}"] if lines > LONGEST_FILE else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            if length > LONGEST_FUNCTION:
                problems.append(f"{path}:{node.lineno}: {node.name} has {length} lines, at most {LONGEST_FUNCTION}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
