"""Servers that share neither a disk nor a bucket: the same samples as one process, and files where the user is."""

from __future__ import annotations

import base64
import resource
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import mcp_types as types
import numpy as np
import pytest
import soundfile
from anyio.abc import Process
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client._memory import InMemoryTransport

from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.artifacts.remote import RemoteStore
from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.settings import Settings
from tests import voicebank_factory as factory
from tests.processes import ROOT, listening, python

SONG = ROOT / "tests" / "scores" / "09-ja-usagi.musicxml"
TOKEN = {"Authorization": "Bearer secret"}


@dataclass
class Apart:
    """Three machines: the user's with the proxy, one that reads scores, one with the voicebank."""

    folder: Path
    client: Client
    portal: BlockingPortal
    user: Settings
    urls: dict[str, str]
    processes: dict[str, Process]

    def call(self, tool: str, **arguments: Any) -> types.CallToolResult:
        return self.portal.call(partial(self.client.call_tool, tool, arguments))

    def done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content
        facts: dict[str, Any] = result.structured_content
        assert str(facts["state"]) == "done"
        assert str(self.folder / "cpu") not in result.content[0].text
        return facts


def machine(folder: Path, **more: str) -> dict[str, str]:
    places = {name: str(folder / name.lower()) for name in ("CACHE", "ARTIFACTS", "OUTPUT", "USER_VOICEBANKS")}
    settings = places | {"DEFAULT_VOICEBANK": "sine", "TOKEN": "secret", **more}
    return {f"SINGSYNTH_{name}": value for name, value in settings.items()}


@asynccontextmanager
async def server(name: str, environment: Mapping[str, str]) -> AsyncIterator[tuple[str, Process]]:
    args = ("-m", "singsynth_mcp", name, "--transport", "http", "--port", "0")
    async with listening(args, environment) as (url, process):
        yield url, process


@asynccontextmanager
async def three_machines(folder: Path, banks: Path, user: Settings, portal: BlockingPortal) -> AsyncIterator[Apart]:
    gpu = machine(folder / "gpu", VOICEBANKS=str(banks), THREADS="1")
    async with server("cpu", machine(folder / "cpu")) as far, server("gpu", gpu) as singer:
        urls = {"cpu": far[0], "gpu": singer[0]}
        proxy = build_server(user, {name: UpstreamSpec(url=url, headers=TOKEN) for name, url in urls.items()})
        async with Client(InMemoryTransport(proxy), cache=None) as client:
            yield Apart(folder, client, portal, user, urls, {"cpu": far[1], "gpu": singer[1]})


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    folder = tmp_path_factory.mktemp("apart")
    banks = factory.multi(folder / "banks" / "sine").parent
    user = Settings(
        cache=folder / "user" / "cache",
        artifacts=folder / "user" / "artifacts",
        output=folder / "user" / "music",
        voicebanks=(banks,),
        default_voicebank="sine",
        roots=(SONG.parent,),
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(three_machines(folder, banks, user, portal)) as apart,
    ):
        yield apart


def test_sing_gives_the_samples_of_one_process_where_the_user_wants_them(apart: Apart) -> None:
    facts = apart.done("sing", path=str(SONG), output="song.flac", wait_seconds=45)
    here = apart.user.output / "song.flac"
    assert facts["path"] == str(here.resolve())
    assert facts["url"] == here.resolve().as_uri()
    settings = apart.user.model_copy(update={"artifacts": apart.folder / "one" / "artifacts", "threads": 1})
    request = SingRequest(path=str(SONG), output="alone.flac")
    alone = apart.portal.call(sing, request, LocalCaller(settings))
    np.testing.assert_array_equal(soundfile.read(facts["path"])[0], soundfile.read(alone.path)[0])
    assert facts["voicebank"] == "sine"
    saved = apart.done("save_audio", audio=facts["parts"][0]["audio"])
    assert Path(saved["path"]).name.startswith("うさぎ-"), "the way up to the score's title came along"
    assert not list((apart.folder / "user").rglob(".new-*"))


