"""A short run of a model on one backend and on the CPU: what does not answer the same is not used.

A provider may load, run and still be wrong (a sine that is exact only near zero, an operator of another meaning), and
a module may have changed since its weights were exported. Neither is heard of unless somebody compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from singsynth_mcp.synthesis.engines.backends import Array, Declared, Session

TOLERANCE = 2e-3
"""Of an output's spread, or of one: 0.004 semitones, 0.02 dB, 0.006 of a mel, 0.002 of full scale."""
_TOKENS, _FRAMES, _HIDDEN, _BINS = 7, 60, 256, 128
_PH_DUR = [8, 6, 14, 6, 12, 4, 10]
DTYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


def disagreement(session: Session, reference: Session) -> str | None:
    """Return what a session answers otherwise than the reference, or None.

    A model that wants inputs that are not known here, or that the reference cannot run on them, is not compared.
    """
    feeds = probe_feeds(reference.get_inputs())
    if feeds is None:
        return None
    names = [output.name for output in reference.get_outputs()]
    try:
        expected = reference.run(names, feeds)
    except Exception:  # onnxruntime's own exceptions share no base
        return None
    found = session.run(names, feeds)
    for name, ours, theirs in zip(names, found, expected, strict=True):
        difference = worst_difference(ours, theirs)
        if difference > TOLERANCE:
            return f"its {name} differs from the CPU's by {difference:.2g} (at most {TOLERANCE})"
    return None


def worst_difference(found: Array, expected: Array) -> float:
    """Return the largest difference of two outputs, in units of what is expected's spread where that exceeds one."""
    if found.shape != expected.shape or not np.isfinite(found.astype(np.float64)).all():
        return float("inf")
    wanted = expected.astype(np.float64)
    spread = max(1.0, float(wanted.std())) if wanted.size else 1.0
    return float(np.abs(found - wanted).max(initial=0.0)) / spread


def probe_feeds(inputs: Sequence[Declared]) -> dict[str, Array] | None:
    """Return a short phrase as a model's inputs (format, section 2), or None for an input that is not known."""
    rng = np.random.default_rng(1)
    by_token = any(value.name == "ph_midi" for value in inputs)
    feeds = {}
    for value in inputs:
        array = _value(value, rng, _TOKENS if by_token else _FRAMES)
        if array is None:
            return None
        array = np.asarray(array).astype(DTYPES.get(value.type, np.float32))
        feeds[value.name] = array.reshape((1,) * (len(value.shape) - array.ndim) + array.shape)
    return feeds


def _value(declared: Declared, rng: np.random.Generator, length: int) -> Any:
    """Return an input's value without the batch axis; None where its name is not known."""
    last = declared.shape[-1] if declared.shape else None
    size = last if isinstance(last, int) and len(declared.shape) == 3 else None
    if declared.name == "retake":
        return np.ones((_FRAMES, size) if size else _FRAMES)
    wide = {
        # Positive: the leading channels are a word's number and its frames.
        "encoder_out": lambda: np.abs(rng.standard_normal((_TOKENS, size or _HIDDEN))),
        "spk_embed": lambda: rng.standard_normal((length, size or _HIDDEN)),
        "mel": lambda: rng.standard_normal((_FRAMES, size or _BINS)) - 4.0,
    }
    make: Callable[[], Any] | None = wide.get(declared.name)
    return _CURVES.get(declared.name) if make is None else make()


_CURVES: dict[str, Any] = {
    "tokens": [1, 2, 3, 2, 3, 2, 1],
    "languages": np.zeros(_TOKENS),
    "word_div": [2, 2, 2, 1],
    "word_dur": [14, 20, 16, 10],
    "ph_dur": _PH_DUR,
    "durations": _PH_DUR,
    "x_masks": np.zeros(_TOKENS),
    "ph_midi": [60, 60, 62, 62, 64, 64, 65],
    "note_midi": [60.0, 60.0, 62.0, 64.0, 64.0],
    "note_rest": [True, False, False, False, True],
    "note_dur": [14, 16, 12, 10, 8],
    "note_glide": np.zeros(5),
    "pitch": np.linspace(60.0, 64.0, _FRAMES),
    "expr": np.ones(_FRAMES),
    "f0": np.linspace(220.0, 330.0, _FRAMES),
    "gender": np.zeros(_FRAMES),
    "velocity": np.ones(_FRAMES),
    "energy": np.full(_FRAMES, -30.0),
    "breathiness": np.full(_FRAMES, -50.0),
    "voicing": np.full(_FRAMES, -30.0),
    "tension": np.zeros(_FRAMES),
    "steps": 10,
    "speedup": 100,
    "depth": 1,
}
