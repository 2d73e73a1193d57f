"""The store in a bucket, on a real S3 server over a wire that can be slow, refuse, break off, or lose an answer."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlparse

import anyio
import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key, sha256
from singsynth_mcp.artifacts.read_cache import ReadCache
from singsynth_mcp.artifacts.s3 import S3Store
from singsynth_mcp.artifacts.s3_client import Bucket, Patience
from singsynth_mcp.artifacts.s3_objects import PART_BYTES
from singsynth_mcp.errors import (
    ArtifactsMissing,
    InvalidRequest,
    StorageProblem,
    StorageUnavailable,
    UnknownArtifact,
    WrongArtifactKind,
)
from singsynth_mcp.serving.transfer import artifact_routes
from singsynth_mcp.settings import Settings
from tests.processes import ROOT
from tests.s3_server import KEYS, Wire, s3_server, wire_to

pytestmark = pytest.mark.asyncio(loop_scope="module")  # a client, slow to make, is of its loop
AT_ONCE = Patience(pauses_seconds=(0.0, 0.0, 0.0))
BUCKET = "songs"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with s3_server() as port:
        yield port


@pytest.fixture(scope="module", autouse=True)
def _keys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire(port: int) -> AsyncIterator[Wire]:
    async with wire_to(port) as wire:
        await Bucket(BUCKET, endpoint=wire.url).ask("create_bucket")
        yield wire


class Place:
    """A prefix of its own, and the machines that share it."""

    def __init__(self, wire: Wire, folder: Path) -> None:
        self.wire = wire
        self.folder = folder
        self.prefix = f"{secrets.token_hex(4)}/"
        self.now = datetime.now(UTC).timestamp()

    def machine(
        self, name: str = "one", *, cache_bytes: int = 2**30, patience: Patience = AT_ONCE, **options: object
    ) -> S3Store:
        clock = lambda: self.now  # noqa: E731
        cache = ReadCache(self.folder / name, max_bytes=cache_bytes, max_age_seconds=15 * 86_400, clock=clock)
        bucket = Bucket(BUCKET, endpoint=self.wire.url, patience=patience)
        return S3Store(bucket, self.prefix, cache, max_days=30, clock=clock, **options)

    def asked(self, method: str, part: str) -> int:
        """Return how many requests of a kind the server got."""
        return sum(each.startswith(method) and part in each for each in self.wire.seen)


@pytest.fixture
def place(wire: Wire, tmp_path: Path) -> Place:
    wire.quiet()
    return Place(wire, tmp_path)


async def put(store: S3Store, data: bytes, title: str = "song") -> tuple[str, str]:
    blob = await store.put_blob(data)
    return await store.put(Manifest("audio", {"title": title}, (Entry(0.0, blob),))), blob


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_what_one_machine_puts_another_reads(place: Place) -> None:
    audio, blob = await put(place.machine("one"), b"la" * 1000)
    other = place.machine("two")
    assert await other.get_blob(blob) == b"la" * 1000
    assert b"".join([piece async for piece in other.stream_blob(blob)]) == b"la" * 1000
    assert (await other.get(audio, "audio")).header == {"title": "song"}
    assert await other.missing_blobs([blob, "0" * 64, blob]) == ["0" * 64]
    [row] = [row async for row in other.list()]
    assert (row.id, row.kind) == (audio, "audio")
    assert row.bytes > 2000
    assert await put(other, b"la" * 1000) == (audio, blob)


async def test_errors_are_those_of_the_folder_store(place: Place) -> None:
    store = place.machine()
    audio, _ = await put(store, b"la")
    with pytest.raises(WrongArtifactKind, match=rf"{audio}.*performance \(from align_phonemes_to_notes\)"):
        await store.get(audio, "performance")
    for nonsense in ("score-000000000000", "", "../../etc/passwd"):
        with pytest.raises(UnknownArtifact):
            await store.get(nonsense, "score")
    with pytest.raises(ArtifactsMissing) as caught:
        await store.get_blob("0" * 64)
    assert caught.value.details["hashes"] == ["0" * 64]


async def test_the_memo_remembers_for_every_machine(place: Place) -> None:
    key = memo_key("stage", 1)
    assert await place.machine("one").recall(key) is None
    await place.machine("one").remember(key, "first")
    await place.machine("one").remember(key, "value")
    assert await place.machine("two").recall(key) == "value"


async def test_a_large_blob_goes_in_parts_and_comes_back_whole(place: Place) -> None:
    data = secrets.token_bytes(PART_BYTES + 5)
    blob = await place.machine("one").put_blob(data)
    assert place.asked("PUT", "partNumber=") == 2
    assert sha256(await place.machine("two").get_blob(blob)) == blob == sha256(data)


async def test_a_blob_arrives_in_pieces_or_not_at_all(place: Place) -> None:
    store = place.machine()
    name = sha256(b"lalelu")
    await store.receive_blob(name, pieces(b"la", b"le", b"lu"))
    assert await store.get_blob(name) == b"lalelu"
    with pytest.raises(InvalidRequest, match="SHA-256"):
        await store.receive_blob("0" * 64, pieces(b"la"))
    assert await store.missing_blobs(["0" * 64]) == ["0" * 64]
    assert not list((place.folder / "one" / "arriving").iterdir())


@pytest.mark.parametrize("size", [10, PART_BYTES + 1], ids=["whole", "in parts"])
async def test_an_answer_lost_after_the_put_took_place_is_no_error(place: Place, size: int) -> None:
    data = secrets.token_bytes(size)
    step = "blobs" if size == 10 else "POST.*uploadId="
    place.wire.lose[step] = 1
    blob = await place.machine("one").put_blob(data)
    assert place.wire.lose[step] == 0
    assert await place.machine("two").get_blob(blob) == data


async def test_what_is_lost_and_refused_at_every_step_is_done_in_the_end(place: Place) -> None:
    for fault in (place.wire.lose, place.wire.refuse):
        for what in ("PUT.*blobs", "PUT.*manifests", "PUT.*memo", "GET.*blobs", "GET.*manifests", "GET.*memo", "HEAD"):
            fault[what] += 1
    one, two = place.machine("one"), place.machine("two")
    audio, blob = await put(one, b"la")
    await one.remember(memo_key(1), blob)
    assert (await two.get(audio)).entries[0].blob == blob
    assert await two.recall(memo_key(1)) == blob
    assert await two.missing_blobs([blob]) == []
    assert await two.get_blob(blob) == b"la"
    assert not any((place.wire.lose + place.wire.refuse).values())


async def test_a_slow_answer_and_one_that_breaks_off_are_asked_for_again(place: Place) -> None:
    _, blob = await put(place.machine("one"), b"la" * 1000)
    place.wire.hold["GET"] = 1
    place.wire.break_off["GET"] = 1
    impatient = Patience(pauses_seconds=(0.0,) * 20, answer_seconds=0.5)
    assert await place.machine("two", patience=impatient).get_blob(blob) == b"la" * 1000
    assert place.asked("GET", "blobs") >= 3


async def test_a_bucket_that_stays_away_is_an_error_that_may_pass(place: Place) -> None:
    place.wire.refuse["PUT"] = 100
    with pytest.raises(StorageUnavailable, match="SlowDown") as caught:
        await place.machine().put_blob(b"la")
    assert caught.value.retryable
    assert caught.value.hint
    assert place.asked("PUT", "blobs") == 4
    place.wire.refuse.clear()
    assert await place.machine().missing_blobs([sha256(b"la")]) == [sha256(b"la")]


async def test_a_bucket_that_is_not_there_or_lets_nobody_in_will_not_pass(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = S3Store(
        Bucket("nobody-has-it", endpoint=place.wire.url, patience=AT_ONCE), "", place.machine()._cache, max_days=1
    )
    with pytest.raises(StorageProblem, match=r"NoSuchBucket.*SINGSYNTH_ARTIFACTS") as caught:
        await wrong.put_blob(b"la")
    assert not caught.value.retryable
    for name in KEYS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(place.folder))
    nobody = Patience(pauses_seconds=(), connect_seconds=3)
    keyless = S3Store(Bucket(BUCKET, endpoint=place.wire.url, patience=nobody), "", place.machine()._cache, max_days=1)
    with pytest.raises(StorageProblem, match="AWS_ACCESS_KEY_ID"):
        await keyless.put_blob(b"la")


async def test_a_service_that_is_no_url_is_said_each_time() -> None:
    bucket = Bucket(BUCKET, endpoint="s3.example")
    for _ in range(2):
        with pytest.raises(StorageProblem, match="SINGSYNTH_S3_ENDPOINT"):
            await bucket.ask("list_objects_v2")


async def test_a_full_disk_takes_the_local_copies_alone(place: Place) -> None:
    (place.folder / "full").write_text("a file where a folder should be", encoding="utf-8")
    store = place.machine("full")
    audio, blob = await put(store, b"la")
    assert await store.get_blob(blob) == b"la"
    assert (await store.get(audio)).header == {"title": "song"}
    with pytest.raises(StorageProblem, match="No|Not a directory|File exists"):
        await store.receive_blob(sha256(b"le"), pieces(b"le"))


async def test_a_damaged_object_is_missing_and_can_be_made_again(place: Place) -> None:
    store = place.machine("one")
    audio, blob = await put(store, b"la")
    bucket = Bucket(BUCKET, endpoint=place.wire.url)
    for key in (f"blobs/{blob[:2]}/{blob}", f"manifests/{audio}.json"):
        await bucket.ask("put_object", Key=place.prefix + key, Body=b"le")
    other = place.machine("two")
    with pytest.raises(ArtifactsMissing):
        await other.get_blob(blob)
    with pytest.raises(UnknownArtifact):
        await other.get(audio)
    assert await put(other, b"la") == (audio, blob)
    assert await place.machine("three").get_blob(blob) == b"la"
    await bucket.ask("put_object", Key=f"{place.prefix}manifests/{audio}.json", Body=b"")
    assert await put(place.machine("four"), b"la") == (audio, blob)
    assert (await place.machine("five").get(audio)).header == {"title": "song"}


async def test_reading_again_asks_the_bucket_once_until_the_limit(place: Place) -> None:
    writer = place.machine("writer")
    blobs = [await writer.put_blob(bytes([index]) * 1000) for index in range(4)]
    reader = place.machine("reader", cache_bytes=3000)
    for blob in (blobs[0], blobs[0], blobs[1]):
        await reader.get_blob(blob)
    assert place.asked("GET", "blobs") == 2
    for blob in blobs[2:]:
        await reader.get_blob(blob)
    held = sum(path.stat().st_size for path in (place.folder / "reader").rglob("*") if path.is_file())
    assert held <= 3000
    before = len(place.wire.seen)
    await reader.get_blob(blobs[3])
    assert len(place.wire.seen) == before
    assert await reader.get_blob(blobs[0]) == bytes([0]) * 1000  # it went, as the longest unused
    assert place.asked("GET", "blobs") == 5


async def test_a_local_copy_that_was_damaged_is_read_again(place: Place) -> None:
    store = place.machine("one")
    blob = await store.put_blob(b"la" * 100)
    for path in (place.folder / "one").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert await store.get_blob(blob) == b"la" * 100


async def test_what_is_used_after_half_its_life_lives_on(place: Place) -> None:
    audio, blob = await put(place.machine("one"), b"la")
    await place.machine("one").remember(memo_key(1), blob)
    place.now += 16 * 86_400
    store = place.machine("one")
    await store.get(audio)
    await store.recall(memo_key(1))
    await store.missing_blobs([blob])
    renewed = [each.split("/")[3] for each in place.wire.seen if each.startswith("PUT") and "?" not in each][3:]
    assert sorted(renewed) == ["blobs", "manifests", "memo"]
    assert await place.machine("two").get_blob(blob) == b"la"


async def test_saved_files_get_urls_that_end_or_those_of_a_cdn(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "うさぎ.wav"
    file.write_bytes(b"RIFF" * 100)
    url = await place.machine(url_seconds=600).publish(file, "audio/wav")
    assert "X-Amz-Expires=600" in url
    async with httpx2.AsyncClient() as web:
        answer = await web.get(url)
    assert answer.content == file.read_bytes()
    assert answer.headers["content-type"] == "audio/wav"
    again = await place.machine(cdn_url="https://cdn.example/").publish(file, "audio/wav")
    key = urlparse(url).path.removeprefix(f"/{BUCKET}")
    assert again == f"https://cdn.example{key}"
    assert key.endswith("/%E3%81%86%E3%81%95%E3%81%8E.wav")


async def test_an_invited_client_puts_a_blob_past_the_server(place: Place) -> None:
    data, store = b"<score-partwise/>", place.machine()
    invitation = await store.invite(sha256(data))
    async with httpx2.AsyncClient() as web:
        answer = await web.put(invitation.url, content=data, headers=dict(invitation.headers))
    assert answer.is_success
    assert await store.get_blob(hashlib.sha256(data).hexdigest()) == data
    assert "x-amz-checksum-sha256" in invitation.url.lower()


async def test_an_upload_is_announced_to_a_server_and_put_into_its_bucket(place: Place) -> None:
    data, store = b"<score-partwise/>", place.machine()
    routes = artifact_routes(store, 2**20)
    transport = httpx2.ASGITransport(app=Starlette(routes=routes))
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as server, httpx2.AsyncClient() as web:
        answer = await server.post("/uploads", json={"name": "a.musicxml", "sha256": sha256(data)})
        facts = answer.json()
        manifest = await store.get(facts["upload"], "upload")
        with pytest.raises(ArtifactsMissing):
            await store.get_blob(manifest.entries[0].blob)
        put = await web.request(facts["method"], facts["url"], content=data, headers=facts["headers"])
    assert put.is_success
    assert manifest.header == {"name": "a.musicxml"}
    assert await place.machine("two").get_blob(manifest.entries[0].blob) == data


async def test_the_lifecycle_rule_of_the_documentation_is_one(place: Place) -> None:
    page = (ROOT / "docs" / "artifacts.md").read_text(encoding="utf-8")
    rule = json.loads(page.partition("```json\n")[2].partition("```")[0])
    bucket = Bucket(BUCKET, endpoint=place.wire.url)
    await bucket.ask("put_bucket_lifecycle_configuration", LifecycleConfiguration=rule)
    [held] = (await bucket.ask("get_bucket_lifecycle_configuration"))["Rules"]
    assert held["Expiration"]["Days"] == Settings().artifacts_max_days
    assert held["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


async def test_many_at_once_share_one_client(place: Place) -> None:
    store = place.machine()
    async with anyio.create_task_group() as group:
        for index in range(20):
            group.start_soon(store.put_blob, bytes([index]))
    names = [sha256(bytes([index])) for index in range(20)]
    assert await store.missing_blobs(names) == []
