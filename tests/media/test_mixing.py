from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.media.mixing import BLOCK_SAMPLES, Mix, PlacedPhrase, Track
from singsynth_mcp.performance.model import AudioPhrase

RATE = 8000


def phrase(start: float, samples: int, offset: float = 0.0, seed: int = 0, rate: int = RATE) -> PlacedPhrase:
    audio = np.random.default_rng(seed).standard_normal(samples).astype(np.float32)
    return PlacedPhrase(start, AudioPhrase(audio, rate, offset))


def track(*phrases: PlacedPhrase, **choices: float) -> Track:
    return Track(phrases, **choices)


def whole(mix: Mix) -> np.ndarray:
    return np.concatenate(list(mix.blocks()))


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 20),
            st.integers(0, 90_000),
            st.floats(-0.5, 0),
            st.floats(-20, 10),
            st.floats(-1, 1),
            st.floats(0, 5),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_mix_is_the_sum_of_its_tracks(rows: list[tuple[float, int, float, float, float, float]]) -> None:
    placed = [phrase(start, samples, offset, seed) for seed, (start, samples, offset, *_) in enumerate(rows)]
    tracks = [
        track(item, gain_db=gain, pan=pan, offset_seconds=offset)
        for item, (_, _, _, gain, pan, offset) in zip(placed, rows, strict=True)
    ]
    mix = Mix.of(tracks)
    result = whole(mix) if any(row[1] for row in rows) else np.zeros((0, mix.channels))
    expected = np.zeros((len(result), mix.channels))
    for item, (_, samples, _, gain, pan, offset) in zip(placed, rows, strict=True):
        first = round((item.start_seconds + item.phrase.offset_s + offset + mix.lead_seconds) * RATE)
        assert first >= 0
        angle = (pan + 1) * np.pi / 4
        gains = [1.0] if mix.channels == 1 else [np.cos(angle), np.sin(angle)]
        expected[first : first + samples] += np.outer(item.phrase.audio, gains) * 10 ** (gain / 20)
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_what_sounds_before_beat_0_is_kept_and_every_track_moves_with_it() -> None:
    early, late = phrase(0.0, RATE, offset=-0.25), phrase(1.0, RATE, seed=1)
    mix = Mix.of([track(early), track(late)])
    assert mix.lead_seconds == 0.25
    assert mix.seconds == 2.25
    result = whole(mix)
    np.testing.assert_array_equal(result[:RATE, 0], early.phrase.audio)
    np.testing.assert_array_equal(result[RATE * 5 // 4 :, 0], late.phrase.audio)


def test_phrases_that_overlap_are_summed_across_block_borders() -> None:
    first, second = phrase(0.0, BLOCK_SAMPLES + 500), phrase(BLOCK_SAMPLES / RATE, 2000, seed=1)
    result = whole(Mix.of([track(first, second)]))[:, 0]
    border = first.phrase.audio[BLOCK_SAMPLES:] + second.phrase.audio[:500]
    np.testing.assert_array_equal(result[BLOCK_SAMPLES : BLOCK_SAMPLES + 500], border)


def test_panning_keeps_the_power() -> None:
    for pan in (-1.0, -0.4, 0.0001, 1.0):
        item = phrase(0.0, RATE)
        result = whole(Mix.of([track(item, pan=pan)]))
        assert result.shape == (RATE, 2)
        assert np.square(result).sum() == pytest.approx(np.square(item.phrase.audio).sum(), rel=1e-5)
    hard_left = whole(Mix.of([track(phrase(0.0, 10), pan=-1)]))
    assert np.abs(hard_left[:, 1]).max() < 1e-6


def test_a_slower_track_is_resampled_to_the_fastest() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050).astype(np.float32)
    mix = Mix.of([track(PlacedPhrase(0.0, AudioPhrase(tone, 22_050, 0.0))), track(phrase(2.0, 10, rate=44_100))])
    assert mix.sample_rate == 44_100
    expected = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)
    np.testing.assert_allclose(whole(mix)[2000:42_000, 0], expected[2000:42_000], atol=1e-3)


def test_a_mix_without_phrases_is_empty() -> None:
    assert list(Mix.of([track()]).blocks()) == []


class OnDemand(Sequence[PlacedPhrase]):
    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> PlacedPhrase:
        index = range(self._count)[index]
        return phrase(float(index), RATE, seed=index)


def test_memory_does_not_grow_with_the_song() -> None:
    def peak(count: int) -> int:
        mix = Mix.of([Track(OnDemand(count))])
        tracemalloc.start()
        for _ in mix.blocks():
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(160) < 1.3 * peak(40)