def test_a_laptop_with_a_gpu_server_elsewhere(apart: Apart) -> None:
    """The cpu server is the proxy's own child, on the user's machine, which has no voicebank."""
    folder = apart.folder / "laptop"
    environment = machine(folder, ROOTS=str(SONG.parent))
    laptop = Settings(cache=folder / "cache", artifacts=folder / "artifacts", output=folder / "output")
    child = python("-m", "singsynth_mcp", "cpu", env=environment)
    cpu = UpstreamSpec(command=child.command, args=tuple(child.args), env=child.env or {})
    proxy = build_server(laptop, {"cpu": cpu, "gpu": UpstreamSpec(url=apart.urls["gpu"], headers=TOKEN)})
    with apart.portal.wrap_async_context_manager(Client(InMemoryTransport(proxy), cache=None)) as client:
        arguments = {"path": str(SONG), "output": "song.flac", "wait_seconds": 45}
        facts = apart.portal.call(client.call_tool, "sing", arguments).structured_content
    assert facts["state"] == "done", facts
    assert facts["path"] == str((folder / "output" / "song.flac").resolve())
    sung = apart.done("sing", path=str(SONG), output="again.flac", wait_seconds=45)
    np.testing.assert_array_equal(soundfile.read(facts["path"])[0], soundfile.read(sung["path"])[0])


def test_step_by_step_every_tool_gets_what_it_lacks(apart: Apart) -> None:
    score = apart.done("parse_score", path=str(SONG))
    phonemes = apart.done("phonemize", score=score["id"])
    performance = apart.done("align_phonemes_to_notes", score=score["id"], phonemes=phonemes["id"])
    for tool in ("predict_durations", "predict_pitch", "predict_variance"):
        performance = apart.done(tool, performance=performance["id"])
    drawn = apart.done("inspect_performance", performance=performance["id"])
    assert Path(drawn["picture"]).parent == apart.user.output.resolve()
    assert Path(drawn["picture"]).read_bytes().startswith(b"\x89PNG")
    written = apart.done("export", performance=performance["id"], output="usagi.ds")
    assert (apart.user.output / "usagi.ds").stat().st_size == written["bytes"]
    uri = f"singsynth://artifacts/{performance['id']}"
    [read] = apart.portal.call(apart.client.read_resource, uri).contents
    assert base64.b64decode(read.blob)[8:].startswith(b'{"__metadata__"')


def test_equal_names_over_there_do_not_mix_up_what_comes_here(apart: Apart) -> None:
    score = apart.done("parse_score", path=str(SONG))
    for name, offset in (("one/a.lrc", 0), ("two/a.lrc", 2)):
        apart.done("export", score=score["id"], output=name, offset_seconds=offset)
    one, two = ((apart.user.output / name / "a.lrc").read_text(encoding="utf-8") for name in ("one", "two"))
    assert one != two
    assert len(list((apart.folder / "cpu" / "output").glob("a-*.lrc"))) == 2


def test_a_job_s_file_comes_here_when_it_is_asked_for(apart: Apart) -> None:
    score = apart.done("parse_score", path=str(SONG))
    begun = apart.call("export", score=score["id"], output="a.mid", wait_seconds=0)
    job = begun.structured_content
    if job["state"] != "done":
        job = (apart.done("get_job", job_id=job["job_id"], wait_seconds=45))["result"]
    assert job["path"] == str((apart.user.output / "a.mid").resolve())
    assert Path(job["path"]).read_bytes().startswith(b"MThd")


def test_a_job_that_lacked_something_works_when_it_is_called_again(apart: Apart) -> None:
    score = apart.done("parse_score", path=str(SONG))
    phonemes = apart.done("phonemize", score=score["id"])
    performance = apart.done("align_phonemes_to_notes", score=score["id"], phonemes=phonemes["id"], transpose=2)["id"]
    begun = apart.call("predict_durations", performance=performance, wait_seconds=0).structured_content
    if begun["state"] in ("queued", "running"):  # else the call itself found out, and copied
        failed = apart.call("get_job", job_id=begun["job_id"], wait_seconds=45)
        error = failed.structured_content["error"]
        assert (error["code"], error["retryable"]) == ("unknown_artifact", True)
        assert "call the tool again" in failed.content[0].text
    apart.done("predict_durations", performance=performance)


