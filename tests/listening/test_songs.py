"""The shipped voice sings whole songs in tune, on time and clean, as measured on the audio alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.listen import sing_score, written_notes
from benchmarks.listening import Listening, listen
from singsynth_mcp.media.clicks import clicks
from singsynth_mcp.performance.model import PhraseNote

SCORES = Path(__file__).parent.parent / "scores"
USAGI = "09-ja-usagi.musicxml"
SONGS = ("ja-yoru-no-mado.musicxml", "ja-kasa-to-posuto.musicxml", "ja-jitensha.musicxml")


@dataclass(frozen=True, eq=False)
class Sung:
    """A rendering and the notes it should hold, on its own clock."""

    audio: np.ndarray
    sample_rate: int
    notes: list[PhraseNote]

    def heard(self, late_s: float = 0.0) -> Listening:
        """Listen to the rendering, moved by `late_s`."""
        return listen(np.roll(self.audio, round(late_s * self.sample_rate)), self.sample_rate, self.notes)


@pytest.fixture(scope="module")
def sung(tmp_path_factory: pytest.TempPathFactory) -> object:
    @cache
    def rendering(score: str, transpose: float = 0.0) -> Sung:
        result = sing_score(SCORES / score, tmp_path_factory.mktemp("sung"), transpose=transpose)
        assert result.path is not None
        assert result.lead_seconds is not None
        audio, sample_rate = soundfile.read(result.path)
        lead = result.lead_seconds
        notes = [replace(note, start_s=note.start_s + lead) for note in written_notes(SCORES / score)]
        return Sung(audio, sample_rate, notes)

    return rendering


@pytest.mark.parametrize("score", [USAGI, *SONGS])
def test_a_song_is_in_tune_on_time_and_clean(sung, score: str) -> None:
    heard = sung(score).heard()
    assert heard.passed, f"\n{heard.table()}"
    assert heard.onsets >= 4


def test_the_songs_are_what_they_should_be() -> None:
    notes = [note for score in SONGS for note in written_notes(SCORES / score)]
    assert len(notes) >= 150
    assert min(note.midi for note in notes) == 60
    assert max(note.midi for note in notes) == 76


@pytest.mark.parametrize("late_s", [0.05, -0.05])
def test_50_ms_are_heard(sung, late_s: float) -> None:
    heard = sung(USAGI).heard(late_s)
    assert heard.on_time < 0.5, heard.table()
    assert not heard.passed


def test_40_cents_are_heard(sung) -> None:
    heard = Sung(*vars(sung(USAGI, transpose=0.4)).values()).heard()
    assert heard.in_tune < 0.5, heard.table()
    assert heard.median_cents == pytest.approx(40, abs=8)
    assert not heard.passed


@pytest.mark.parametrize("kind", ["spike", "step"])
def test_a_click_in_every_vowel_is_heard(sung, kind: str) -> None:
    """30 dB under the peak, in the middle of each note: nearly all stand out from the voice's own breath."""
    rendering = sung(USAGI)
    size = np.abs(rendering.audio).max() * 10 ** (-30 / 20)
    times = [note.start_s + note.duration_s / 2 for note in rendering.notes]
    audio = rendering.audio.copy()
    for time_s in times:
        start = round(time_s * rendering.sample_rate)
        audio[start : start + (1 if kind == "spike" else 2000)] += size
    found = clicks(audio, rendering.sample_rate)
    heard = [time_s for time_s in times if any(abs(click - time_s) < 0.002 for click in found)]
    assert len(heard) >= 0.8 * len(times), f"{heard} of {times}"
