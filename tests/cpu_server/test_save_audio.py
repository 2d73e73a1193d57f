from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import anyio
import numpy as np
import pytest
import soundfile

from singsynth_mcp.artifacts.base import Entry, Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.audio import MixTrack, SaveAudioRequest
from singsynth_mcp.contracts.calling import Progress
from singsynth_mcp.cpu_server.media import save_audio
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import (
    FileProblem,
    InvalidRequest,
    PathNotAllowed,
    StorageProblem,
    UnknownArtifact,
    WrongArtifactKind,
)
from singsynth_mcp.performance.blobs import audio_to_bytes
from singsynth_mcp.performance.model import AudioPhrase
from singsynth_mcp.settings import Settings

RATE = 44_100


@pytest.fixture
def services(tmp_path: Path) -> CpuServices:
    output = tmp_path / "music"
    store = FolderStore(tmp_path / "store", max_bytes=2**30, max_days=1)
    return CpuServices(Settings(output=output), store, readable=(tmp_path,), writable=(output,))


async def stored(services: CpuServices, *phrases: tuple[float, np.ndarray], credits: tuple[str, ...] = ()) -> str:
    """Store audio phrases that begin 0.1 s before their origin, with the chain up to a score's title."""
    store = services.store
    score = await store.put(Manifest("score", {"title": "うさぎ/1"}, ()))
    performance = await store.put(Manifest("performance", {"score": score}, ()))
    entries = [
        Entry(start, await store.put_blob(audio_to_bytes(AudioPhrase(audio.astype(np.float32), RATE, -0.1))))
        for start, audio in phrases
    ]
    header = {"performance": performance, "sample_rate": RATE, "credits": list(credits)}
    return await store.put(Manifest("audio", header, tuple(entries)))


def tone(seconds: float, hertz: float = 440, level: float = 0.1) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


@pytest.fixture
async def audio(services: CpuServices) -> str:
    return await stored(services, (0.0, tone(1)), (2.0, tone(1, 550)), credits=("Voice: Aviary", "CC BY 4.0"))


