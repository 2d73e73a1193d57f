"""Pitch, onsets and levels of sung notes, against singers whose every number is known."""

from __future__ import annotations

import numpy as np
import pytest

from singsynth_mcp.media.sung import sung_notes
from singsynth_mcp.media.tuning import TRACK_FRAME_S, pitch_track
from singsynth_mcp.performance.model import AudioPhrase, Phoneme, Phrase
from tests.listening.singer import RATE, sing, song


def tone(hertz: float, seconds: float = 0.5, rate: int = RATE, harmonics: int = 12) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    numbers = [number for number in range(1, harmonics + 1) if number * hertz < rate / 2]
    return sum(np.sin(2 * np.pi * number * hertz * time + number) / number for number in numbers)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100])
@pytest.mark.parametrize("midi", [40, 52, 57.3, 64, 69, 76, 81, 84])
def test_a_tone_is_tracked_to_a_few_cents(midi: float, rate: int) -> None:
    hertz = 440 * 2 ** ((midi - 69) / 12)
    track = pitch_track(tone(hertz, rate=rate), rate, 0.1, 0.4)
    assert len(track) == 31
    assert np.abs(1200 * np.log2(track / hertz)).max() < (2 if rate > 40_000 else 6)


def test_a_weak_fundamental_is_still_the_pitch() -> None:
    audio = tone(110.0, harmonics=8) - np.sin(2 * np.pi * 110.0 * np.arange(round(0.5 * RATE)) / RATE + 1)
    assert np.abs(1200 * np.log2(pitch_track(audio, RATE, 0.1, 0.4) / 110.0)).max() < 3


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(1).standard_normal(RATE)
    assert (pitch_track(noise, RATE, 0.1, 0.9) == 0).mean() > 0.95
    assert not pitch_track(np.zeros(RATE), RATE, 0.0, 1.0).any()
    assert not pitch_track(np.zeros(100), RATE, -1.0, 2.0).any()
    assert len(pitch_track(np.zeros(100), RATE, 0.5, 0.5 - TRACK_FRAME_S)) == 0


def phrase_of_song(audio: np.ndarray, offset_s: float) -> tuple[AudioPhrase, Phrase]:
    notes = tuple(song(16))
    consonants = {"か": "ja/k", "さ": "s", "た": "ja/t", "は": "ja/h", "ま": "ja/m"}
    phonemes = [
        phoneme
        for index, note in enumerate(notes)
        for phoneme in (
            Phoneme(consonants[note.lyric], "ja", "consonant", index, 0),
            Phoneme("ja/a", "ja", "vowel", index, 1),
        )
    ]
    return AudioPhrase(audio.astype(np.float32), RATE, offset_s), Phrase(notes, tuple(phonemes), (), 10.0)


@pytest.mark.parametrize(("cents", "late_s"), [(0.0, 0.0), (35.0, 0.0), (-60.0, 0.04)])
def test_notes_are_heard_as_they_were_sung(cents: float, late_s: float) -> None:
    lead = np.zeros(RATE // 4)
    heard = sung_notes(*phrase_of_song(np.concatenate([lead, sing(song(16), cents=cents, late_s=late_s)]), -0.25))
    assert len(heard) == 16
    assert np.median([each.cents for each in heard]) == pytest.approx(cents, abs=3)
    assert max(abs(each.cents - cents) for each in heard) < 12
    late = [each.onset_s for each in heard if each.onset_s is not None]
    assert len(late) == sum(note.lyric != "ま" for note in song(16))
    assert np.median(late) == pytest.approx(late_s, abs=0.012)
    assert all(-40 < each.level_db < 0 for each in heard)


def test_silence_is_heard_as_silence() -> None:
    heard = sung_notes(*phrase_of_song(np.zeros(20 * RATE), 0.0))
    assert {each.cents for each in heard} == {None}
    assert {each.level_db for each in heard} == {-120.0}
