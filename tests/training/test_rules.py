import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.examples import FRAME_SECONDS
from training.rules.pitch import LEAD_SECONDS, flutter, pitch_rule
from training.rules.timing import coda_seconds, fitted_seconds, hurried_seconds, natural_seconds, to_frames
from training.songs import Note

STEP = 0.0058


def test_frames_follow_the_formats_worked_example():
    seconds = [8 * FRAME_SECONDS, 0.058333, 0.384375, 0.115625, 0.5, 8 * FRAME_SECONDS]
    assert to_frames(seconds).tolist() == [8, 6, 33, 10, 43, 8]


@given(st.lists(st.floats(0.001, 3.0), min_size=1, max_size=40))
def test_frames_never_drift(seconds):
    frames = to_frames(seconds)
    assert (frames >= 0).all()
    assert abs(frames.sum() - sum(seconds) / FRAME_SECONDS) <= 1.0


def test_consonants_keep_to_their_limits():
    assert natural_seconds("ja/s", 0.02) == pytest.approx(0.095)
    assert natural_seconds("ja/r", 0.5) == pytest.approx(0.160)
    assert sum(fitted_seconds([0.1, 0.1], room=0.2)) == pytest.approx(0.1)
    assert fitted_seconds([0.1], room=5.0) == [0.1]
    assert fitted_seconds([], room=0.1) == []
    assert hurried_seconds(0.1, room=1.0) == 0.1
    assert 0.06 <= hurried_seconds(0.1, room=0.1) < hurried_seconds(0.1, room=0.2) < 0.1
    assert coda_seconds(0.1) <= 0.05


def _notes(pitches: list[float], lengths: list[float]) -> list[Note]:
    edges = 0.3 + np.concatenate([[0.0], np.cumsum(lengths)])
    return [Note(float(a), float(b), midi) for a, b, midi in zip(edges[:-1], edges[1:], pitches, strict=True)]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(55, 81), st.sampled_from([0.2, 0.3, 0.5, 1.0, 2.0])),
        min_size=1,
        max_size=12,
    )
)
def test_note_bodies_are_in_tune(drawn):
    notes = _notes([float(midi) for midi, _ in drawn], [length for _, length in drawn])
    times = np.arange(0.0, notes[-1].end + 0.2, STEP)
    curve = pitch_rule(notes, times)
    assert np.isfinite(curve).all()
    for note in notes:
        body = (times > note.start + 0.1) & (times < note.end - 0.1)
        if body.sum() >= 5:
            assert abs(np.median(curve[body]) - note.midi) < 0.2


def test_vibrato_is_symmetric_about_the_note():
    curve = pitch_rule(_notes([64.0], [3.0]), np.arange(0.0, 3.5, STEP))
    held = curve[int(1.0 / STEP) : int(3.1 / STEP)]
    assert abs(held.mean() - 64.0) < 0.02
    assert 0.2 < held.max() - 64.0 < 0.35
    assert 0.2 < 64.0 - held.min() < 0.35


def test_glides_lead_and_overshoot_shortly():
    notes = _notes([60.0, 67.0], [0.5, 0.5])
    times = np.arange(0.0, 1.4, STEP)
    curve = pitch_rule(notes, times)
    onset = notes[1].start
    assert curve[int(onset / STEP)] > 60.5
    assert curve[int((onset - LEAD_SECONDS - 0.03) / STEP)] < 60.0
    assert 67.0 < curve.max() < 67.35


def test_score_alone_decides_the_rule_and_flutter_is_small():
    notes = _notes([60.0, 62.0], [0.5, 0.9])
    times = np.arange(0.0, 2.0, STEP)
    np.testing.assert_array_equal(pitch_rule(notes, times), pitch_rule(notes, times))
    noise = flutter(20000, STEP, np.random.default_rng(1)) * 100.0
    assert abs(noise.mean()) < 0.5
    assert 1.5 < noise.std() < 5.0
    assert np.abs(noise).max() < 16.0
