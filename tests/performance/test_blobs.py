from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from singsynth_mcp.errors import ArtifactError
from singsynth_mcp.performance import blobs
from singsynth_mcp.performance.model import AudioPhrase, Group, MelPhrase, Phoneme, Phrase, PhraseNote

seconds = st.floats(-10, 100, allow_nan=False)
curves = seconds | st.lists(st.tuples(seconds, seconds), min_size=1, max_size=4).map(tuple)
notes = st.builds(PhraseNote, st.text(), st.integers(1, 9), seconds, seconds, st.floats(0, 127), st.text())
phonemes = st.builds(
    Phoneme, st.text(), st.text(), st.sampled_from(["vowel", "consonant", "rest", "breath"]), st.just(0), st.just(0)
)
groups = st.builds(Group, st.integers(0, 9), seconds, st.floats(0, 127))
# Every bit pattern counts, NaN included: a blob keeps what it was given.
frames = hnp.arrays(np.float32, st.integers(0, 20), elements=st.floats(width=32))
phrases = st.builds(
    Phrase,
    notes=st.lists(notes, max_size=3).map(tuple),
    phonemes=st.lists(phonemes, max_size=3).map(tuple),
    groups=st.lists(groups, max_size=3).map(tuple),
    end_s=seconds,
    head_s=seconds,
    speaker=st.dictionaries(st.text(), curves, max_size=3),
    controls=st.dictionaries(st.text(), curves, max_size=3),
    boundaries_s=st.none() | hnp.arrays(np.float64, st.integers(0, 9)),
    pitch=st.none() | frames,
    variance=st.none() | st.dictionaries(st.text(max_size=5), frames, max_size=3),
)


def same_array(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@given(phrases)
def test_a_phrase_comes_back_bit_for_bit(phrase: Phrase) -> None:
    data = blobs.phrase_to_bytes(phrase)
    back = blobs.phrase_from_bytes(data)
    for name in ("notes", "phonemes", "groups", "end_s", "head_s", "speaker", "controls"):
        assert getattr(back, name) == getattr(phrase, name), name
    assert same_array(back.boundaries_s, phrase.boundaries_s)
    assert same_array(back.pitch, phrase.pitch)
    if phrase.variance is None:
        assert back.variance is None
    else:
        assert back.variance is not None
        assert set(back.variance) == set(phrase.variance)
        assert all(same_array(back.variance[name], phrase.variance[name]) for name in phrase.variance)
    assert blobs.phrase_to_bytes(back) == data


@given(phrases)
def test_the_order_of_mappings_does_not_change_the_bytes(phrase: Phrase) -> None:
    turned = replace(
        phrase,
        speaker=dict(reversed(phrase.speaker.items())),
        controls=dict(reversed(phrase.controls.items())),
        variance=None if phrase.variance is None else dict(reversed(phrase.variance.items())),
    )
    assert blobs.phrase_to_bytes(turned) == blobs.phrase_to_bytes(phrase)


@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 9), st.integers(0, 5))), frames, seconds)
def test_mel_and_audio_come_back_bit_for_bit(mel: np.ndarray, f0: np.ndarray, offset: float) -> None:
    back = blobs.mel_from_bytes(blobs.mel_to_bytes(MelPhrase(mel, f0, offset)))
    assert same_array(back.mel, mel)
    assert same_array(back.f0_hz, f0)
    assert back.offset_s == offset
    heard = blobs.audio_from_bytes(blobs.audio_to_bytes(AudioPhrase(f0, 44100, offset)))
    assert same_array(heard.audio, f0)
    assert (heard.sample_rate, heard.offset_s) == (44100, offset)


def test_a_slice_is_stored_as_it_reads() -> None:
    strided = np.arange(20, dtype=np.float32).reshape(4, 5).T
    back = blobs.mel_from_bytes(blobs.mel_to_bytes(MelPhrase(strided, strided[0], 0.0)))
    assert np.array_equal(back.mel, strided)
    assert np.array_equal(back.f0_hz, strided[0])


@pytest.mark.parametrize("data", [b"", b"\x00" * 20, b"{}", blobs.audio_to_bytes(AudioPhrase(np.zeros(3), 1, 0.0))])
def test_other_bytes_are_an_error(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        blobs.phrase_from_bytes(data)
    with pytest.raises(ArtifactError):
        blobs.mel_from_bytes(data)