def test_what_may_not_be_read_or_written_here_is_refused_here(apart: Apart) -> None:
    secret = apart.folder / "secret.musicxml"
    secret.write_bytes(SONG.read_bytes())
    score = apart.done("parse_score", path=str(SONG))
    for tool, arguments in (
        ("parse_score", {"path": str(secret)}),
        ("export", {"score": score["id"], "output": str(apart.folder / "elsewhere.mid")}),
    ):
        refused = apart.call(tool, **arguments)
        assert refused.structured_content["error"]["code"] == "path_not_allowed"


def test_what_nobody_has_is_unknown(apart: Apart) -> None:
    for arguments in ({"performance": "performance-000000000000"}, {"performance": "nonsense"}):
        missing = apart.call("predict_durations", **arguments)
        assert missing.structured_content["error"]["code"] == "unknown_artifact"
    nobody = apart.call("phonemize", text="さくら", voicebank="nobody")
    assert nobody.structured_content["error"]["code"] == "unknown_voicebank"


def test_an_upload_to_any_of_them_is_parsed_by_the_one_that_reads_scores(apart: Apart) -> None:
    for name in ("gpu", "cpu"):
        remote = RemoteStore(apart.urls[name], TOKEN)
        upload = apart.portal.call(remote.upload, SONG)
        apart.portal.call(remote.close)
        assert apart.done("parse_score", upload=upload)["title"].startswith("うさぎ")
    missing = apart.call("parse_score", upload="upload-000000000000").structured_content["error"]
    assert missing["code"] == "unknown_artifact"
    assert "/uploads" in missing["hint"]


def test_a_full_disk_over_there_is_said_and_leaves_nothing(apart: Apart) -> None:
    score = apart.done("parse_score", path=str(SONG))
    phonemes = apart.done("phonemize", score=score["id"])
    performance = apart.done("align_phonemes_to_notes", score=score["id"], phonemes=phonemes["id"], transpose=1)
    pid = apart.processes["gpu"].pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
    try:
        full = apart.call("predict_durations", performance=performance["id"])
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    assert full.structured_content["error"]["code"] == "storage_problem"
    assert not list((apart.folder / "gpu").rglob(".new-*"))
    apart.done("predict_durations", performance=performance["id"])


def test_a_file_that_cannot_be_written_here_is_said(apart: Apart) -> None:
    score = apart.done("parse_score", path=str(SONG))
    apart.user.output.mkdir(parents=True, exist_ok=True)
    (apart.user.output / "blocked").write_text("a file where a folder should be", encoding="utf-8")
    error = apart.call("export", score=score["id"], output="blocked/a.mid").structured_content["error"]
    assert error["code"] == "storage_problem"
    assert "Give another output" in error["hint"]


def test_a_lost_blob_is_copied_again(apart: Apart) -> None:
    score = apart.done("parse_score", path=str(SONG))
    phonemes = apart.done("phonemize", score=score["id"])
    performance = apart.done("align_phonemes_to_notes", score=score["id"], phonemes=phonemes["id"], transpose=3)
    timed = apart.done("predict_durations", performance=performance["id"])
    apart.done("inspect_performance", performance=timed["id"])  # so that the cpu server has it too
    gpu = FolderStore(apart.folder / "gpu" / "artifacts", max_bytes=2**30, max_days=1)
    manifest = apart.portal.call(gpu.get, timed["id"], "performance")
    lost = manifest.entries[0].blob
    (gpu.root / "blobs" / lost[:2] / lost).unlink()
    apart.done("predict_pitch", performance=timed["id"])
    assert apart.portal.call(gpu.missing_blobs, [lost]) == []
