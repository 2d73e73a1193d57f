"""Models are open before the first call, and a server says that it is ready only then."""

from __future__ import annotations

import threading

import anyio
import pytest
from mcp import Client

from singsynth_mcp.errors import UnknownVoicebank
from singsynth_mcp.gpu_server import warming
from singsynth_mcp.gpu_server.app import build_server
from singsynth_mcp.gpu_server.rendering import engine_of
from singsynth_mcp.gpu_server.warming import open_models
from singsynth_mcp.gpu_server.worker import run_worker
from singsynth_mcp.settings import Settings
from tests import voicebank_factory as factory
from tests.gpu_server.conftest import Gpu


@pytest.mark.parametrize("role", ["inference", "vocoder"])
async def test_a_role_opens_its_own_models_and_no_others(gpu: Gpu, role, monkeypatch) -> None:
    factory.multi(gpu.banks / "multi")
    engine, opened = engine_of(gpu.services.settings), []
    real = type(engine).open
    monkeypatch.setattr(
        type(engine), "open", lambda self, path, **more: opened.append(path) or real(self, path, **more)
    )
    open_models(gpu.services.settings, (role,))
    assert opened
    assert all(("vocoder" in str(path)) == (role == "vocoder") for path in opened)


@pytest.mark.parametrize("over_http", [True, False])
async def test_a_server_over_http_is_ready_when_it_is_warm(gpu: Gpu, over_http, monkeypatch) -> None:
    factory.multi(gpu.banks / "multi")
    go_on, done = threading.Event(), threading.Event()

    def open_slowly(settings, roles):
        go_on.wait()
        open_models(settings, roles)
        done.set()

    monkeypatch.setattr(warming, "open_models", open_slowly)
    server = build_server(gpu.services.settings, over_http=over_http)
    async with Client(server):
        assert bool(server.readiness.waiting) == over_http
        go_on.set()
        with anyio.fail_after(30):
            while server.readiness.waiting:
                await anyio.lowlevel.checkpoint()
    assert done.is_set() == over_http


async def test_a_server_that_cannot_be_warm_is_never_ready_and_says_why(gpu: Gpu) -> None:
    server = build_server(gpu.services.settings.model_copy(update={"warm": ("nobody",)}), over_http=True)
    async with Client(server):
        with anyio.fail_after(30):
            while "nobody" not in server.readiness.waiting["models"]:
                await anyio.lowlevel.checkpoint()


async def test_a_worker_that_cannot_be_warm_takes_no_job_and_says_why(gpu: Gpu) -> None:
    facts = {"redis": "redis://localhost:1", "warm": ("nobody",)}
    with pytest.raises(UnknownVoicebank, match="nobody"):
        await run_worker(Settings.model_validate({**gpu.services.settings.model_dump(), **facts}))


def test_what_is_warm_is_a_list_of_names(monkeypatch) -> None:
    monkeypatch.setenv("SINGSYNTH_WARM", "aviary, songbird")
    assert Settings().warm == ("aviary", "songbird")
    monkeypatch.setenv("SINGSYNTH_WARM", "")
    assert Settings().warm == ()
