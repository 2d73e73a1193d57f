from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.durations import CONSONANT_SHARE, ONSET_SHARE, fit_durations, group_spans
from singsynth_mcp.synthesis.frames import frame_counts
from tests.singing import phrase_of

FRAME_S = 512 / 44100


def _fit(phrase: Phrase, *lengths: float) -> np.ndarray:
    return fit_durations(phrase, np.asarray(lengths, np.float64), FRAME_S)


def test_leading_consonants_end_on_the_first_onset_unscaled() -> None:
    phrase = phrase_of([(0.0, 0.5, 60, "k y a")])
    np.testing.assert_allclose(_fit(phrase, 0.05, 0.03, 0.1), [-0.08, -0.03, 0.0, 0.5])


def test_leading_consonants_stay_in_the_room_before_the_phrase() -> None:
    phrase = phrase_of([(0.0, 0.5, 60, "s a")])
    assert _fit(phrase, 3.0, 0.1)[0] == -phrase.head_s


def test_a_long_note_gives_its_time_to_the_vowel() -> None:
    """The model is asked for a word of 1.5 s; what it then gives consonants is what they keep."""
    phrase = phrase_of([(0.0, 6.0, 60, "k a"), (6.0, 0.5, 60, "s a")])
    bounds = _fit(phrase, 0.05, 1.42, 0.08, 0.3)
    np.testing.assert_allclose(bounds, [-0.05, 0.0, 5.92, 6.0, 6.5])


def test_the_formats_worked_example() -> None:
    """Two quarters at 120 bpm, "ka" "sa", lengths of 5, 20, 6 and 30 frames: section 3.8."""
    phrase = phrase_of([(0.0, 0.5, 60, "k a"), (0.5, 0.5, 62, "s a")])
    bounds = _fit(phrase, *(FRAME_S * np.asarray([5, 20, 6, 30])))
    np.testing.assert_allclose(bounds, [-0.05805, 0.0, 0.38462, 0.5, 1.0], atol=1e-5)


def test_a_short_note_shrinks_all_in_proportion() -> None:
    phrase = phrase_of([(0.0, 0.2, 60, "k a"), (0.2, 0.5, 60, "s a")])
    bounds = _fit(phrase, 0.05, 0.3, 0.1, 0.3)
    np.testing.assert_allclose(bounds[2], 0.15)


def test_consonants_never_take_more_than_their_share() -> None:
    phrase = phrase_of([(0.0, 0.3, 60, "k a"), (0.3, 0.5, 60, "s a")])
    bounds = _fit(phrase, 0.05, 0.01, 0.4, 0.3)
    np.testing.assert_allclose(0.3 - bounds[2], ONSET_SHARE["vowel"] * 0.3)
    stopped = phrase_of([(0.0, 0.3, 60, "k i cl"), (0.3, 0.5, 60, "t e")])
    bounds = _fit(stopped, 0.05, 0.01, 0.2, 0.2, 0.3)
    np.testing.assert_allclose(0.3 - bounds[2], CONSONANT_SHARE["vowel"] * 0.3)


def test_consonants_may_fill_a_short_rest() -> None:
    phrase = phrase_of([(0.0, 0.5, 60, "k a"), (0.5, 0.1, 60, "SP"), (0.6, 0.5, 60, "s a")])
    np.testing.assert_allclose(_fit(phrase, 0.05, 0.3, 0.01, 0.08, 0.3)[3], 0.52)


def test_a_model_that_answers_zeros_leaves_something_of_everything() -> None:
    phrase = phrase_of([(0.0, 0.4, 60, "k a"), (0.4, 0.4, 60, "s a")])
    bounds = _fit(phrase, 0.0, 0.0, 0.0, 0.0)
    np.testing.assert_allclose(bounds, [0.0, 0.0, 0.24, 0.4, 0.8])


def test_a_rest_keeps_its_start_and_lends_its_end_to_the_next_consonant() -> None:
    phrase = phrase_of([(0.0, 0.5, 60, "k a"), (0.5, 0.3, 60, "SP"), (0.8, 0.5, 60, "s a")])
    np.testing.assert_allclose(_fit(phrase, 0.05, 0.3, 0.1, 0.08, 0.3), [-0.05, 0.0, 0.5, 0.72, 0.8, 1.3])


WORDS = st.sampled_from(["a", "k a", "s o", "ts u", "k y a N", "N", "SP", "n i cl", "+~"])
SONGS = st.lists(st.tuples(st.floats(0.02, 4.0), WORDS), min_size=1, max_size=12)


@given(SONGS, st.data())
def test_boundaries_never_fall_and_vowels_stand_on_their_onsets(
    song: list[tuple[float, str]], data: st.DataObject
) -> None:
    sung, start_s = [], 0.0
    for length_s, word in [(0.5, "k a"), *song]:
        sung.append((start_s, length_s, 60.0, word))
        start_s += length_s
    phrase = phrase_of(sung)
    count = len(phrase.phonemes)
    predicted = data.draw(st.lists(st.floats(0, 3), min_size=count, max_size=count))
    bounds = _fit(phrase, *predicted)
    assert len(bounds) == count + 1
    assert (np.diff(bounds) >= 0).all()
    assert bounds[-1] == phrase.end_s
    for group in phrase.groups[1:]:
        assert bounds[group.first] == group.start_s
    frames = frame_counts(np.concatenate([[8 * FRAME_S], np.diff(bounds), [8 * FRAME_S]]), FRAME_S)
    assert frames.sum() == frame_counts([bounds[-1] - bounds[0] + 16 * FRAME_S], FRAME_S).sum()
    for first, end in group_spans(phrase)[1:]:
        roles = [phoneme.role for phoneme in phrase.phonemes[first:end]]
        if bounds[end] - bounds[first] >= 1.1 * FRAME_S:
            assert frames[1 + first + next(i for i, role in enumerate(roles) if role != "consonant")] >= 1
