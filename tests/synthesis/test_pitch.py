from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.frames import phoneme_frames
from singsynth_mcp.synthesis.melody import fill_rests, melody_of, written_line
from singsynth_mcp.synthesis.pitch import EASE_FRAMES, calm_rests
from tests.singing import Sung, phrase_of

FRAME_S = 512 / 44100


def _timed(sung: list[Sung], bounds: list[float]) -> Phrase:
    return replace(phrase_of(sung), boundaries_s=np.asarray(bounds))


def test_the_formats_worked_example() -> None:
    phrase = _timed([(0.0, 0.5, 60, "k a"), (0.5, 0.5, 62, "s a")], [-0.058333, 0.0, 0.384375, 0.5, 1.0])
    melody = melody_of(phrase, FRAME_S, int(phoneme_frames(phrase, FRAME_S).sum()))
    assert melody.frames.tolist() == [14, 43, 43, 8]
    assert melody.rest.tolist() == [True, False, False, True]
    assert melody.midi.tolist() == [60, 60, 62, 62]


def test_gaps_are_rests_and_a_held_vowel_is_none() -> None:
    sung: list[Sung] = [(0.0, 0.5, 60, "a"), (0.5, 0.5, 64, "+~"), (1.0, 0.3, 64, "SP"), (1.3, 0.5, 67, "a")]
    phrase = _timed(sung, [0.0, 1.0, 1.3, 1.8])
    melody = melody_of(phrase, FRAME_S, int(phoneme_frames(phrase, FRAME_S).sum()))
    assert melody.rest.tolist() == [True, False, False, True, False, True]
    assert melody.midi.tolist() == [60, 60, 64, 64, 67, 67]


@pytest.mark.parametrize(
    ("tones", "rests", "filled"),
    [
        ([50, 60, 55], [1, 0, 1], [60, 60, 60]),
        ([60, 0, 0, 0, 70], [0, 1, 1, 1, 0], [60, 60, 60, 70, 70]),
        ([60, 0, 0, 70], [0, 1, 1, 0], [60, 60, 70, 70]),
        ([0, 0, 60], [1, 1, 0], [60, 60, 60]),
        ([40, 41], [1, 1], [60, 60]),
    ],
)
def test_rests_take_their_neighbours_tones(tones: list[float], rests: list[int], filled: list[float]) -> None:
    assert fill_rests(tones, [bool(rest) for rest in rests]).tolist() == filled


def test_the_written_line_glides_around_the_onset() -> None:
    phrase = _timed([(0.0, 0.5, 60, "a"), (0.5, 0.5, 67, "a")], [0.0, 0.5, 1.0])
    total = int(phoneme_frames(phrase, FRAME_S).sum())
    line = written_line(melody_of(phrase, FRAME_S, total), FRAME_S)
    onset = 8 + round(0.5 / FRAME_S)
    assert line[onset - 5] == 60
    assert line[onset + 5] == 67
    assert line[onset - 1] < 63.5 < line[onset + 1]
    assert (np.diff(line) >= 0).all()


def test_nonsense_inside_rests_never_reaches_the_vocoder() -> None:
    resting = np.zeros(60, bool)
    resting[:8] = resting[25:45] = resting[-8:] = True
    curve = np.where(resting, -2.0, 61.0)
    line = np.where(np.arange(60) < 35, 60.0, 60.5)
    calm = calm_rests(curve, line, resting)
    np.testing.assert_array_equal(calm[~resting], 61.0)
    assert calm.min() >= 60.0
    assert np.abs(np.diff(calm)).max() <= 0.6
    assert calm[35 - EASE_FRAMES // 2] == 60.0
    assert np.abs(calm[24] - calm[25]) < 0.1
