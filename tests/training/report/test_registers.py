"""Where songs are sung: inside the range that a singer claims, and beyond it."""

from __future__ import annotations

import pytest

from training.report.registers import WOMAN, beyond, claimed_range, octave_up, registers
from training.report.songbook import HeldOutSong, languages, load_songs

MAN = 45, 64
SONGS = [song for language in languages() for song in load_songs(language)]


def _moved(song: HeldOutSong, transpose: int) -> tuple[int, int]:
    low, high = song.span
    return low + transpose, high + transpose


@pytest.mark.parametrize("claimed", [WOMAN, MAN])
@pytest.mark.parametrize("song", SONGS, ids=lambda song: song.title)
def test_three_registers_lie_in_the_range(song: HeldOutSong, claimed: tuple[int, int]) -> None:
    low, middle, high = registers(song, claimed)
    assert [register.name for register in (low, middle, high)] == ["low", "middle", "high"]
    assert _moved(song, low.transpose)[0] == claimed[0]
    assert _moved(song, high.transpose)[1] == claimed[1]
    assert low.transpose < middle.transpose < high.transpose
    for register in (low, middle, high):
        assert claimed[0] <= _moved(song, register.transpose)[0]
        assert _moved(song, register.transpose)[1] <= claimed[1]


def test_beyond_reaches_from_c3_to_c6() -> None:
    below, above = beyond(SONGS[0], WOMAN)
    assert _moved(SONGS[0], below.transpose)[0] == 48
    assert _moved(SONGS[0], above.transpose)[1] == 84


def test_an_octave_up_ends_on_a5_for_a_woman_and_on_a4_for_a_man() -> None:
    assert _moved(SONGS[0], octave_up(SONGS[0], WOMAN).transpose)[1] == 81
    assert _moved(SONGS[0], octave_up(SONGS[0], MAN).transpose)[1] == 69


def test_a_singer_claims_what_the_voicebank_says() -> None:
    assert claimed_range((45.0, 64.0)) == MAN
    assert claimed_range(None) == WOMAN