async def test_phrases_that_are_known_are_read_once(services: CpuServices, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = await stored(services, *((2.0 * place, tone(1, 440 + place)) for place in range(4)))
    await save_audio(SaveAudioRequest(audio=audio), services)
    read: list[str] = []
    get_blob = services.store.get_blob

    async def counted(sha256: str) -> bytes:
        read.append(sha256)
        return await get_blob(sha256)

    monkeypatch.setattr(services.store, "get_blob", counted)
    await save_audio(SaveAudioRequest(audio=audio), services)
    assert sorted(read) == sorted(entry.blob for entry in (await services.store.get(audio)).entries)


async def test_the_defaults(services: CpuServices, audio: str) -> None:
    result = await save_audio(SaveAudioRequest(audio=audio), services)
    assert result.path is not None
    path = Path(result.path)
    assert path.parent == services.settings.output.resolve()
    assert path.name.startswith("うさぎ-1-")
    assert path.suffix == ".wav"
    assert result.url is not None
    assert unquote(result.url) == f"file://{path}"
    assert result.id == audio
    assert (result.format, result.channels, result.sample_rate) == ("wav", 1, RATE)
    assert result.bytes == path.stat().st_size
    assert result.loudness_lufs == pytest.approx(-16, abs=0.1)
    assert result.credits == ["Voice: Aviary", "CC BY 4.0"]
    assert result.base64 is None
    assert result.warnings is None
    assert result.lead_seconds == 0.1
    assert result.seconds == pytest.approx(3.0)
    read, _ = soundfile.read(path)
    assert result.peak_dbfs == pytest.approx(20 * np.log10(np.abs(read).max()), abs=0.01)
    assert not read[round(1.01 * RATE) : round(1.99 * RATE)].any(), "the rest between the phrases"


async def test_the_same_call_writes_the_same_file(services: CpuServices, audio: str) -> None:
    first = await save_audio(SaveAudioRequest(audio=audio), services)
    before = Path(first.path or "").read_bytes()
    second = await save_audio(SaveAudioRequest(audio=audio), services)
    assert first == second
    assert Path(second.path or "").read_bytes() == before
    other = await save_audio(SaveAudioRequest(audio=audio, loudness_lufs=-20), services)
    assert other.path != first.path


@pytest.mark.parametrize(
    ("output", "format", "name", "expected"),
    [
        ("song.flac", None, "song.flac", "FLAC"),
        ("song", None, "song.wav", "WAV"),
        ("song", "mp3", "song.mp3", "MP3"),
        ("SONG.OGG", "ogg", "SONG.OGG", "OGG"),
        ("new folder/song.wav", None, "new folder/song.wav", "WAV"),
    ],
)
async def test_names_and_formats(
    services: CpuServices, audio: str, output: str, format: str | None, name: str, expected: str
) -> None:
    result = await save_audio(
        SaveAudioRequest.model_validate({"audio": audio, "output": output, "format": format}), services
    )
    assert Path(result.path or "") == (services.settings.output / name).resolve()
    assert soundfile.info(result.path).format == expected


async def test_an_audio_file_given_by_name_is_replaced(services: CpuServices, audio: str) -> None:
    services.settings.output.mkdir()
    path = services.settings.output / "song.wav"
    path.write_bytes(b"older")
    await save_audio(SaveAudioRequest(audio=audio, output="song.wav"), services)
    assert soundfile.info(path).frames == 3 * RATE


@pytest.mark.parametrize(
    ("choices", "error", "words"),
    [
        ({"output": "notes.txt"}, InvalidRequest, "wav, flac, mp3, ogg"),
        ({"output": "song.wav", "format": "mp3"}, InvalidRequest, "Leave one of the two out"),
        ({"output": "/etc/song.wav"}, PathNotAllowed, "outside the folders"),
        ({"output": "../song.wav"}, PathNotAllowed, "outside the folders"),
        ({"output": "~/song.wav"}, PathNotAllowed, "outside the folders"),
        ({"audio": "audio-000000000000"}, UnknownArtifact, "vocode"),
        ({"audio": "mel-000000000000"}, WrongArtifactKind, "vocode"),
        ({"audio": []}, InvalidRequest, "empty list"),
    ],
)
async def test_what_cannot_be_saved(
    services: CpuServices, audio: str, choices: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await save_audio(SaveAudioRequest.model_validate({"audio": audio} | choices), services)
    assert not services.settings.output.exists()


async def test_a_directory_a_link_out_and_a_folder_without_permission(services: CpuServices, audio: str) -> None:
    output = services.settings.output
    (output / "folder.wav").mkdir(parents=True)
    with pytest.raises(FileProblem, match="is a directory"):
        await save_audio(SaveAudioRequest(audio=audio, output="folder.wav"), services)
    (output / "link").symlink_to("/proc")
    with pytest.raises(PathNotAllowed):
        await save_audio(SaveAudioRequest(audio=audio, output="link/song.wav"), services)
    anywhere = replace(services, writable=(Path("/proc"),))
    with pytest.raises(StorageProblem, match="/proc/song.wav could not be written"):
        await save_audio(SaveAudioRequest(audio=audio, output="/proc/song.wav"), anywhere)


async def test_an_audio_without_phrases(services: CpuServices) -> None:
    with pytest.raises(InvalidRequest, match="holds no phrase"):
        await save_audio(SaveAudioRequest(audio=await stored(services)), services)


async def test_a_mix_is_panned_shifted_and_credited(services: CpuServices, audio: str) -> None:
    other = await stored(services, (0.0, tone(1, 660)), credits=("Voice: Aviary", "Voice: Other"))
    tracks = [MixTrack(audio=audio, pan=-1), MixTrack(audio=other, pan=1, offset_seconds=4)]
    result = await save_audio(SaveAudioRequest(audio=tracks, loudness_lufs=None, output="mix.wav"), services)
    assert result.id is None
    assert result.channels == 2
    assert result.credits == ["Voice: Aviary", "CC BY 4.0", "Voice: Other"]
    assert result.seconds == pytest.approx(5.0)
    read, _ = soundfile.read(result.path)
    np.testing.assert_allclose(read[:RATE, 0], tone(1), atol=1e-6)
    assert np.abs(read[: 4 * RATE, 1]).max() < 1e-6
    np.testing.assert_allclose(read[4 * RATE :, 1], tone(1, 660), atol=1e-6)


async def test_base64_on_request_while_it_is_small(services: CpuServices, audio: str) -> None:
    result = await save_audio(SaveAudioRequest(audio=audio, format="mp3", include_base64=True), services)
    assert base64.b64decode(result.base64 or "") == Path(result.path or "").read_bytes()
    long = await stored(services, (0.0, tone(6)))
    result = await save_audio(SaveAudioRequest(audio=long, include_base64=True), services)
    assert result.base64 is None
    assert [warning.code for warning in result.warnings or ()] == ["no_base64"]


async def test_a_public_url(services: CpuServices, audio: str) -> None:
    settings = services.settings.model_copy(update={"public_url": "https://example.org/files/"})
    public = replace(services, settings=settings)
    result = await save_audio(SaveAudioRequest(audio=audio, output="a b/歌.mp3"), public)
    assert result.url == "https://example.org/files/a%20b/%E6%AD%8C.mp3"


async def test_silence_and_heavy_peaks_are_said(services: CpuServices) -> None:
    silent = await stored(services, (0.0, np.zeros(RATE)))
    result = await save_audio(SaveAudioRequest(audio=silent), services)
    assert result.loudness_lufs is None
    assert [warning.code for warning in result.warnings or ()] == ["silent"]
    square = await stored(services, (0.0, np.sign(tone(2, 100, 1.2)) * 1.2))
    for loudness, code in ((None, "limited"), (-5, None)):
        result = await save_audio(SaveAudioRequest(audio=square, loudness_lufs=loudness), services)
        assert [warning.code for warning in result.warnings or ()] == ([code] if code else [])
        assert result.peak_dbfs is not None
        assert result.peak_dbfs <= -1


async def test_progress_rises(services: CpuServices) -> None:
    long = await stored(services, *((float(start), tone(1)) for start in range(30)))
    seen: list[float] = []

    async def note(progress: Progress) -> None:
        seen.append(progress.fraction)

    await save_audio(SaveAudioRequest(audio=long), replace(services, on_progress=note))
    assert seen == sorted(set(seen))
    assert seen[-1] >= 0.99


@pytest.mark.parametrize("fraction", [0.1, 0.4, 0.7, 0.9])
async def test_cancelling_stops_at_once_and_leaves_nothing(services: CpuServices, fraction: float) -> None:
    """In either pass, with a phrase about to be read: the worker thread must see it."""
    long = await stored(services, *((float(start), tone(1)) for start in range(30)))
    seen: list[float] = []
    with anyio.CancelScope() as scope:

        async def cancel(progress: Progress) -> None:
            seen.append(progress.fraction)
            if progress.fraction > fraction:
                scope.cancel()

        await save_audio(SaveAudioRequest(audio=long, output="half.wav"), replace(services, on_progress=cancel))
    assert scope.cancelled_caught
    assert seen[-1] < fraction + 0.1
    assert not services.settings.output.exists() or not list(services.settings.output.iterdir())
