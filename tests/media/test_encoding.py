from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from singsynth_mcp.errors import InvalidRequest, StorageProblem
from singsynth_mcp.media.encoding import FORMATS, write_audio
from singsynth_mcp.media.mastering import save_mix
from singsynth_mcp.media.mixing import BLOCK_SAMPLES, Mix, PlacedPhrase, Track
from singsynth_mcp.performance.model import AudioPhrase

RATE = 44_100


def tone(seconds: float, channels: int = 1) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)
    return np.repeat(wave[:, np.newaxis], channels, axis=1).astype(np.float32)


def blocks(audio: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(audio), BLOCK_SAMPLES):
        yield audio[start : start + BLOCK_SAMPLES]


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Make every write beyond `size` bytes of a file fail, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_three_minutes_come_back_as_they_went_in(tmp_path: Path, format: str, channels: int) -> None:
    """Three minutes: the length at which one call of the Vorbis writer crashes the process."""
    audio = np.tile(tone(10, channels), (18 if format == "ogg" else 2, 1))
    path = tmp_path / f"歌 1.{format}"
    assert write_audio(path, blocks(audio), sample_rate=RATE, channels=channels, format=format) == len(audio)
    read, rate = soundfile.read(path, always_2d=True)
    assert rate == RATE
    assert read.shape == audio.shape
    if format in ("wav", "flac"):
        assert soundfile.info(path).subtype == "PCM_24"
        np.testing.assert_allclose(read, audio, atol=2**-23)
    else:
        assert np.square(read - audio)[1000:-1000].mean() < 1e-4
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("format", FORMATS)
def test_equal_samples_are_equal_files(tmp_path: Path, format: str) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for path in (first, second):
        write_audio(path, blocks(tone(2)), sample_rate=RATE, channels=1, format=format)
    np.testing.assert_array_equal(soundfile.read(first)[0], soundfile.read(second)[0])
    if format != "ogg":  # an Ogg stream has a random serial number
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("room", [0, 2_000, 30_000])
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path, format: str, room: int) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (RATE * 5, 1)).astype(np.float32)
    path = tmp_path / "song"
    with files_up_to(room), pytest.raises(StorageProblem) as caught:
        write_audio(path, blocks(noise), sample_rate=RATE, channels=1, format=format)
    assert str(path) in caught.value.message
    assert "File too large" in caught.value.message
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(b"yesterday's")
    with files_up_to(2_000), pytest.raises(StorageProblem):
        write_audio(path, blocks(tone(5)), sample_rate=RATE, channels=1, format="wav")
    assert path.read_bytes() == b"yesterday's"


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for path in (tmp_path / "file" / "song.wav", Path("/proc/song.wav")):
        with pytest.raises(StorageProblem, match="could not be written"):
            write_audio(path, blocks(tone(1)), sample_rate=RATE, channels=1, format="wav")


def test_a_rate_that_the_format_lacks(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="mp3 cannot hold"):
        write_audio(tmp_path / "a.mp3", blocks(tone(1)), sample_rate=96_000, channels=1, format="mp3")
    assert list(tmp_path.iterdir()) == []


def mix_of(audio: np.ndarray) -> Mix:
    return Mix.of([Track([PlacedPhrase(0.0, AudioPhrase(audio, RATE, 0.0))])])


def test_saving_levels_and_limits(tmp_path: Path) -> None:
    quiet = tone(3)[:, 0] * 0.05
    quiet[RATE] = 0.5
    path = tmp_path / "song.wav"
    master = save_mix(mix_of(quiet), path, format="wav", loudness_lufs=-16, on_samples=lambda _: None)
    assert master.loudness_lufs == pytest.approx(-16, abs=0.2)
    assert master.limited
    read, _ = soundfile.read(path)
    assert len(read) == master.samples == len(quiet)
    assert 20 * np.log10(np.abs(read).max()) == pytest.approx(master.peak_dbfs, abs=0.01)
    assert master.peak_dbfs <= -1


def test_saving_as_it_is(tmp_path: Path) -> None:
    audio = tone(1)[:, 0]
    path = tmp_path / "song.wav"
    master = save_mix(mix_of(audio), path, format="wav", loudness_lufs=None, on_samples=lambda _: None)
    np.testing.assert_allclose(soundfile.read(path)[0], audio, atol=2**-23)
    assert not master.limited
    master = save_mix(mix_of(audio * 3), path, format="wav", loudness_lufs=None, on_samples=lambda _: None)
    assert master.limited, "what would clip is limited"
    assert np.abs(soundfile.read(path)[0]).max() < 0.9


def test_saving_silence(tmp_path: Path) -> None:
    path = tmp_path / "song.flac"
    silence = mix_of(np.zeros(RATE, np.float32))
    master = save_mix(silence, path, format="flac", loudness_lufs=-16, on_samples=lambda _: None)
    assert master.loudness_lufs is None
    assert not soundfile.read(path)[0].any()


def test_stopping_in_either_pass_leaves_nothing(tmp_path: Path) -> None:
    class Stopped(Exception): ...

    audio = tone(10)[:, 0]
    for limit in (BLOCK_SAMPLES, len(audio) + BLOCK_SAMPLES):

        def stop(samples: int, limit: int = limit) -> None:
            if samples > limit:
                raise Stopped

        with pytest.raises(Stopped):
            save_mix(mix_of(audio), tmp_path / "song.ogg", format="ogg", loudness_lufs=-16, on_samples=stop)
        assert list(tmp_path.iterdir()) == []
