"""sing, voicebanks and doctor with the voice that ships."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import singsynth_mcp
from tests.cli.conftest import Run

EXAMPLES = Path(__file__).parents[2] / "examples"
USAGI = EXAMPLES / "usagi.musicxml"


def test_a_score_becomes_a_file_and_a_summary(run: Run, tmp_path: Path) -> None:
    done = run("sing", USAGI, "-o", tmp_path / "usagi.flac")
    assert done.returncode == 0, done.stderr
    info = soundfile.info(tmp_path / "usagi.flac")
    assert (info.format, info.samplerate) == ("FLAC", 44100)
    assert info.duration > 10
    assert str(tmp_path / "usagi.flac") in done.stdout
    assert all(word in done.stdout for word in ("length", "peak", "loudness", "aviary", "credits"))
    assert done.stderr == ""


def test_a_song_that_is_not_to_be_heard_has_a_summary_too(run: Run, tmp_path: Path) -> None:
    score = tmp_path / "song.json"
    score.write_text('{"language": "ja", "notes": [["C4", 0.25, "っ"]]}', encoding="utf-8")
    done = run("sing", score)
    assert done.returncode == 0, done.stderr
    assert "Nothing is to be heard" in done.stdout
    assert "loudness" not in done.stdout


def test_json_is_the_tools_result_and_python_gives_equal_samples(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("sing", USAGI, "-o", tmp_path / "a.wav", "--json", "--transpose", "-2", "--seed", "3")
    result = json.loads(done.stdout)
    assert result["state"] == "done"
    assert result["path"] == str(tmp_path / "a.wav")
    assert result["loudness_lufs"] == pytest.approx(-16, abs=1)

    monkeypatch.setenv("SINGSYNTH_ARTIFACTS", str(tmp_path / "others"))
    again = singsynth_mcp.sing(USAGI, tmp_path / "b.wav", transpose=-2, seed=3)
    assert again.performances == result["performances"]
    first, rate = soundfile.read(tmp_path / "a.wav", dtype="int16")
    second, _ = soundfile.read(tmp_path / "b.wav", dtype="int16")
    assert rate == 44100
    assert np.array_equal(first, second)


def test_choices_reach_the_song(run: Run, tmp_path: Path) -> None:
    slow = json.loads(run("sing", USAGI, "-o", tmp_path / "slow.ogg", "--tempo", "60", "--json").stdout)
    fast = json.loads(run("sing", USAGI, "-o", tmp_path / "fast.ogg", "--tempo", "120", "--json").stdout)
    assert slow["format"] == "ogg"
    assert slow["seconds"] == pytest.approx(2 * fast["seconds"], abs=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.musicxml",), "missing.musicxml"),
        ((USAGI, "--part", "Tuba"), "Tuba"),
        ((USAGI, "--voicebank", "nobody"), "nobody"),
        ((USAGI, "--speaker", "nobody"), "nobody"),
        ((USAGI, "--output", "no/such/place/../../x.aiff"), "aiff"),
        ((EXAMPLES,), "examples"),
    ],
)
def test_what_cannot_be_sung_is_said_in_one_line(
    run: Run, tmp_path: Path, arguments: tuple[str | Path, ...], words: str
) -> None:
    done = run("sing", *arguments)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert words in done.stderr.splitlines()[0]
    assert len(done.stderr.splitlines()) == 2
    assert [path for path in tmp_path.rglob("*") if path.suffix in {".wav", ".aiff"}] == []


def test_voicebanks_lists_the_voice_and_tells_about_it(run: Run) -> None:
    assert "aviary (default)" in run("voicebanks").stdout
    about = run("voicebanks", "info", "aviary").stdout
    assert all(word in about for word in ("ja", "licence", "credits", "linnet"))
    assert json.loads(run("voicebanks", "list", "--json").stdout)["voicebanks"][0]["id"] == "aviary"


def test_doctor_finds_everything_in_order(run: Run) -> None:
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("Everything works.\n")
    assert "voicebank aviary: ja" in done.stdout


def test_doctor_says_what_is_broken_and_how_to_mend_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    bank = tmp_path / "banks" / "broken"
    bank.mkdir(parents=True)
    (bank / "character.yaml").write_text("name: [", encoding="utf-8")
    (bank / "dsconfig.yaml").write_text("acoustic: acoustic.onnx\n", encoding="utf-8")
    done = run("doctor", SINGSYNTH_OUTPUT=str(tmp_path / "file" / "out"), SINGSYNTH_VOICEBANKS=str(tmp_path / "banks"))
    assert done.returncode == 1
    assert "FAIL  output: " in done.stdout
    assert "point SINGSYNTH_OUTPUT at another folder" in done.stdout
    assert "FAIL  voicebank broken: " in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
