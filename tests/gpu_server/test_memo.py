from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from singsynth_mcp.artifacts.base import Manifest, memo_key
from singsynth_mcp.contracts.calling import Progress
from singsynth_mcp.media.levels import LEVELS, levels_from_bytes, measure_phrase
from singsynth_mcp.performance.blobs import audio_from_bytes
from tests import voicebank_factory as factory
from tests.gpu_server.conftest import Gpu
from tests.singing import phrase_of

SPEAKER = {"solo": 1.0}
TONES = (60.0, 62.0, 64.0)
EACH_PHRASE = [
    "dsdur/linguistic.onnx",
    "dsdur/dur.onnx",
    "dspitch/linguistic.onnx",
    "dspitch/pitch.onnx",
    "dsvariance/linguistic.onnx",
    "dsvariance/variance.onnx",
    "multi/acoustic.onnx",
    "dsvocoder/sine.onnx",
]


def _phrases(tones: tuple[float, ...] = TONES, **controls: float) -> list:
    return [
        (3.0 * index, phrase_of([(0.0, 0.5, tone, "k a")], speaker=SPEAKER, controls=controls))
        for index, tone in enumerate(tones)
    ]


@pytest.fixture
def multi(gpu: Gpu) -> Gpu:
    factory.multi(gpu.banks / "multi")
    return gpu


async def test_an_equal_call_runs_no_model_and_gives_the_same_id(multi: Gpu, runs: list[str]) -> None:
    performance = await multi.performance("multi", _phrases())
    first = await multi.chain(performance)
    assert sorted(runs) == sorted(EACH_PHRASE * 3)
    runs.clear()
    assert [result.id for result in await multi.chain(performance)] == [result.id for result in first]
    assert runs == []


