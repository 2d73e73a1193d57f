"""The probes' mels say what every model was fed; the expectations are worked out here from the notes alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.performance.blobs import audio_from_bytes, mel_from_bytes, phrase_from_bytes
from tests import voicebank_factory as factory
from tests.gpu_server.conftest import Gpu
from tests.probe_models import CHANNELS
from tests.singing import phrase_of

FRAME_S = 512 / 44100
PHRASE = [(0.0, 0.5, 60.0, "k a"), (0.5, 0.5, 62.0, "s a"), (1.0, 0.7, 64.0, "+~"), (1.7, 0.4, 59.0, "N")]
IDS = {symbol: number for number, symbol in enumerate(factory.SYMBOLS, start=1)}


def _channel(mel: np.ndarray, name: str) -> np.ndarray:
    return mel[:, CHANNELS.index(name)]


def _spans(tokens: np.ndarray) -> list[tuple[int, int]]:
    """(token, frames) of each run."""
    edges = [0, *(np.flatnonzero(np.diff(tokens)) + 1), len(tokens)]
    return [(int(tokens[start]), end - start) for start, end in pairwise(edges)]


def _expected_spans() -> list[tuple[int, int]]:
    """Frames of SP k a s a N SP, by the probes' formula and the rules of time."""
    k = (3 + IDS["ja/k"] % 5 + 0.6 + 0.1) * FRAME_S
    # "a s" fill the half second between them in the proportion that the model gives, s at most two fifths of it.
    s, a = (3 + IDS[symbol] % 5 + 0.6 + 0.1 for symbol in ("ja/s", "ja/a"))
    s = 0.5 * min(s / (s + a), 0.4)
    ends = [8, 8 + k / FRAME_S]
    for seconds in (0.5 - s, 0.5, 1.7, 2.1):
        ends.append(8 + (k + seconds) / FRAME_S)
    ends.append(ends[-1] + 8)
    frames = np.diff([0, *(round(end + 0.5) for end in ends)])
    symbols = ("SP", "ja/k", "ja/a", "ja/s", "ja/a", "ja/N", "SP")
    return [(IDS[symbol], int(count)) for symbol, count in zip(symbols, frames, strict=True)]


