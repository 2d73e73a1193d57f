"""The matrix, rows 17, 18, 21, 23, 24 and 28: what an acoustic model and a vocoder want."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.synthesis.controls import supported_controls
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine
from tests.matrix_banks import (
    DURATIONS,
    FRAMES,
    IDS,
    SOUNDED,
    TIMES,
    build,
    edit_yaml,
    inputs_without,
    ka_sa,
    sing,
)
from tests.probe_models import HEADS


def test_row_17_gender_and_velocity_are_curves_or_neutral(tmp_path: Path) -> None:
    folder = build(tmp_path / "b")
    neutral = sing(folder, ka_sa()).fed["model"]
    assert (neutral["gender"] == 0).all()
    assert (neutral["velocity"] == 1).all()
    controls = {"gender": ((0.0, -1.0), (1.0, 1.0)), "velocity": 1.5}
    moved = sing(folder, ka_sa(controls=controls)).fed["model"]
    np.testing.assert_allclose(moved["gender"], 2 * np.clip(TIMES, 0, 1) - 1, atol=1e-6)
    assert (moved["velocity"] == 1.5).all()


@pytest.mark.parametrize(
    "heads", [("energy",), ("tension",), ("energy", "breathiness"), ("breathiness", "voicing", "tension"), HEADS]
)
def test_row_18_any_set_of_variances_goes_by_name(tmp_path: Path, heads: Sequence[str]) -> None:
    lacking = [head for head in HEADS if head not in heads]
    folder = build(tmp_path / "b", variance={"heads": heads}, acoustic={"inputs": inputs_without(*lacking)})
    song = sing(folder, ka_sa(controls={heads[0]: 2.0}))
    fed = song.fed["dsvariance/model"]
    assert fed["retake"].shape == (FRAMES, len(heads))
    assert fed["retake"].all()
    assert all((fed[head] == 0).all() for head in heads)
    assert song.phrase.pitch is not None
    assert song.phrase.variance is not None
    tokens = np.repeat([IDS[symbol] for symbol in SOUNDED], DURATIONS)
    expected = {
        "energy": -20 - song.phrase.pitch / 10,
        "breathiness": -50 - tokens / 10,
        "voicing": np.full(FRAMES, -25.0),
        "tension": np.full(FRAMES, 2.0),
    }
    for head in heads:
        np.testing.assert_allclose(song.phrase.variance[head], expected[head], atol=1e-4)
        offset = 2.0 if head == heads[0] else 0.0
        np.testing.assert_allclose(song.fed["model"][head], expected[head] + offset, atol=1e-4)
    assert set(song.phrase.variance) == set(heads)


def test_row_21_a_variance_that_nothing_predicts_is_an_error(tmp_path: Path) -> None:
    folder = build(tmp_path / "b", variance={"heads": ("energy", "breathiness", "voicing")})
    with pytest.raises(InvalidVoicebank, match="needs tension, which the voicebank's variance model does not predict"):
        sing(folder, ka_sa())


@pytest.mark.parametrize(
    ("acoustic", "vocoder"), [("e", "e"), ("10", "10"), ("10", "e"), ("e", "10"), (None, None), (None, "e")]
)
def test_row_23_mels_are_converted_between_bases(tmp_path: Path, acoustic: str | None, vocoder: str | None) -> None:
    folder = build(
        tmp_path / "b", acoustic={"base": acoustic or "10"}, config={"acoustic": {"mel_base": acoustic and acoustic}}
    )
    edit_yaml(folder / "dsvocoder" / "vocoder.yaml", mel_base=vocoder)
    song = sing(folder, ka_sa())
    made = song.fed["dsvocoder/sine"]["mel"][:, -1]
    loud = np.log(0.3) if vocoder == "e" else np.log10(0.3)
    np.testing.assert_allclose(made[20:40], loud, rtol=1e-5)


def test_row_24_a_pitch_controllable_vocoder_sings_what_is_written_on_a_shifted_mel(tmp_path: Path) -> None:
    phrase = ka_sa(controls={"tone_shift": ((0.0, 0.0), (1.0, -5.0))})
    folder = build(tmp_path / "b", config={"vocoder": {"pitch_controllable": True}})
    song = sing(folder, phrase)
    shift = -5 * np.clip(TIMES, 0, 1)
    assert song.phrase.pitch is not None
    sung = 440 * 2 ** ((song.phrase.pitch.astype(np.float64) - 69) / 12)
    np.testing.assert_allclose(song.fed["dsvocoder/sine"]["f0"], sung, rtol=1e-5)
    np.testing.assert_allclose(song.fed["model"]["f0"], sung * 2 ** (shift / 12), rtol=1e-5)
    np.testing.assert_allclose(song.fed["dsvariance/model"]["pitch"], song.phrase.pitch + shift, atol=1e-4)
    assert "tone_shift" in supported_controls(song.bank, OnnxEngine(1))


def test_row_24_a_plain_vocoder_gets_the_mel_of_the_pitch_it_sings(tmp_path: Path) -> None:
    song = sing(build(tmp_path / "b"), ka_sa(controls={"tone_shift": -5.0}))
    np.testing.assert_array_equal(song.fed["dsvocoder/sine"]["f0"], song.fed["model"]["f0"])
    assert song.phrase.pitch is not None
    np.testing.assert_allclose(song.fed["dsvariance/model"]["pitch"], song.phrase.pitch - 5, atol=1e-5)
    assert "tone_shift" not in supported_controls(song.bank, OnnxEngine(1))
    assert "tone_shift" not in song.bank.controls


def test_row_28_another_sample_rate_and_other_bins(tmp_path: Path) -> None:
    mel = {"sample_rate": 24000, "hop_size": 240, "num_mel_bins": 24, "mel_fmax": 12000}
    folder = build(
        tmp_path / "b",
        config=dict.fromkeys(("acoustic", "durations", "pitch", "variance", "vocoder"), mel),
        acoustic={"bins": 24},
        vocoder={"bins": 24, "sample_rate": 24000, "hop": 240},
    )
    song = sing(folder, ka_sa())
    # A frame is 10 ms: the ends lie at 8, 13, 51.46, 63, 113 and 121; whole odd numbers go up by one (section 3.4).
    assert song.fed["model"]["durations"].tolist() == [8, 6, 38, 12, 50, 8]
    assert song.audio.sample_rate == 24000
    assert len(song.audio.audio) == 240 * 122
    assert song.mel.offset_s == pytest.approx(-0.13)


def test_a_vocoder_package_beside_the_bank_is_found_by_its_name(tmp_path: Path) -> None:
    folder = build(tmp_path / "b", vocoder_folder="../sine")
    song = sing(folder, ka_sa(), root=tmp_path)
    assert "sine/sine" in song.fed
