"""A queued job's work is counted for whoever asked for it, by whichever server does it."""

from __future__ import annotations

from singsynth_mcp.artifacts.tenants import TENANT, working_for
from singsynth_mcp.jobs.base import NewJob
from singsynth_mcp.serving.access.accounts import Accounts
from singsynth_mcp.serving.access.callers import HOST, Caller, account_of
from singsynth_mcp.serving.access.ledger import Ledger, Use, today
from singsynth_mcp.serving.access.metering import METER, Meter


def job(caller):
    return NewJob("key", "save_audio", "media", tenant="acme", account=account_of(caller))


def test_the_work_of_a_clients_job_stands_in_the_ledger_under_its_key(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    proxy = Accounts(Meter(ledger, behind_proxy=False), is_proxy=True)
    with proxy.working(job(Caller("alice", "acme")), 0.5):
        assert TENANT.get() == "acme"
        METER.get().add("save_audio", Use(audio_seconds=3.0, compute_seconds=0.5))
    ledger.flush()
    assert ledger.used("alice", today()) == Use(audio_seconds=3.0, compute_seconds=0.5)
    ledger.close()


def test_the_work_of_a_proxys_job_is_owed_to_the_proxy():
    meter = Meter()
    with Accounts(meter).working(job(HOST), 0.5):
        METER.get().add("save_audio", Use(compute_seconds=0.5))
    assert meter.settle() is None, "another tenant's"
    with working_for("acme"):
        assert meter.settle() == {"save_audio": {"audio_seconds": 0.0, "compute_seconds": 0.5}}
