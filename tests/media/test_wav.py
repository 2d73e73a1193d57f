from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.media import wav
from singsynth_mcp.media.encoding import write_audio


@given(
    samples=st.integers(0, 301), channels=st.integers(1, 2), rate=st.sampled_from([16_000, 44_100]), seed=st.integers(0)
)
def test_a_wav_file_is_libsndfiles(
    tmp_path_factory: pytest.TempPathFactory, samples: int, channels: int, rate: int, seed: int
) -> None:
    """An odd number of bytes is padded; the extremes and halves are rounded as there."""
    folder = tmp_path_factory.mktemp("wav")
    audio = np.random.default_rng(seed).uniform(-1, 1, (samples, channels)).astype(np.float32)
    audio[:3] = np.array([[1.0], [-1.1], [0.5 / 2**23]], np.float32)[: min(samples, 3)]
    ours, theirs = folder / "ours.wav", folder / "theirs.wav"
    blocks = (audio[:100], audio[100:])
    assert write_audio(ours, blocks, sample_rate=rate, channels=channels, format="wav") == samples
    soundfile.write(theirs, audio, rate, subtype="PCM_24")
    assert ours.read_bytes() == theirs.read_bytes()


def test_more_than_a_wav_file_can_count_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav, "_MOST_BYTES", 300)
    with pytest.raises(InvalidRequest, match="4 GB"):
        write_audio(tmp_path / "a.wav", [np.zeros((101, 1), np.float32)], sample_rate=44_100, channels=1, format="wav")
    assert list(tmp_path.iterdir()) == []
