from __future__ import annotations

from pathlib import Path

import pytest

from singsynth_mcp.errors import UnknownVoicebank
from singsynth_mcp.voicebanks import BrokenVoicebank, get_voicebank, list_voicebanks
from tests import voicebank_factory as factory


def test_a_folder_is_a_bank_or_holds_banks(tmp_path: Path) -> None:
    factory.plain(tmp_path / "one")
    factory.plain(tmp_path / "pack" / "Voice Bank 2.0")
    factory.plain(tmp_path / "__MACOSX" / "one")
    found = {bank.id for bank in list_voicebanks([tmp_path])}
    assert {"one", "Voice Bank 2.0"} <= found
    assert get_voicebank("one", [tmp_path / "one"]).root == tmp_path / "one"


def test_the_first_of_equal_ids_counts(tmp_path: Path) -> None:
    for name in ("a", "b"):
        factory.plain(tmp_path / name / "twin")
    assert get_voicebank("twin", [tmp_path / "a", tmp_path / "b"]).root == tmp_path / "a" / "twin"


def test_a_bank_is_read_again_when_its_text_changes(tmp_path: Path) -> None:
    folder = factory.multi(tmp_path / "multi")
    before = get_voicebank("multi", [tmp_path])
    digest = before.digest
    assert get_voicebank("multi", [tmp_path]) is before
    (folder / "character.yaml").write_text("name: Renamed and longer\n", encoding="utf-8")
    after = get_voicebank("multi", [tmp_path])
    assert after.name == "Renamed and longer"
    assert after.digest != digest


def test_the_digest_covers_the_text_files_alone(tmp_path: Path) -> None:
    folder = factory.multi(tmp_path / "multi")
    digest = get_voicebank("multi", [tmp_path]).digest
    factory.multi(tmp_path / "copy" / "multi")
    assert get_voicebank("multi", [tmp_path / "copy"]).digest == digest
    (folder / "acoustic.onnx").unlink()
    (folder / ".DS_Store").write_text("litter", encoding="utf-8")
    (folder / "read me.md").write_text("prose", encoding="utf-8")
    assert get_voicebank("multi", [tmp_path]).digest == digest


@pytest.mark.parametrize(
    "damage",
    [b"", b"\xff\xfe\x00", b"acoustic: [", b"- a list", b"acoustic: a.onnx\nhop_size: many\n", b"hop_size: 512\n"],
)
def test_a_damaged_config_is_one_broken_bank(tmp_path: Path, damage: bytes) -> None:
    factory.plain(tmp_path / "sound")
    factory.plain(tmp_path / "bad")
    (tmp_path / "bad" / "dsconfig.yaml").write_bytes(damage)
    found = {bank.id: bank for bank in list_voicebanks([tmp_path])}
    assert isinstance(found["bad"], BrokenVoicebank)
    assert "dsconfig.yaml" in found["bad"].error.message
    assert not isinstance(found["sound"], BrokenVoicebank)


def test_a_missing_folder_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownVoicebank, match="SINGSYNTH_VOICEBANKS"):
        get_voicebank("x", [tmp_path / "nowhere"])
