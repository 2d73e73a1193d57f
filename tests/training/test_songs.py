import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.inventory import BY_SYMBOL
from training.score_labels import label_song
from training.songs import HIGHEST_MIDI, LOWEST_MIDI, Run, compose, runs_of

WORDS = (
    ("ja/k", "ja/a", "ja/r", "ja/a", "ja/s", "ja/u"),
    ("ja/a", "ja/N", "ja/cl", "ja/t", "ja/e", "ja/m", "ja/o"),
    ("ja/k", "ja/w", "ja/e", "ja/N"),
)
RUNS = [Run(i, 1, word, tuple(0.09 for _ in word)) for i, word in enumerate(WORDS)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from(RUNS), min_size=1, max_size=4))
def test_songs_are_whole(seed, runs):
    song = compose(runs, np.random.default_rng(seed))
    assert song.phonemes[0].symbol == song.phonemes[-1].symbol == "SP"
    for before, after in zip(song.phonemes[:-1], song.phonemes[1:], strict=True):
        assert abs(before.end - after.start) < 1e-9
        assert before.end > before.start
    sung = [p.symbol for p in song.phonemes if p.source is not None]
    assert sung == [symbol for run in runs for symbol in run.phonemes]
    onsets = [p.start for p in song.phonemes if p.source and BY_SYMBOL[p.symbol].is_vowel]
    for note in song.notes:
        assert LOWEST_MIDI <= note.midi <= HIGHEST_MIDI
    starts = np.array([note.start for note in song.notes])
    own_note = [np.abs(starts - onset).min() < 1e-9 for onset in onsets]
    nasals = sum(symbol == "ja/N" for symbol in sung)
    assert sum(not found for found in own_note) <= nasals


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from(RUNS), min_size=1, max_size=4))
def test_labels_sum(seed, runs):
    labels = label_song(compose(runs, np.random.default_rng(seed)))
    frames = labels.ph_dur.sum()
    assert labels.note_dur.sum() == labels.word_dur.sum() == frames
    assert labels.word_div.sum() == len(labels.phonemes)
    assert (labels.ph_dur >= 1).all()
    assert (labels.note_dur >= 1).all()
    assert labels.note_rest[0]
    assert labels.note_rest[-1]
    assert len(labels.note_midi) == len(labels.note_rest) == len(labels.note_dur)
    assert len(labels.natural_ph_dur) == len(labels.ph_midi) == len(labels.phonemes)


def test_runs_leave_out_what_cannot_be_sung():
    phonemes = ("SP", "ja/k", "ja/a", "ja/s", "ja/u", "ja/t", "ja/a", "ja/n", "ja/o", "SP")
    lengths = np.full(len(phonemes), 0.1)
    fault = ("", "", "", "", "devoiced", "", "", "", "", "")
    runs = runs_of(4, phonemes, lengths, fault)
    assert [run.phonemes for run in runs] == [("ja/t", "ja/a", "ja/n", "ja/o")]
    assert runs[0].first == 5
    assert runs[0].recording == 4