async def test_every_model_of_the_newest_generation_is_fed_what_it_declares(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi")
    controls = {"gender": 0.4, "velocity": 1.5, "breathiness": ((0.0, 0.0), (1.0, 6.0)), "expressiveness": 0.5}
    phrase = phrase_of(PHRASE, speaker={"solo": 1.0, "choir.v2/warm": 3.0}, controls=controls)
    results = await gpu.chain(await gpu.performance("multi", [(12.5, phrase)]))

    mel = mel_from_bytes((await gpu.blobs(results[3].id))[0])
    assert _spans(_channel(mel.mel, "tokens"))[0] == (IDS["SP"], 8)
    language = np.where(_channel(mel.mel, "tokens") == IDS["SP"], 0.0, 1.0)
    np.testing.assert_array_equal(_channel(mel.mel, "languages"), language)
    np.testing.assert_allclose(_channel(mel.mel, "f0") * 100, mel.f0_hz, rtol=1e-6)
    np.testing.assert_allclose(_channel(mel.mel, "gender"), 0.4, rtol=1e-6)
    np.testing.assert_allclose(_channel(mel.mel, "velocity"), 1.5)
    np.testing.assert_allclose(_channel(mel.mel, "voicing"), -25.0)
    times = mel.offset_s + (np.arange(len(mel.mel)) + 0.5) * FRAME_S
    breath = -50 - _channel(mel.mel, "tokens") / 10 + 6 * np.clip(times, 0, 1)
    np.testing.assert_allclose(_channel(mel.mel, "breathiness"), breath, atol=1e-4)
    np.testing.assert_allclose(_channel(mel.mel, "spk0"), 0.25 * 1.0 + 0.75 * 0.0, atol=1e-6)
    np.testing.assert_allclose(_channel(mel.mel, "spk1"), 0.25 * 0.0 + 0.75 * 2.0, atol=1e-6)
    np.testing.assert_allclose(_channel(mel.mel, "depth"), 0.6, rtol=1e-6)
    np.testing.assert_allclose(_channel(mel.mel, "sampling"), 20)

    filled = phrase_from_bytes((await gpu.blobs(results[2].id))[0])
    assert filled.pitch is not None
    # 0.25 expr + 0.5 retake + 0.001 steps + 0.01 word + 0.1 speaker, in the second "a", the third word from 0.
    held = filled.pitch[_frame_at(mel.offset_s, 0.75)]
    assert held == pytest.approx(62 + 0.125 + 0.5 + 0.01 + 0.02 + 0.025, abs=1e-4)
    assert [result.deterministic for result in results] == [True] * 5
    assert not any(result.warnings for result in results)


async def test_vowels_start_on_the_written_onsets(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi")
    phrase = phrase_of(PHRASE, speaker={"solo": 1.0})
    results = await gpu.chain(await gpu.performance("multi", [(0.0, phrase)]))
    mel = mel_from_bytes((await gpu.blobs(results[3].id))[0])
    assert _spans(_channel(mel.mel, "tokens")) == _expected_spans()

    audio = audio_from_bytes((await gpu.blobs(results[4].id))[0])
    assert len(audio.audio) == len(mel.mel) * 512
    loud = np.abs(audio.audio) > 0.01
    onset_s = audio.offset_s + np.flatnonzero(loud)[0] / audio.sample_rate
    # Rounding to frames is late by half a frame on average, and never by more than one.
    assert 0 <= onset_s <= 1.1 * FRAME_S
    assert audio.audio[0] == 0
    assert audio.audio[-1] == 0


async def test_an_older_generation_gets_speedup_integer_depth_and_its_own_ids(gpu: Gpu) -> None:
    factory.legacy(gpu.banks / "legacy")
    phrase = phrase_of(PHRASE, prefix="", controls={"gender": 1.0, "expressiveness": 0.2})
    results = await gpu.chain(await gpu.performance("legacy", [(0.0, phrase)]))
    mel = mel_from_bytes((await gpu.blobs(results[3].id))[0])
    tokens = [token for token, _ in _spans(_channel(mel.mel, "tokens"))]
    assert tokens == [3 + factory.LEGACY_SYMBOLS.index(name) for name in ("SP", "k", "a", "s", "a", "N", "SP")]
    assert _channel(mel.mel, "depth")[0] == 400
    assert _channel(mel.mel, "sampling")[0] == 20
    voiced = _channel(mel.mel, "tokens") == 5
    assert set(np.round(_channel(mel.mel, "energy")[voiced]).tolist()) <= {-26.0, -27.0}
    # The acoustic model answers in base 10, the vocoder wants base e: the level must survive.
    audio = audio_from_bytes((await gpu.blobs(results[4].id))[0])
    assert np.abs(audio.audio).max() == pytest.approx(0.3, abs=1e-3)
    passed_over = [warning.message for result in results for warning in result.warnings or []]
    assert len(passed_over) == 1
    assert "gender" in passed_over[0]


@pytest.mark.parametrize("durations", [True, False])
async def test_missing_predictors_are_stood_in_for_by_rules(gpu: Gpu, durations: bool) -> None:
    factory.plain(gpu.banks / "plain", durations=durations)
    phrase = phrase_of(PHRASE, controls={"vibrato": 0.5, "expressiveness": 0.0})
    results = await gpu.chain(await gpu.performance("plain", [(0.0, phrase)]))
    filled = phrase_from_bytes((await gpu.blobs(results[2].id))[0])
    assert results[2].stages == ["durations", "pitch", "variance"]
    by_rule = [result.warnings[0].message for result in results if result.warnings]
    assert len(by_rule) == (1 if durations else 2)
    assert "joined by glides" in by_rule[-1]
    assert filled.variance == {}
    assert filled.pitch is not None
    offset_s = filled.boundaries_s[0] - 8 * FRAME_S
    assert filled.pitch[_frame_at(offset_s, 0.25)] == pytest.approx(60.0)
    swinging = filled.pitch[_frame_at(offset_s, 1.45) : _frame_at(offset_s, 1.65)]
    assert swinging.max() - swinging.min() == pytest.approx(0.75, abs=0.3)


async def test_the_order_of_a_graphs_inputs_means_nothing(gpu: Gpu) -> None:
    phrase = phrase_of(PHRASE, speaker={"solo": 1.0})
    heard = []
    for name, reverse in (("multi", False), ("turned", True)):
        factory.multi(gpu.banks / name, reverse=reverse)
        results = await gpu.chain(await gpu.performance(name, [(0.0, phrase)]))
        heard.append((await gpu.blobs(results[-1].id))[0])
    assert heard[0] == heard[1]


async def test_a_stage_of_another_frame_rate_is_resampled(gpu: Gpu) -> None:
    factory.multi(gpu.banks / "multi", variance_hop=256, heads=("energy", "breathiness", "voicing", "tension"))
    phrase = phrase_of(PHRASE, speaker={"solo": 1.0})
    results = await gpu.chain(await gpu.performance("multi", [(0.0, phrase)]), until="synthesize_audio")
    filled = phrase_from_bytes((await gpu.blobs(results[2].id))[0])
    assert filled.variance is not None
    assert filled.pitch is not None
    assert set(filled.variance) == {"energy", "breathiness", "voicing", "tension"}
    mel = mel_from_bytes((await gpu.blobs(results[3].id))[0]).mel
    tokens = _channel(mel, "tokens")
    settled = np.flatnonzero((tokens[:-2] == tokens[1:-1]) & (tokens[1:-1] == tokens[2:])) + 1
    np.testing.assert_allclose(_channel(mel, "breathiness")[settled], -50 - tokens[settled] / 10, atol=1e-4)
    assert np.abs(filled.variance["energy"] - (-20 - filled.pitch / 10)).max() < 0.1


async def test_scalars_may_be_declared_with_or_without_a_dimension(gpu: Gpu) -> None:
    import onnx

    folder = factory.multi(gpu.banks / "multi")
    model = onnx.load(folder / "acoustic.onnx")
    for value in model.graph.input:
        if value.name in ("steps", "depth"):
            value.type.tensor_type.shape.dim.add().dim_value = 1
    onnx.save(model, folder / "acoustic.onnx")
    phrase = phrase_of(PHRASE, speaker={"solo": 1.0})
    results = await gpu.chain(await gpu.performance("multi", [(0.0, phrase)]), until="synthesize_audio")
    mel = mel_from_bytes((await gpu.blobs(results[3].id))[0]).mel
    assert _channel(mel, "sampling")[0] == 20


async def test_loudness_is_a_gain_on_the_audio(gpu: Gpu) -> None:
    factory.plain(gpu.banks / "plain")
    peaks = []
    for loudness in (0.0, -6.0):
        phrase = phrase_of(PHRASE, controls={"loudness": loudness})
        results = await gpu.chain(await gpu.performance("plain", [(0.0, phrase)]))
        peaks.append(np.abs(audio_from_bytes((await gpu.blobs(results[-1].id))[0]).audio).max())
    assert 20 * np.log10(peaks[1] / peaks[0]) == pytest.approx(-6.0, abs=1e-3)


async def test_results_count_what_was_asked_for(gpu: Gpu) -> None:
    factory.plain(gpu.banks / "plain")
    phrases = [(start_s, phrase_of(PHRASE)) for start_s in (0.5, 4.0, 8.0)]
    performance = await gpu.performance("plain", phrases)
    results = await gpu.chain(performance, phrases="2-3")
    assert results[0].phrases == 3
    assert results[0].seconds == pytest.approx(10.1)
    assert results[0].phonemes == 15
    assert results[0].stages == []
    audio = await gpu.services.store.get(results[-1].id)
    assert [entry.start_seconds for entry in audio.entries] == [4.0, 8.0]
    assert audio.header["first_phrase"] == 2
    first, last = (audio_from_bytes(blob) for blob in await gpu.blobs(results[-1].id))
    length = 8.0 + last.offset_s + len(last.audio) / 44100 - (4.0 + first.offset_s)
    assert results[-1].seconds == pytest.approx(length, abs=1e-3)
    third = await gpu.call("vocode", mel=results[3].id, phrases="3")
    assert (await gpu.services.store.get(third.id)).entries == audio.entries[1:]
    with pytest.raises(InvalidRequest, match="not within 2-3"):
        await gpu.call("vocode", mel=results[3].id, phrases="1")
    with pytest.raises(InvalidRequest, match="not within 1-3"):
        await gpu.call("predict_pitch", performance=performance, phrases="3-4")


async def test_a_speaker_that_a_stage_lacks_is_stood_in_for_and_said(gpu: Gpu) -> None:
    folder = factory.multi(gpu.banks / "multi")
    config = folder / "dspitch" / "dsconfig.yaml"
    text = config.read_text(encoding="utf-8").replace("- elsewhere/warm\n", "")
    config.write_text(text, encoding="utf-8")
    phrase = phrase_of(PHRASE, speaker={"choir.v2/warm": 1.0})
    results = await gpu.chain(await gpu.performance("multi", [(0.0, phrase)]), until="predict_variance")
    assert [bool(result.warnings) for result in results] == [False, True, False]
    assert "has no speaker choir.v2/warm" in results[1].warnings[0].message


def _frame_at(offset_s: float, time_s: float) -> int:
    return int((time_s - offset_s) / FRAME_S)
