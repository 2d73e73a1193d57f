"""Singing over a bucket that loses answers, refuses and breaks off: the samples of an undisturbed run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from singsynth_mcp.artifacts.s3_client import Bucket
from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.settings import Settings
from tests import voicebank_factory as factory
from tests.processes import ROOT
from tests.s3_server import KEYS, s3_server, wire_to

SONG = ROOT / "tests" / "scores" / "09-ja-usagi.musicxml"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with s3_server() as port:
        yield port


async def test_a_song_over_a_bucket_with_faults_is_the_song_without(tmp_path: Path, port: int) -> None:
    banks = factory.multi(tmp_path / "banks" / "sine").parent
    request = SingRequest(path=str(SONG), output="song.flac", voicebank="sine")

    def settings(name: str, **more: object) -> Settings:
        places = {"cache": tmp_path / name, "output": tmp_path / name / "music", "artifacts": tmp_path / name / "store"}
        return Settings(voicebanks=(banks,), roots=(SONG.parent,), threads=1, **{**places, **more})

    undisturbed = await sing(request, LocalCaller(settings("folder")))
    async with wire_to(port) as wire:
        await Bucket("songs", endpoint=wire.url).ask("create_bucket")
        for fault, parts in (
            (wire.lose, ("blobs", "manifests", "memo", "saved")),
            (wire.refuse, ("blobs", "memo")),
        ):
            for part in parts:
                fault[f"PUT.*{part}"] = 1
        wire.break_off["GET.*manifests"] = 1
        bucket = {"artifacts": "s3://songs/a", "s3_endpoint": wire.url, "s3_cache_max_bytes": 10_000}
        disturbed = await sing(request, LocalCaller(settings("bucket", **bucket)))
        left = wire.lose + wire.refuse + wire.break_off
        wire.seen.clear()
        again = await sing(request, LocalCaller(settings("another machine", **bucket)))
        made = [each for each in wire.seen if each.startswith("PUT") and "/blobs/" in each]
    assert not +left, "every fault happened"
    first, second = (soundfile.read(result.path)[0] for result in (undisturbed, disturbed))
    np.testing.assert_array_equal(first, second)
    assert disturbed.url.startswith(f"{wire.url}/songs/a/saved/")
    assert again.parts == disturbed.parts
    assert len(made) <= 2, "another machine recalled what the first had made; it only stored what it was given"


async def test_a_bucket_that_refuses_is_an_error_with_a_remedy(tmp_path: Path, port: int) -> None:
    settings = Settings(
        artifacts="s3://nobody-has-it", s3_endpoint=f"http://127.0.0.1:{port}", cache=tmp_path, roots=(SONG.parent,)
    )
    with pytest.raises(SingSynthError, match=r"NoSuchBucket.*SINGSYNTH_ARTIFACTS") as caught:
        await LocalCaller(settings).call("parse_score", {"path": str(SONG)})
    assert caught.value.code == "storage_problem"
