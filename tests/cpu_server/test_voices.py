"""A voicebank of which only the text files were sent here."""

from __future__ import annotations

from pathlib import Path

import pytest

from singsynth_mcp.artifacts.base import Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.artifacts.texts import announce_texts, store_texts
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.voices import voicebank_of
from singsynth_mcp.errors import ArtifactsMissing, InvalidVoicebank, UnknownVoicebank
from singsynth_mcp.settings import Settings
from singsynth_mcp.voicebanks import Voicebank, get_voicebank
from singsynth_mcp.voicebanks.files import text_files
from tests import voicebank_factory as factory


@pytest.fixture
def services(tmp_path: Path) -> CpuServices:
    settings = Settings(cache=tmp_path / "cache")
    store = FolderStore(tmp_path / "store", max_bytes=2**30, max_days=1)
    return CpuServices(settings, store, readable=(), writable=())


@pytest.fixture
def bank(tmp_path: Path) -> Voicebank:
    return get_voicebank("sine", (factory.multi(tmp_path / "banks" / "sine").parent,))


def texts_of(bank: Voicebank) -> dict[str, bytes]:
    return {path.relative_to(bank.root).as_posix(): path.read_bytes() for path in text_files(bank.root)}


async def send(services: CpuServices, bank: Voicebank, files: dict[str, bytes], digest: str = "") -> Manifest:
    manifest = await services.store.get(await store_texts(services.store, bank.id, digest or bank.digest, files))
    await announce_texts(services.store, manifest)
    return manifest


async def test_the_texts_are_enough_to_be_that_voicebank(services: CpuServices, bank: Voicebank) -> None:
    with pytest.raises(UnknownVoicebank) as caught:
        await voicebank_of("sine", services)
    assert caught.value.details["voicebank"] == "sine"
    await send(services, bank, texts_of(bank))
    for _ in range(2):
        sent = await voicebank_of("sine", services)
        assert (sent.id, sent.digest, sent.symbols) == (bank.id, bank.digest, bank.symbols)
    assert not [path for path in sent.root.rglob("*") if path.suffix == ".onnx"]


async def test_a_changed_voicebank_is_sent_anew(services: CpuServices, bank: Voicebank) -> None:
    await send(services, bank, texts_of(bank))
    old = await voicebank_of("sine", services)
    (bank.root / "notes.txt").write_text("a second version", encoding="utf-8")
    newer = Voicebank(bank.id, bank.root, bank.folder, bank.acoustic)
    await send(services, newer, texts_of(newer))
    assert (await voicebank_of("sine", services)).digest == newer.digest != old.digest


@pytest.mark.parametrize("name", ["../escaped.txt", "/tmp/escaped.txt", "a/../../escaped.txt", "c:\\escaped.txt", "."])
async def test_a_file_outside_the_folder_is_refused(services: CpuServices, bank: Voicebank, name: str) -> None:
    await send(services, bank, {**texts_of(bank), name: b"x"})
    with pytest.raises(InvalidVoicebank):
        await voicebank_of("sine", services)
    assert not list(services.settings.cache.rglob("*escaped*"))


async def test_other_texts_than_the_digest_says_are_refused_and_leave_nothing(
    services: CpuServices, bank: Voicebank
) -> None:
    for files in ({**texts_of(bank), "more.txt": b"x"}, {**texts_of(bank), "model.onnx": b"x"}):
        await send(services, bank, files)
        with pytest.raises(InvalidVoicebank, match="announced"):
            await voicebank_of("sine", services)
    assert not [path for path in services.settings.cache.rglob("*") if path.is_file()]
    await send(services, bank, texts_of(bank))
    assert (await voicebank_of("sine", services)).digest == bank.digest


async def test_a_text_that_was_pruned_is_missing_by_its_hash(services: CpuServices, bank: Voicebank) -> None:
    manifest = await send(services, bank, texts_of(bank))
    lost = manifest.entries[0].blob
    assert isinstance(services.store, FolderStore)
    (services.store.root / "blobs" / lost[:2] / lost).unlink()
    with pytest.raises(ArtifactsMissing) as caught:
        await voicebank_of("sine", services)
    assert caught.value.details["hashes"] == [lost]
