"""Where the results of training steps lie: a cache outside the repository, keyed by content."""

from __future__ import annotations

import ast
import hashlib
import json
import os
from pathlib import Path

import platformdirs


def cache_directory(*names: str) -> Path:
    """Return (and create) a folder of the training cache.

    The cache is ``SINGSYNTH_TRAINING_CACHE``, else the user's cache folder.
    """
    root = os.environ.get("SINGSYNTH_TRAINING_CACHE")
    base = Path(root) if root else platformdirs.user_cache_path("singsynth-mcp") / "training"
    folder = base.joinpath(*names)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def content_key(*inputs: object) -> str:
    """Return 16 hex digits naming a result by everything it depends on (JSON-able values)."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_key(paths: list[Path]) -> str:
    """Return a key of what Python files do: their code without comments, docstrings and layout."""
    return content_key([ast.dump(_without_docstrings(path)) for path in sorted(paths)])


def _without_docstrings(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_docstring(part)]
    return tree


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
