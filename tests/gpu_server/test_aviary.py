"""The shipped voice through the tools: what comes out, alone and among others, is what the notes say."""

from __future__ import annotations

import numpy as np
import pytest

from singsynth_mcp.performance.blobs import audio_from_bytes, mel_from_bytes, phrase_from_bytes
from tests.gpu_server.conftest import Gpu
from tests.singing import phrase_of
from tests.voicebanks.test_aviary import FOLDER, NAME

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
FIRST = [(0.0, 0.4, 64.0, "k a"), (0.4, 0.4, 67.0, "s a"), (0.8, 1.2, 69.0, "k i"), (2.0, 0.4, 67.0, "t a N")]
SECOND = [(0.0, 0.5, 60.0, "s a"), (0.5, 1.0, 64.0, "t o"), (1.5, 0.3, 64.0, "SP"), (1.8, 0.7, 62.0, "k a")]


async def test_phrases_sound_the_same_alone_and_in_a_song(gpu: Gpu) -> None:
    song = [(0.0, phrase_of(FIRST)), (5.0, phrase_of(SECOND))]
    whole = await gpu.blobs((await gpu.chain(await gpu.performance(NAME, song)))[-1].id)
    results = await gpu.chain(await gpu.performance(NAME, song[1:]))
    assert await gpu.blobs(results[-1].id) == whole[1:]
    assert all(result.deterministic for result in results)


async def test_a_phrase_is_sung_as_written(gpu: Gpu) -> None:
    results = await gpu.chain(await gpu.performance(NAME, [(0.0, phrase_of(FIRST))]))
    phrase = phrase_from_bytes((await gpu.blobs(results[2].id))[0])
    mel = mel_from_bytes((await gpu.blobs(results[3].id))[0])
    audio = audio_from_bytes((await gpu.blobs(results[4].id))[0])
    assert phrase.pitch is not None
    frames = mel.offset_s + (np.arange(len(phrase.pitch)) + 0.5) * 512 / 44100
    for start_s, length_s, midi, _ in FIRST:
        body = phrase.pitch[(frames > start_s + 0.15) & (frames < start_s + length_s - 0.08)]
        assert abs(np.median(body) - midi) < 0.2
    assert 0.05 < np.abs(audio.audio).max() < 1.0
    samples = audio.offset_s + np.arange(len(audio.audio)) / audio.sample_rate
    sounding = audio.audio[(samples > 0.85) & (samples < 1.9)]
    silent = audio.audio[(samples < mel.offset_s + 0.04) | (samples > 2.48)]
    loudness = np.sqrt(np.mean(sounding**2))
    assert 20 * np.log10(np.sqrt(np.mean(silent**2)) / loudness + 1e-9) < -35


async def test_controls_change_what_is_heard(gpu: Gpu) -> None:
    neutral = await gpu.chain(await gpu.performance(NAME, [(0.0, phrase_of(FIRST))]))
    before = mel_from_bytes((await gpu.blobs(neutral[3].id))[0]).mel
    for control, value in {"gender": 0.8, "breathiness": 12.0, "voicing": -12.0}.items():
        phrase = phrase_of(FIRST, controls={control: value})
        results = await gpu.chain(await gpu.performance(NAME, [(0.0, phrase)]), until="synthesize_audio")
        after = mel_from_bytes((await gpu.blobs(results[3].id))[0]).mel
        assert np.abs(after - before).mean() > 0.05, control
    flat = phrase_of(FIRST, controls={"expressiveness": 0.0})
    results = await gpu.chain(await gpu.performance(NAME, [(0.0, flat)]), until="predict_pitch")
    level = phrase_from_bytes((await gpu.blobs(results[1].id))[0]).pitch
    moving = phrase_from_bytes((await gpu.blobs(neutral[1].id))[0]).pitch
    assert level is not None
    assert moving is not None
    held = slice(110, 160)
    assert np.ptp(level[held]) < np.ptp(moving[held])
