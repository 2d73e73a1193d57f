"""The report on the shipped voice: a line sung through the package's chain, judged, drawn and put on a page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from singsynth_mcp.errors import UnknownVoicebank
from training.report.chain import Choices, Singer
from training.report.drawing import draw_pictures
from training.report.gathering import Ears, Gathering, sung_languages
from training.report.judging import judge
from training.report.page import Report
from training.report.registers import registers
from training.report.songbook import HeldOutSong, load_songs
from training.report.table import Findings

CLAIMED = (57, 76)


@pytest.fixture(scope="module")
def singer(tmp_path_factory: pytest.TempPathFactory) -> Singer:
    return Singer("aviary", tmp_path_factory.mktemp("artifacts"), threads=1)


@pytest.fixture(scope="module")
def song() -> HeldOutSong:
    return next(song for song in load_songs("ja") if song.tempo == 132).line_alone(0)


@pytest.fixture(scope="module")
def gathering(singer: Singer, song: HeldOutSong) -> Gathering:
    """One line in one register, as the whole report would have it."""
    found = Gathering(singer, Findings("linnet", "ja"), CLAIMED, Ears(None, False), None)
    register = registers(song, CLAIMED)[1]
    found.findings.add(register.name, judge(found.sing(song, register.transpose)))
    found.sung[song.title, register.name] = (song, register)
    return found


def test_what_was_asked_for_is_known_of_every_frame(gathering: Gathering, song: HeldOutSong) -> None:
    sung = gathering.sing(song, registers(song, CLAIMED)[1].transpose)
    assert len(sung.notes) == len(song.lines[0].syllables)
    assert [note.midi for note in sung.notes] == [
        tone.midi + registers(song, CLAIMED)[1].transpose for s in song.lines[0].syllables for tone in s.tones
    ]
    for phrase in sung.phrases:
        assert len(phrase.audio) == len(phrase.f0) * phrase.hop
        assert phrase.phonemes[0].first == 0
        assert phrase.phonemes[-1].stop == len(phrase.f0)
        assert phrase.voiced.any()
        assert not phrase.voiced[: phrase.phonemes[0].stop].any()
    (start, stop) = sung.lines[0]
    assert start == 0
    assert stop == pytest.approx(sung.notes[-1].start_s + sung.notes[-1].duration_s)
    assert sung.seconds_of_work > 0


def test_the_shipped_voice_sings_the_line_in_tune_and_on_time(gathering: Gathering) -> None:
    values = {key: np.concatenate(found) for (key, _), found in gathering.findings.values.items()}
    assert np.percentile(np.abs(values["f0"]), 90) < 20
    assert np.median(np.abs(values["notes"])) < 5
    assert np.abs(values["onsets"]).max() < 0.03
    assert values["voicing"].mean() < 0.05
    assert values["clicks"].sum() == 0
    assert values["bad_samples"].sum() == 0


def test_a_control_is_followed(singer: Singer, song: HeldOutSong) -> None:
    assert {"gender", "loudness"} <= set(singer.controls)
    soft, loud = (singer.sing(song, Choices("linnet", 0, {"loudness": gain})) for gain in (-6.0, 0.0))
    assert np.std(loud.mix()) / np.std(soft.mix()) == pytest.approx(10 ** (6 / 20), rel=0.01)


def test_only_languages_of_the_voicebank_are_sung(singer: Singer) -> None:
    assert set(sung_languages(singer)) == set(singer.bank.languages) & {"ja", "en"}


def test_another_voicebank_is_asked_for_by_its_id(tmp_path: Path) -> None:
    with pytest.raises(UnknownVoicebank):
        Singer("nobody", tmp_path)


def test_the_page_holds_tables_pictures_and_what_is_not_met(gathering: Gathering, tmp_path: Path) -> None:
    pictures = draw_pictures([gathering], tmp_path / "voice")
    assert [name for name, _ in pictures] == ["linnet-ja-middle-132.png"]
    image = Image.open(io.BytesIO((tmp_path / "voice" / pictures[0][0]).read_bytes()))
    assert image.width == 900
    assert image.height > 300
    assert len(np.unique(np.asarray(image.convert("L")))) > 20
    report = Report("Aviary", "0" * 64, 31.0, "a command", [gathering], "controls", "mix", pictures, "voice")
    page = report.page()
    assert "## linnet, ja" in page
    assert "| clicks |  | 0 |  | 0 |" in page
    assert "(voice/linnet-ja-middle-132.png)" in page
    assert report.unmet()[0] == "size: 31.0 MB"
    assert "* size: 31.0 MB" in page