async def test_what_this_process_has_rendered_is_not_even_read(multi: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    performance = await multi.performance("multi", _phrases(vibrato=1.0))
    first = await multi.chain(performance)

    async def nothing_is_read(blob: str) -> bytes:
        raise AssertionError(blob)

    monkeypatch.setattr(multi.services.store, "get_blob", nothing_is_read)
    again = await multi.chain(performance)
    assert again[0].sung == ["1-3"]
    assert [again[0].model_copy(update={"sung": None}), *again[1:]] == first, "warnings, frames and seconds too"


async def test_what_saving_has_to_know_of_a_phrase_is_measured_where_it_is_made(multi: Gpu) -> None:
    audio = await multi.services.store.get((await multi.chain(await multi.performance("multi", _phrases())))[-1].id)
    for entry in audio.entries:
        known = await multi.services.store.recall(memo_key(*LEVELS, entry.blob))
        assert known is not None
        levels = levels_from_bytes(await multi.services.store.get_blob(known))
        phrase = audio_from_bytes(await multi.services.store.get_blob(entry.blob))
        assert (levels.samples, levels.offset_s) == (len(phrase.audio), phrase.offset_s)
        np.testing.assert_array_equal(levels.energies, measure_phrase(phrase).energies)


async def test_an_edited_note_renders_one_phrase(multi: Gpu, runs: list[str]) -> None:
    await multi.chain(await multi.performance("multi", _phrases()))
    runs.clear()
    await multi.chain(await multi.performance("multi", _phrases((60.0, 69.0, 64.0))))
    assert runs == EACH_PHRASE


async def test_it_is_said_which_phrases_have_been_sung_through_all_stages(multi: Gpu) -> None:
    tones = (60.0, 62.0, 64.0, 66.0, 68.0)
    performance = await multi.performance("multi", _phrases(tones, breathiness=1.0))
    for window in ("1-2", "4"):
        await multi.chain(performance, phrases=window)
    assert (await multi.call("predict_durations", performance=performance, phrases="3")).sung is None, "a later window"
    assert (await multi.call("predict_durations", performance=performance, phrases="1-3")).sung == ["1-2", "4-4"]
    assert (await multi.call("predict_durations", performance=performance)).sung == ["1-2", "4-4"]
    other = await multi.performance("multi", _phrases((72.0, *tones[1:]), breathiness=1.0))
    assert (await multi.call("predict_durations", performance=other, phrases="1")).sung == ["2-2", "4-4"]

    store = multi.services.store
    audio = await store.get((await multi.chain(other, phrases="4"))[-1].id)
    (store.root / "blobs" / audio.entries[0].blob[:2] / audio.entries[0].blob).unlink()
    assert (await multi.call("predict_durations", performance=other, phrases="1")).sung == ["2-2"], "one was pruned"


async def test_equal_phrases_are_made_once(multi: Gpu, runs: list[str]) -> None:
    audio = (await multi.chain(await multi.performance("multi", _phrases((65.0, 65.0, 65.0)))))[-1]
    assert runs == EACH_PHRASE
    assert len(set(await multi.blobs(audio.id))) == 1


async def test_windows_fill_what_the_whole_then_finds(multi: Gpu, runs: list[str]) -> None:
    performance = await multi.performance("multi", _phrases())
    for window in ("1", "2-3"):
        await multi.chain(performance, phrases=window)
    runs.clear()
    whole = await multi.chain(performance)
    assert runs == []
    assert len((await multi.services.store.get(whole[-1].id)).entries) == 3


async def test_a_stage_repeated_on_a_filled_performance_is_remembered(multi: Gpu, runs: list[str]) -> None:
    performance = await multi.performance("multi", _phrases())
    results = await multi.chain(performance)
    runs.clear()
    again = await multi.call("predict_durations", performance=results[2].id)
    assert again.id == results[0].id
    assert runs == []


async def test_loudness_leaves_the_mel_as_it_is(multi: Gpu, runs: list[str]) -> None:
    before = await multi.chain(await multi.performance("multi", _phrases()))
    runs.clear()
    after = await multi.chain(await multi.performance("multi", _phrases(loudness=-6.0)))
    assert set(runs) & {"multi/acoustic.onnx", "dsvocoder/sine.onnx"} == {"dsvocoder/sine.onnx"}
    assert await multi.blobs(before[3].id) == await multi.blobs(after[3].id)


async def test_a_changed_model_file_is_another_model(multi: Gpu, runs: list[str]) -> None:
    performance = await multi.performance("multi", _phrases())
    await multi.chain(performance)
    runs.clear()
    other = factory.multi(multi.banks.parent / "other", noise=True)
    target = multi.banks / "multi" / "acoustic.onnx"
    (other / "acoustic.onnx").replace(target)
    results = await multi.chain(performance)
    assert set(runs) == {"multi/acoustic.onnx", "dsvocoder/sine.onnx"}
    assert all(result.deterministic for result in results)


async def test_a_pruned_blob_is_made_again(multi: Gpu, runs: list[str]) -> None:
    performance = await multi.performance("multi", _phrases())
    results = await multi.chain(performance)
    manifest = await multi.services.store.get(results[-1].id)
    lost = manifest.entries[1].blob
    Path(multi.services.settings.artifacts, "blobs", lost[:2], lost).unlink()
    runs.clear()
    assert (await multi.chain(performance))[-1].id == results[-1].id
    assert runs == ["dsvocoder/sine.onnx"]


async def test_the_seed_is_an_input(multi: Gpu, runs: list[str]) -> None:
    performance = await multi.performance("multi", _phrases())
    manifest = await multi.services.store.get(performance)
    await multi.chain(performance)
    runs.clear()
    seeded = Manifest("performance", {**manifest.header, "seed": 7}, manifest.entries)
    await multi.chain(await multi.services.store.put(seeded), until="predict_pitch")
    assert runs.count("dspitch/pitch.onnx") == 3


async def test_progress_rises_phrase_by_phrase(multi: Gpu) -> None:
    heard: list[Progress] = []

    async def listen(progress: Progress) -> None:
        heard.append(progress)

    gpu = Gpu(replace(multi.services, on_progress=listen), multi.banks)
    await gpu.call("predict_durations", performance=await gpu.performance("multi", _phrases()))
    assert [progress.fraction for progress in heard] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert heard[0].message == "phrase 1 of 3"
    assert {progress.stage for progress in heard} == {"predict_durations"}


async def test_phrases_sound_the_same_whatever_is_rendered_before_them(multi: Gpu) -> None:
    alone = await multi.chain(await multi.performance("multi", _phrases()[2:]))
    song = await multi.chain(await multi.performance("multi", _phrases()))
    assert (await multi.blobs(song[-1].id))[2] == (await multi.blobs(alone[-1].id))[0]


async def test_a_window_reads_its_own_phrases_and_not_the_song(multi: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    performance = await multi.performance("multi", _phrases((60.0, 61.0, 62.0, 63.0, 64.0, 65.0)))
    read: list[str] = []
    get_blob = multi.services.store.get_blob

    async def counted(blob: str) -> bytes:
        read.append(blob)
        return await get_blob(blob)

    monkeypatch.setattr(multi.services.store, "get_blob", counted)
    await multi.call("predict_durations", performance=performance, phrases="1")
    for window in ("2", "3", "4"):
        read.clear()
        result = await multi.call("predict_durations", performance=performance, phrases=window)
        assert result.phrases == 6
        assert len(read) <= 2, "the phrase as it was, and as it became"
