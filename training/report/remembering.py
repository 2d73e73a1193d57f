"""Values that were measured once lie in the training cache, so that an interruption costs a song and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.cache import cache_directory, code_key, content_key

if TYPE_CHECKING:
    from training.report.judging import Values

_JUDGES = ("judging", "measures", "hearing", "naturalness", "singing")


def remembered(inputs: object, make: Callable[[], Values]) -> Values:
    """Return what ``make`` returned for these inputs (JSON-able: all it depends on beside the judges' code)."""
    here = Path(__file__).parent
    key = content_key(inputs, code_key([here / f"{name}.py" for name in _JUDGES]))
    path = cache_directory("report", "values") / f"{key}.npz"
    if not path.exists():
        temporary = path.with_suffix(".tmp.npz")
        np.savez(temporary, **make())
        temporary.replace(path)
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}
