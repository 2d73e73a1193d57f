from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import voicebank_factory as factory
from tests.cli.conftest import Here
from tests.voicebanks.test_aviary import FOLDER


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
def test_the_shipped_voice_is_clean(here: Here) -> None:
    done = here("voicebanks", "check", "--json")
    report = json.loads(done.out)
    assert report["findings"] == [], report["findings"]
    assert done.code == 0
    assert report["passed"]
    assert report["deterministic"]
    assert report["inputs_fed"] == sum(len(model["inputs"]) for model in report["models"])
    assert {probe["mode"] for probe in report["probes"]} == {"written notes", "pitch model", "range"}
    for probe in report["probes"]:
        assert probe["tracked"] == probe["notes"]
        assert probe["cents_median"] < 10
        assert abs(probe["onset_ms_median"]) < 20
        assert -30 < probe["peak_dbfs"] < -1
    levels = [row["level_db"] for row in report["range"]]
    assert max(levels) - min(levels) < 12


def test_the_report_says_what_was_fed_sung_and_found(here: Here, tmp_path: Path) -> None:
    folder = factory.plain(tmp_path / "somewhere" / "plain")
    done = here("voicebanks", "check", folder)
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert ["acoustic.onnx", "tokens", "int64", "[1,", "n_tokens]"] in [line[:5] for line in lines]
    assert any(line[:5] == ["written", "notes", "8", "of", "8"] for line in lines)
    assert ["A3"] in [line[:1] for line in lines]
    assert "no licence text and no license key" in done.out
    assert done.out.splitlines()[-1] == "passed: 5 warnings, 2 notes"


def test_a_bank_that_cannot_sing_fails_with_exit_code_1(here: Here, tmp_path: Path) -> None:
    folder = factory.plain(tmp_path / "plain")
    (folder / "acoustic.onnx").unlink()
    done = here("voicebanks", "check", folder)
    assert done.code == 1
    assert "acoustic.onnx is missing" in done.out
    assert done.out.splitlines()[-1].startswith("FAILED: ")


def test_what_is_no_bank_or_not_this_one_is_an_error(here: Here, tmp_path: Path) -> None:
    assert here("voicebanks", "check", tmp_path).err.startswith(f"error: {tmp_path} holds no voicebank")
    factory.plain(tmp_path / "aviary")
    assert "has the id of the voicebank" in here("voicebanks", "check", tmp_path / "aviary").err
    factory.plain(tmp_path / "other")
    assert "holds 2 voicebanks" in here("voicebanks", "check", tmp_path).err
    assert here("voicebanks", "check", "nobody").code == 1
