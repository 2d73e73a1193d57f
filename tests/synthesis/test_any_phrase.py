from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.synthesis.acoustic import synthesize
from singsynth_mcp.synthesis.durations import predict_durations
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine
from singsynth_mcp.synthesis.pitch import predict_pitch
from singsynth_mcp.synthesis.variance import predict_variance
from singsynth_mcp.synthesis.vocoder import vocode
from singsynth_mcp.voicebanks import Voicebank, read_voicebank
from tests import voicebank_factory as factory
from tests.singing import phrase_of

WORDS = st.sampled_from(["a", "k a", "s o", "ts u", "k y a N", "N", "SP", "AP", "n i cl", "+~", "h o"])
SONGS = st.lists(st.tuples(st.floats(0.01, 3.0), st.floats(36, 96), WORDS), min_size=1, max_size=10)


@pytest.fixture(scope="module", params=["multi", "plain", "legacy"])
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Voicebank:
    return read_voicebank(getattr(factory, request.param)(tmp_path_factory.mktemp("banks") / request.param))


@pytest.fixture(scope="module")
def engine() -> OnnxEngine:
    return OnnxEngine(threads=1)


@settings(max_examples=25)
@given(song=SONGS, breath=st.booleans())
def test_any_phrase_is_sung_whole(
    bank: Voicebank, engine: OnnxEngine, song: list[tuple[float, float, str]], breath: bool
) -> None:
    sung, start_s = [(-0.3, 0.3, 60.0, "AP")] if breath else [], 0.0
    for length_s, midi, word in [(0.4, 60.0, "k a"), *song]:
        sung.append((start_s, length_s, midi, "k a" if bank.id == "legacy" and "y" in word else word))
        start_s += length_s
    sung = [row for row in sung if bank.id != "legacy" or not {"ts", "cl"} & set(row[3].split())] or sung
    prefix = "" if bank.id == "legacy" else "ja/"
    phrase = phrase_of(sung, prefix=prefix, speaker={"solo": 1.0} if bank.speakers else {})
    filled = predict_variance(predict_pitch(predict_durations(phrase, bank, engine), bank, engine), bank, engine)
    assert filled.pitch is not None
    assert filled.boundaries_s is not None
    assert (np.diff(filled.boundaries_s) >= 0).all()
    tones = [note.midi for note in phrase.notes]
    assert min(tones) - 2 < filled.pitch.min() <= filled.pitch.max() < max(tones) + 2
    mel = synthesize(filled, bank, engine)
    assert len(mel.mel) == len(filled.pitch) == len(mel.f0_hz)
    tokens = mel.mel[:, 0].round().astype(int).tolist()
    assert tokens[:8] == tokens[-8:] == [bank.acoustic.phonemes["SP"]] * 8
    sounded = [bank.acoustic.phonemes[phoneme.symbol] for phoneme in phrase.phonemes]
    remaining = iter(sounded)
    heard = [token for token, before in zip(tokens[8:-8], [None, *tokens[8:-9]], strict=True) if token != before]
    assert all(token in remaining for token in heard), "phonemes sound in order"
    audio = vocode(mel, bank, engine)
    assert len(audio.audio) == 512 * len(mel.mel)
    assert np.abs(audio.audio).max() <= 1
