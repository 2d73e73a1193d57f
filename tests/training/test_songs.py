import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.inventory import BY_SYMBOL
from training.score_labels import label_song
from training.songs import Run, compose, runs_of, sung_span

WORDS = (
    ("ja/k", "ja/a", "ja/r", "ja/a", "ja/s", "ja/u"),
    ("ja/a", "ja/N", "ja/cl", "ja/t", "ja/e", "ja/m", "ja/o"),
    ("ja/k", "ja/w", "ja/e", "ja/N"),
    ("en/s", "en/t", "en/r", "en/ay", "en/p", "en/s", "en/aw", "en/n", "en/d", "en/z"),
    ("en/ax", "en/w", "en/ey"),
)
COMFORTABLE = (57, 76)
RUNS = [Run(i, 1, word, tuple(0.09 for _ in word)) for i, word in enumerate(WORDS)]


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from(RUNS), min_size=1, max_size=4))
def test_songs_are_whole(seed, runs):
    song = compose(runs, COMFORTABLE, np.random.default_rng(seed))
    assert song.phonemes[0].symbol == song.phonemes[-1].symbol == "SP"
    for before, after in zip(song.phonemes[:-1], song.phonemes[1:], strict=True):
        assert abs(before.end - after.start) < 1e-9
        assert before.end > before.start
    sung = [p.symbol for p in song.phonemes if p.source is not None]
    assert sung == [symbol for run in runs for symbol in run.phonemes]
    onsets = [p.start for p in song.phonemes if p.source and BY_SYMBOL[p.symbol].is_vowel]
    lowest, highest = sung_span(COMFORTABLE)
    for note in song.notes:
        assert lowest <= note.midi <= highest
    starts = np.array([note.start for note in song.notes])
    own_note = [np.abs(starts - onset).min() < 1e-9 for onset in onsets]
    nasals = sum(symbol == "ja/N" for symbol in sung)
    assert sum(not found for found in own_note) <= nasals


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from(RUNS), min_size=1, max_size=4))
def test_labels_sum(seed, runs):
    labels = label_song(compose(runs, COMFORTABLE, np.random.default_rng(seed)))
    frames = labels.ph_dur.sum()
    assert labels.note_dur.sum() == labels.word_dur.sum() == frames
    assert labels.word_div.sum() == len(labels.phonemes)
    assert (labels.ph_dur >= 1).all()
    assert (labels.note_dur >= 1).all()
    assert labels.note_rest[0]
    assert labels.note_rest[-1]
    assert len(labels.note_midi) == len(labels.note_rest) == len(labels.note_dur)
    assert len(labels.natural_ph_dur) == len(labels.ph_midi) == len(labels.phonemes)


def test_a_run_ends_with_the_consonants_that_close_it():
    phonemes = (
        "SP",
        "en/k",
        "en/ae",
        "en/t",
        "en/s",
        "SP",
        "en/ih",
        "en/k",
        "en/s",
        "en/t",
        "en/r",
        "en/ey",
        "en/n",
        "SP",
    )
    phonemes = (*phonemes[:-1], "en/ax", "en/n", "SP")
    fault = ["" for _ in phonemes]
    fault[6] = "devoiced"
    runs = runs_of(0, phonemes, np.full(len(phonemes), 0.1), tuple(fault))
    assert [run.phonemes for run in runs] == [("en/r", "en/ey", "en/n", "en/ax", "en/n")]
    song = compose(runs, COMFORTABLE, np.random.default_rng(1))
    last = song.phonemes[-2]
    assert last.symbol == "en/n"
    assert last.end == song.notes[-1].end
    assert 0.0 < last.end - last.start <= 0.5 * (song.notes[-1].end - song.notes[-1].start) + 1e-9


def test_runs_leave_out_what_cannot_be_sung():
    phonemes = ("SP", "ja/k", "ja/a", "ja/s", "ja/u", "ja/t", "ja/a", "ja/n", "ja/o", "SP")
    lengths = np.full(len(phonemes), 0.1)
    fault = ("", "", "", "", "devoiced", "", "", "", "", "")
    runs = runs_of(4, phonemes, lengths, fault)
    assert [run.phonemes for run in runs] == [("ja/t", "ja/a", "ja/n", "ja/o")]
    assert runs[0].first == 5
    assert runs[0].recording == 4
