from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.synthesis.frames import frame_counts, resample

FRAME_S = 512 / 44100


def test_the_formats_worked_example() -> None:
    """Two quarters at 120 bpm, "ka" "sa": section 3.8."""
    phonemes_s = [0.058333, 0.384375, 0.115625, 0.5]
    pad = 8 * FRAME_S
    assert frame_counts([pad, *phonemes_s, pad], FRAME_S).tolist() == [8, 6, 33, 10, 43, 8]
    notes_s = [0.151213, 0.5, 0.5, 0.092880]
    assert frame_counts(notes_s, FRAME_S).tolist() == [14, 43, 43, 8]


@given(st.lists(st.floats(0, 20), min_size=1, max_size=60), st.sampled_from([FRAME_S, 256 / 44100, 240 / 24000]))
def test_frames_follow_time_and_never_drift(lengths: list[float], frame_s: float) -> None:
    counts = frame_counts(lengths, frame_s)
    assert (counts >= 0).all()
    ends = np.cumsum(lengths) / frame_s
    assert (np.abs(np.cumsum(counts) - ends - 0.5) <= 0.5 + 1e-6).all()


@given(st.integers(0, 300), st.sampled_from([256, 512, 1024]), st.sampled_from([256, 512, 1024]))
def test_resampling_keeps_the_pads_and_what_is_straight(frames: int, source: int, target: int) -> None:
    total = 16 + frames
    curve = np.concatenate([np.full(8, 1.0), np.arange(round(frames * target / source) + 1), np.full(8, 2.0)])
    result = resample(curve.astype(np.float32), source / 44100, target / 44100, total)
    assert len(result) == total
    assert (result[:8] == 1).all()
    assert (result[-8:] == 2).all()
    straight = np.minimum(np.arange(frames) * target / source, len(curve) - 17)
    np.testing.assert_allclose(result[8:-8], straight, rtol=1e-5)
