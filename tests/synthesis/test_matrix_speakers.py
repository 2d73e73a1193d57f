"""The matrix, rows 15, 16 and 29: speakers by name in each stage, and their blends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.voicebanks import read_voicebank
from tests.matrix_banks import (
    FRAMES,
    SPEAKERS,
    TIMES,
    build,
    embedding,
    inputs_without,
    ka_sa,
    sing,
)


def test_row_15_a_frozen_speaker_is_fed_nothing_whatever_the_config_lists(tmp_path: Path) -> None:
    folder = build(
        tmp_path / "b",
        acoustic={"inputs": inputs_without("spk_embed")},
        pitch={"speakers": False},
        speakers={"pitch": ()},
    )
    for path in folder.rglob("*.emb"):
        path.unlink()
    (folder / "dsvariance" / "solo.emb").write_bytes(embedding("solo", 4).tobytes())
    song = sing(folder, ka_sa(speaker={"solo": 1.0}))
    assert "spk_embed" not in song.fed["model"]
    assert "spk_embed" not in song.fed["dspitch/model"]


def test_row_16_speakers_go_by_name_in_each_stage_and_blend_frame_by_frame(tmp_path: Path) -> None:
    speakers = {
        "durations": ("x/warm", "x/solo"),
        "pitch": ("bank.solo", "elsewhere/warm"),
        "variance": ("one", "two"),
    }
    blend = {"solo": ((0.0, 1.0), (1.0, 0.0)), "choir.v2/warm": ((0.0, 0.0), (1.0, 3.0))}
    fed = sing(build(tmp_path / "b", speakers=speakers), ka_sa(speaker=blend)).fed
    solo, warm = (1 - np.clip(TIMES, 0, 1)), 3 * np.clip(TIMES, 0, 1)
    share = (solo / (solo + warm))[:, np.newaxis]
    mixed = share * embedding("solo", 4) + (1 - share) * embedding("warm", 4)
    for model in ("model", "dspitch/model"):
        assert fed[model]["spk_embed"].shape == (FRAMES, 4)
        np.testing.assert_allclose(fed[model]["spk_embed"], mixed, atol=1e-5)
    # "one" and "two" stand at the same places; every name but "solo" embeds as the second of these banks.
    np.testing.assert_allclose(fed["dsvariance/model"]["spk_embed"], np.tile(embedding("two", 4), (FRAMES, 1)))
    # SP and k go with the first vowel, each phoneme after that with its vowel: at 0, 0, 0, 0 and 0.5 seconds.
    at = np.asarray([0.0, 0.0, 0.0, 0.0, 0.5])
    share = ((1 - at) / (1 - at + 3 * at))[:, np.newaxis]
    fed = sing(build(tmp_path / "d", speakers=speakers, durations={"speakers": True}), ka_sa(speaker=blend)).fed
    by_phoneme = share * embedding("solo", 4) + (1 - share) * embedding("warm", 4)
    np.testing.assert_allclose(fed["dsdur/model"]["spk_embed"], by_phoneme, atol=1e-5)


def test_row_16_a_colours_label_means_its_speaker(tmp_path: Path) -> None:
    folder = build(tmp_path / "b")
    subbanks = [{"color": "01: Warm", "suffix": "choir.v2/warm"}, {"color": "02: Solo", "suffix": "bank.solo"}]
    (folder / "character.yaml").write_text(yaml.safe_dump({"subbanks": subbanks}), encoding="utf-8")
    bank = read_voicebank(folder)
    assert bank.speaker("01: Warm") == "choir.v2/warm"
    assert bank.speaker("02: Solo") == "solo"
    assert bank.speaker("warm") == "choir.v2/warm"


def test_row_29_hidden_sizes_differ_between_stages(tmp_path: Path) -> None:
    folder = build(
        tmp_path / "b",
        acoustic={"speaker_size": 10},
        pitch={"speaker_size": 7, "encoder": {"hidden": 9}},
        config={"pitch": {"hidden_size": 256}},
    )
    fed = sing(folder, ka_sa(speaker={"choir.v2/warm": 1.0})).fed
    np.testing.assert_array_equal(fed["model"]["spk_embed"][50], embedding("warm", 10))
    np.testing.assert_array_equal(fed["dspitch/model"]["spk_embed"][50], embedding("warm", 7))
    assert fed["dspitch/model"]["encoder_out"].shape == (6, 9)


def test_an_embedding_of_another_size_is_named(tmp_path: Path) -> None:
    folder = build(tmp_path / "b")
    (folder / f"{SPEAKERS[0]}.emb").write_bytes(b"\0" * 20)
    with pytest.raises(InvalidVoicebank, match=r"solo\.emb holds 5 numbers, the model wants 4"):
        sing(folder, ka_sa(speaker={"solo": 1.0}))
