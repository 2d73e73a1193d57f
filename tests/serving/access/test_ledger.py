from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.errors import FileProblem, StorageProblem
from singsynth_mcp.serving.access import ledger as ledger_module
from singsynth_mcp.serving.access.callers import Caller, Limits
from singsynth_mcp.serving.access.ledger import Ledger, Line, Use
from singsynth_mcp.serving.access.limits import QuotaExceeded, Quotas, Rates
from tests.processes import environment

DAY = date(2026, 11, 25)


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "usage" / "ledger.sqlite")
    yield ledger
    ledger.close()


def line(use, day=DAY, tenant="acme", caller="alice", tool="sing"):
    return Line(day.isoformat(), tenant, caller, tool, use)


def test_uses_of_one_day_tenant_caller_and_tool_are_added_up(ledger):
    ledger.add(line(Use(requests=1)))
    ledger.add(line(Use(requests=1, errors=1, audio_seconds=2.5, compute_seconds=0.25)))
    ledger.add(line(Use(requests=1), tool="parse_score"))
    ledger.add(line(Use(requests=1), tenant="umbrella", caller="bob"))
    ledger.add(line(Use(requests=1), day=date(2026, 11, 24)))
    ledger.flush()
    assert ledger.lines(DAY, "acme") == [
        line(Use(requests=1), tool="parse_score"),
        line(Use(2, 1, 2.5, 0.25)),
    ]
    assert len(ledger.lines(DAY)) == 3
    assert len(ledger.lines(date(2026, 11, 1))) == 4
    assert ledger.used("alice", DAY) == Use(3, 1, 2.5, 0.25)
    assert ledger.used("nobody", DAY) == Use()


def test_what_was_written_is_there_for_the_next_process(tmp_path):
    path = tmp_path / "ledger.sqlite"
    first = Ledger(path)
    first.add(line(Use(requests=1)))
    first.close()
    assert Ledger(path).used("alice", DAY).requests == 1


def test_processes_write_to_one_file_side_by_side(tmp_path):
    path = tmp_path / "ledger.sqlite"
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from singsynth_mcp.serving.access.ledger import Ledger, Line, Use\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for n in range(200):\n"
        "    ledger.add(Line('2026-11-25', 'acme', 'alice', 'sing', Use(requests=1, audio_seconds=0.5)))\n"
        "    if n % 20 == 0: ledger.flush()\n"
        "ledger.close()\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    writers = [subprocess.Popen(command, env=environment()) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert Ledger(path).used("alice", DAY) == Use(400, 0, 200.0, 0.0)


def test_a_file_that_is_no_ledger_is_an_error(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_text("this is no database, and it is longer than a header would be " * 20, encoding="utf-8")
    with pytest.raises(FileProblem, match="SINGSYNTH_LEDGER"):
        Ledger(path)


def test_while_the_file_cannot_be_written_nobody_waits_for_it_and_nothing_is_lost(ledger, monkeypatch, caplog):
    for name in ("_LOCKED_SECONDS", "_LOOK_SECONDS", "_PAUSE_SECONDS"):
        monkeypatch.setattr(ledger_module, name, 0.05)
    with closing(sqlite3.connect(ledger._path)) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger.add(line(Use(requests=1)))
        with pytest.raises(StorageProblem, match="cannot be written: database is locked"):
            ledger.flush()
        other.rollback()
    ledger.add(line(Use(requests=1)))
    ledger.flush()
    assert ledger.used("alice", DAY) == Use(requests=2)
    assert "it is tried again" in caplog.text


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_minute_holds_so_many_requests_and_fills_evenly():
    clock = Clock()
    rates = Rates(clock)
    alice, bob = [Caller(name, limits=Limits(requests_per_minute=6)) for name in ("alice", "bob")]
    assert [rates.wait_seconds(alice) for _ in range(6)] == [0.0] * 6
    assert rates.wait_seconds(alice) == pytest.approx(10.0)
    assert rates.wait_seconds(bob) == 0.0
    clock.now = 4.0
    assert rates.wait_seconds(alice) == pytest.approx(6.0)
    clock.now = 10.0
    assert rates.wait_seconds(alice) == 0.0
    assert rates.wait_seconds(alice) > 0.0
    assert rates.wait_seconds(Caller("free")) == 0.0


@given(pauses=st.lists(st.floats(0.0, 30.0), max_size=60), most=st.integers(1, 40))
def test_no_stretch_of_time_lets_more_through_than_its_share_and_one_bucket(pauses, most):
    clock = Clock()
    rates, caller = Rates(clock), Caller("a", limits=Limits(requests_per_minute=most))
    let_through = 0
    for pause in pauses:
        clock.now += pause
        let_through += rates.wait_seconds(caller) == 0.0
    assert let_through <= most + clock.now * most / 60.0 + 1e-6


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(requests_per_day=2), "2 requests a day"),
        (Limits(audio_seconds_per_day=60.0), "60 seconds of audio"),
        (Limits(compute_seconds_per_day=1.5), "1.5 seconds of compute"),
    ],
)
async def test_a_quota_that_is_used_up_is_an_error_until_the_next_day(ledger, limits, words):
    clock, day = Clock(), [DAY]
    quotas = Quotas(ledger, lambda: day[0], clock)
    alice = Caller("alice", limits=limits)
    await quotas.check(alice)
    ledger.add(line(Use(2, 0, 60.0, 1.5)))
    clock.now = 10.0
    with pytest.raises(QuotaExceeded, match=words) as refused:
        await quotas.check(alice)
    assert "midnight UTC" in refused.value.hint
    await quotas.check(Caller("bob", limits=limits))
    day[0] = date(2026, 11, 26)
    await quotas.check(alice)


async def test_requests_count_before_the_ledger_has_them(ledger):
    quotas = Quotas(ledger, lambda: DAY, Clock())
    alice = Caller("alice", limits=Limits(requests_per_day=2))
    for _ in range(2):
        await quotas.check(alice)
        quotas.count("alice", Use(requests=1))
    with pytest.raises(QuotaExceeded):
        await quotas.check(alice)


async def test_a_quota_without_a_ledger_lets_nobody_through():
    quotas = Quotas(None)
    await quotas.check(Caller("alice"))
    with pytest.raises(QuotaExceeded, match="SINGSYNTH_LEDGER"):
        await quotas.check(Caller("alice", limits=Limits(requests_per_day=1)))
