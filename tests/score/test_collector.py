"""The garbage collector rests while a score is read, and is back whatever comes of it."""

from __future__ import annotations

import gc
from threading import Event, Thread

import pytest

from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.score.collector import collector_paused
from singsynth_mcp.score.reading import read_score


def test_it_is_back_after_a_score_that_cannot_be_read() -> None:
    with pytest.raises(SingSynthError):
        read_score(b"<score-partwise><part></score-partwise>")
    assert gc.isenabled()


def test_it_rests_until_the_last_reader_is_done() -> None:
    entered, leave = Event(), Event()

    def other() -> None:
        with collector_paused():
            entered.set()
            leave.wait(10)

    thread = Thread(target=other)
    with collector_paused():
        thread.start()
        assert entered.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_who_turned_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
