"""A spoken line on a score's notes: vowels on their beats, consonants before them, nothing left out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from training.report.laying import HEAD_SECONDS, DoesNotFitError, SungSyllable, lay
from training.songs import Note
from training.store import Recording

PHONEMES = ("SP", "ja/k", "ja/a", "ja/N", "ja/s", "ja/o", "ja/d", "ja/a", "SP")
"""かんそ, and a だ that is not sung."""
STARTS = np.array([0.0, 0.2, 0.3, 0.45, 0.55, 0.65, 0.8, 0.85, 1.0, 1.2])


def _recording() -> Recording:
    frames = int(STARTS[-1] / 0.005)
    return Recording(
        PHONEMES,
        STARTS,
        STARTS[1:].copy(),
        ("",) * len(PHONEMES),
        np.zeros(len(PHONEMES), np.float32),
        (200.0, 262.0),
        np.zeros((2, frames, 256), np.float16),
        np.zeros((frames, 64), np.float16),
        np.ones(frames, bool),
    )


SYLLABLES = [
    SungSyllable((Note(0.0, 0.5, 60.0), Note(0.5, 1.0, 62.0)), 2),
    SungSyllable((Note(1.0, 2.0, 64.0),), 1),
]


def test_vowels_start_on_their_notes() -> None:
    song = lay(_recording(), 5, SYLLABLES)
    assert [p.symbol for p in song.phonemes] == ["SP", "ja/k", "ja/a", "ja/N", "ja/s", "ja/o", "SP"]
    starts = {p.symbol: p.start for p in song.phonemes}
    assert starts["ja/a"] == pytest.approx(HEAD_SECONDS)
    assert starts["ja/o"] == pytest.approx(HEAD_SECONDS + 1.0)
    assert starts["ja/a"] < starts["ja/N"] < starts["ja/s"]
    assert [(n.start - HEAD_SECONDS, n.end - HEAD_SECONDS, n.midi) for n in song.notes] == [
        (0.0, 0.5, 60.0),
        (0.5, 1.0, 62.0),
        (1.0, 2.0, 64.0),
    ]


def test_phonemes_have_no_gaps_and_know_where_they_are_read() -> None:
    song = lay(_recording(), 5, SYLLABLES, number=3)
    assert song.phonemes[0].start == 0.0
    for before, after in pairwise(song.phonemes):
        assert after.start == pytest.approx(before.end)
        assert after.end > after.start
    assert [p.source for p in song.phonemes] == [None, (3, 1), (3, 2), (3, 3), (3, 4), (3, 5), None]


def test_a_consonant_at_the_end_stays_in_the_last_note() -> None:
    song = lay(_recording(), 6, SYLLABLES)
    assert [p.symbol for p in song.phonemes][-3:] == ["ja/o", "ja/d", "SP"]
    assert song.phonemes[-2].end == pytest.approx(HEAD_SECONDS + 2.0)


def test_another_count_of_vowels_is_refused() -> None:
    with pytest.raises(DoesNotFitError, match="4 spoken vowels for 3"):
        lay(_recording(), 7, SYLLABLES)
