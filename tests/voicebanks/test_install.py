"""Voicebanks put into the user's folder from folders, zips, packs and .oudep files, and taken away again."""

from __future__ import annotations

import stat
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from singsynth_mcp.errors import (
    FileProblem,
    InvalidRequest,
    InvalidVoicebank,
    PathNotAllowed,
    SingSynthError,
    StorageProblem,
    UnknownVoicebank,
)
from singsynth_mcp.voicebanks import get_voicebank, trees
from singsynth_mcp.voicebanks.install import Installed, prepare_installation, remove
from tests import voicebank_factory as factory
from tests.archives import link_zip, raw_zip, zip_of


def put(source: Path, home: Path, *, replace: bool = False, others: tuple[Path, ...] = ()) -> list[Installed]:
    with prepare_installation(source, home) as installation:
        return installation.put(replace=replace, others=others)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    folder = factory.multi(tmp_path / "made" / "Sine Voice")
    (folder / "LICENSE.txt").write_text("Sing what you like.\nName the sine.", encoding="utf-8")
    return folder


def test_a_folder_is_copied_as_it_is(bank: Path, home: Path) -> None:
    [installed] = put(bank, home)
    assert installed.folder == home / "Sine Voice"
    assert files_of(installed.folder) == files_of(bank)
    assert get_voicebank("Sine Voice", [home]).digest == get_voicebank("Sine Voice", [bank]).digest
    assert names(home) == ["Sine Voice"]


@pytest.mark.parametrize("top", ["Sine Voice", "", "release/v2/Sine Voice"])
def test_a_zip_is_unpacked_wherever_the_bank_lies_in_it(bank: Path, home: Path, tmp_path: Path, top: str) -> None:
    [installed] = put(zip_of(tmp_path / "Sine Voice.zip", bank, top), home)
    assert installed.folder == home / "Sine Voice"
    assert files_of(installed.folder) == files_of(bank)


def test_a_bank_in_configs_is_named_by_the_folder_round_it(home: Path, tmp_path: Path) -> None:
    factory.plain(tmp_path / "Keiro" / "configs")
    [installed] = put(zip_of(tmp_path / "x.zip", tmp_path / "Keiro"), home)
    assert installed.folder == home / "Keiro"
    assert get_voicebank("Keiro", [home]).root == home / "Keiro"


def test_a_pack_holds_a_zip_that_holds_the_bank(bank: Path, home: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    zip_of(pack / "voice" / "inner.zip", bank)
    (pack / "plugin").mkdir()
    (pack / "plugin" / "Phonemizer.dll").write_bytes(b"MZ")
    (pack / "TERMS OF USE.md").write_text("Ask before you sell.", encoding="utf-8")
    with prepare_installation(zip_of(tmp_path / "TIGER_v102.zip", pack, ""), home) as installation:
        [package] = installation.packages
        assert [text.text for text in package.licences] == [
            "Sing what you like.\nName the sine.",
            "Ask before you sell.",
        ]
        installation.put()
    assert files_of(home / "Sine Voice") == files_of(bank)
    assert not list(home.rglob("*.dll"))


def test_an_oudep_is_a_vocoder_beside_the_banks(home: Path, tmp_path: Path) -> None:
    bank = factory.plain(tmp_path / "made" / "plain")
    vocoder = tmp_path / "vocoder"
    (bank / "dsvocoder").rename(vocoder)
    config = bank / "dsconfig.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "vocoder: sine_hifigan\n", encoding="utf-8")
    (vocoder / "oudep.yaml").write_text("id: sine_hifigan\nclass: vocoder\n", encoding="utf-8")
    put(bank, home)
    with pytest.raises(InvalidVoicebank, match="has no vocoder"):
        _ = get_voicebank("plain", [home]).vocoder
    [installed] = put(zip_of(tmp_path / "any name.oudep", vocoder, ""), home)
    assert (installed.package.kind, installed.folder) == ("vocoder", home / "sine_hifigan")
    assert get_voicebank("plain", [home]).vocoder[0] == home / "sine_hifigan"
    elsewhere = bank.rename(tmp_path / "elsewhere")
    found = get_voicebank("elsewhere", [elsewhere, home])
    assert found.vocoder[0] == home / "sine_hifigan", "a bank of another folder finds it too"
    remove("sine_hifigan", home)
    assert names(home) == ["plain"]


@pytest.mark.parametrize("name", ['"../x"', '"a\\x1b[2Jb"', "NUL", ".hidden", "a/b", '"a?"', '" "'])
def test_a_package_cannot_name_itself_out_of_the_folder(home: Path, tmp_path: Path, name: str) -> None:
    vocoder = tmp_path / "vocoder"
    (factory.plain(tmp_path / "plain") / "dsvocoder").rename(vocoder)
    (vocoder / "oudep.yaml").write_text(f"id: {name}\n", encoding="utf-8")
    with pytest.raises(InvalidVoicebank):
        put(zip_of(tmp_path / "x.oudep", vocoder, ""), home)
    assert names(home) == []


@pytest.mark.parametrize("encoding", ["shift_jis", "utf-8"])
def test_names_of_old_zips_keep_their_letters(home: Path, tmp_path: Path, encoding: str) -> None:
    bank = factory.plain(tmp_path / "made" / "bank")
    entries = {f"歌う正弦波ソ/{name}".encode(encoding): data for name, data in files_of(bank).items()}
    entries["歌う正弦波ソ/利用規約.txt".encode(encoding)] = "商用利用可".encode(encoding)
    with prepare_installation(raw_zip(tmp_path / "old.zip", entries), home) as installation:
        assert [text.text for text in installation.packages[0].licences] == ["商用利用可"]
        installation.put()
    assert get_voicebank("歌う正弦波ソ", [home]).licence == "利用規約.txt: 商用利用可"


def test_names_of_old_chinese_zips_keep_their_letters(home: Path, tmp_path: Path) -> None:
    bank = factory.plain(tmp_path / "made" / "bank")
    entries = {f"绮萱声库/{name}".encode("gbk"): data for name, data in files_of(bank).items()}
    [installed] = put(raw_zip(tmp_path / "old.zip", entries), home)
    assert installed.folder.name == "绮萱声库"


def test_a_bank_that_is_there_is_replaced_only_when_asked(bank: Path, home: Path) -> None:
    put(bank, home)
    (home / "Sine Voice" / "mine.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(InvalidRequest, match="installed already"):
        put(bank, home)
    assert (home / "Sine Voice" / "mine.txt").exists()
    [installed] = put(bank, home, replace=True)
    assert installed.replaced
    assert files_of(home / "Sine Voice") == files_of(bank)
    assert names(home) == ["Sine Voice"]


def test_a_bank_that_another_would_hide_is_refused(bank: Path, home: Path) -> None:
    with pytest.raises(InvalidRequest, match="is found first"):
        put(bank, home, others=(bank.parent,))
    factory.plain(bank.parent / "aviary")
    with pytest.raises(InvalidRequest, match="has the id aviary too"):
        put(bank.parent / "aviary", home)
    assert names(home) == []


def test_what_cannot_be_read_is_not_installed_and_takes_nothing_with_it(bank: Path, home: Path, tmp_path: Path) -> None:
    put(bank, home)
    (bank / "phonemes.json").write_text("{", encoding="utf-8")
    with pytest.raises(InvalidVoicebank, match=r"phonemes\.json"):
        put(bank, home, replace=True)
    assert get_voicebank("Sine Voice", [home]).acoustic.phonemes
    factory.plain(bank.parent / "sound")
    with pytest.raises(InvalidVoicebank, match=r"phonemes\.json"):
        put(zip_of(tmp_path / "two.zip", bank.parent), home, replace=True)
    assert names(home) == ["Sine Voice"]


def bank_entries(tmp_path: Path) -> dict[bytes, bytes]:
    bank = factory.plain(tmp_path / "made" / "bank")
    return {f"bank/{name}".encode(): data for name, data in files_of(bank).items()}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (b"../outside.txt", "leaves the archive"),
        (b"bank/../../outside.txt", "leaves the archive"),
        (b"/outside.txt", "absolute path"),
        (b"C:\\outside.txt", "names a drive"),
        (b"bank/NUL.emb", "device"),
        (b"bank/ACOUSTIC.onnx", "cannot both be there"),
        (b"bank/acoustic.onnx/x", "cannot both be there"),
    ],
)
def test_hostile_names_are_refused_before_anything_is_written(
    home: Path, tmp_path: Path, name: bytes, problem: str
) -> None:
    archive = raw_zip(tmp_path / "evil.zip", {**bank_entries(tmp_path), name: b"evil"})
    with pytest.raises(InvalidVoicebank, match=problem):
        put(archive, home)
    assert names(home) == []
    assert not (tmp_path / "outside.txt").exists()


def test_links_are_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidVoicebank, match=r"bank/acoustic\.onnx is a link"):
        put(link_zip(tmp_path / "evil.zip", "bank/acoustic.onnx", "/etc/passwd"), home)
    bank = factory.plain(tmp_path / "bank")
    (bank / "secret.txt").symlink_to("/etc/passwd")
    with pytest.raises(InvalidVoicebank, match=r"secret\.txt is a link"):
        put(bank, home)
    fifo = raw_zip(tmp_path / "fifo.zip", bank_entries(tmp_path), mode=stat.S_IFIFO | 0o644)
    with pytest.raises(InvalidVoicebank, match="no plain file"):
        put(fifo, home)
    assert names(home) == []


def test_a_zip_bomb_is_refused_by_its_ratio(home: Path, tmp_path: Path) -> None:
    entries = {**bank_entries(tmp_path), b"bank/bomb.wav": bytes(8 * 2**20)}
    with pytest.raises(InvalidVoicebank, match=r"bank/bomb\.wav unpacks \d+ times its size"):
        put(raw_zip(tmp_path / "bomb.zip", entries, compress=True), home)


def test_a_zip_bomb_is_refused_by_its_whole_size(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = factory.plain(tmp_path / "made" / "bank")
    inner = zip_of(tmp_path / "pack" / "inner.zip", bank)
    monkeypatch.setattr(trees.Allowance, "__init__", _allowing(inner.stat().st_size + 100))
    with pytest.raises(InvalidVoicebank, match=r"inner\.zip unpacks to more than 8 GB"):
        put(zip_of(tmp_path / "pack.zip", tmp_path / "pack"), home)
    assert names(home) == []


def _allowing(size: int):
    def create(self: trees.Allowance) -> None:
        self.bytes, self.files = size, 1000

    return create


def test_files_that_share_bytes_are_refused(home: Path, tmp_path: Path) -> None:
    path = raw_zip(tmp_path / "overlap.zip", {b"a/dsconfig.yaml": b"acoustic: a.onnx", b"a/b.onnx": b"1234"})
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InvalidVoicebank, match="overlaps another file"):
        put(path, home)


@pytest.mark.parametrize("where", [b"encoder_out", b"acoustic: acoustic.onnx", b"You may"])
def test_damage_inside_is_named(home: Path, tmp_path: Path, where: bytes) -> None:
    entries = bank_entries(tmp_path) | {b"LICENSE": b"You may sing."}
    path = raw_zip(tmp_path / "damaged.zip", entries)
    data = bytearray(path.read_bytes())
    data[data.index(where)] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InvalidVoicebank, match=r"damaged\.zip: .* is damaged"):
        put(path, home)
    assert names(home) == []


def test_a_compression_that_nobody_knows_is_named(home: Path, tmp_path: Path) -> None:
    path = raw_zip(tmp_path / "odd.zip", bank_entries(tmp_path))
    data = path.read_bytes()
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        pieces = data.split(mark)
        data = mark.join(
            [pieces[0], *(piece[: offset - 4] + b"\x63\x00" + piece[offset - 2 :] for piece in pieces[1:])]
        )
    path.write_bytes(data)
    with pytest.raises(InvalidVoicebank, match=r"odd\.zip: .* is damaged .*compression"):
        put(path, home)


def test_an_encrypted_zip_says_so(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidVoicebank, match="is encrypted"):
        put(raw_zip(tmp_path / "locked.zip", bank_entries(tmp_path), flags=1), home)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no zip archive"),
        (b"PK\x03\x04 cut off", "damaged zip"),
        (b"Rar!\x1a\x07\x00", "another kind than zip"),
        (b"7z\xbc\xaf\x27\x1c", "another kind than zip"),
        (b"\x1f\x8b\x08", "another kind than zip"),
    ],
)
def test_what_is_no_zip_says_what_to_do(home: Path, tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(FileProblem, match=problem) as refused:
        put(tmp_path / "x.zip", home)
    assert refused.value.hint


def test_a_missing_file_and_an_archive_without_a_bank_say_so(home: Path, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="there is no file"):
        put(tmp_path / "nowhere.zip", home)
    with pytest.raises(InvalidVoicebank, match=r"holds no DiffSinger voicebank or vocoder: no dsconfig\.yaml"):
        put(raw_zip(tmp_path / "a.zip", {b"readme.txt": b"hello"}), home)
    with pytest.raises(InvalidVoicebank, match="recorded samples"):
        put(raw_zip(tmp_path / "b.zip", {b"voice/oto.ini": b"a.wav=", b"voice/a.wav": b"RIFF"}), home)
    assert names(home) == []


def test_an_archive_of_archives_is_looked_into_two_deep(home: Path, tmp_path: Path) -> None:
    bank = factory.plain(tmp_path / "made" / "bank")
    for depth in range(3):
        folder = tmp_path / f"level{depth}"
        folder.mkdir()
        zip_of(folder / "inner.zip", bank if depth == 0 else tmp_path / f"level{depth - 1}")
    put(tmp_path / "level1" / "inner.zip", home)
    remove("bank", home)
    with zipfile.ZipFile(tmp_path / "level2" / "inner.zip") as archive:
        archive.extractall(tmp_path / "opened")
    with pytest.raises(InvalidVoicebank, match="holds no DiffSinger voicebank"):
        put(zip_of(tmp_path / "deep.zip", tmp_path / "level2"), home)


def test_a_full_disk_is_said_before_anything_is_unpacked(bank: Path, home: Path, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(StorageProblem, match=r"MB are needed in .*, 0 MB are free"):
        put(bank, home)
    assert names(home) == []


def test_remove_touches_the_users_folder_alone(bank: Path, home: Path) -> None:
    put(bank, home)
    outside = factory.plain(bank.parent / "plain")
    (home / "linked").symlink_to(outside, target_is_directory=True)
    (home / "door").symlink_to(bank.parent, target_is_directory=True)
    with pytest.raises(PathNotAllowed, match="aviary was not installed"):
        remove("aviary", home)
    with pytest.raises(PathNotAllowed, match="plain was not installed"):
        remove("plain", home, (bank.parent,))
    for name in ("../made/plain", ".", "..", "", "nothing"):
        with pytest.raises(UnknownVoicebank, match="Installed: .*Sine Voice"):
            remove(name, home)
    remove("linked", home)
    assert remove("Sine Voice", home) == home / "Sine Voice"
    assert (outside / "dsconfig.yaml").is_file()
    assert (bank / "dsconfig.yaml").is_file()
    assert names(home) == ["door"]


PIECES = [b"..", b"bank", b"/", b"/", b"\\", b"a", b"A", b"C:", b"nul", b"\x83\x5c", b"\xb0\xa1", b"\x01", b".", b" "]


HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map(b"".join)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    strays=st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map(b"".join), max_size=3, unique=True)
)
def test_whatever_the_names_nothing_leaves_the_users_folder(tmp_path: Path, strays: list[bytes]) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        around = Path(folder)
        home = around / "deep" / "home"
        entries = SMALL | {name: b"stray" for name in strays if name not in SMALL}
        archive = raw_zip(around / "x.zip", entries)
        installed = []
        with suppress(SingSynthError):
            installed = put(archive, home)
        assert names(home) == [each.folder.name for each in installed]
        assert names(around) == ["deep", "x.zip"]
        assert names(around / "deep") == ["home"]


SMALL = {
    b"bank/dsconfig.yaml": b"acoustic: a.onnx",
    b"bank/a.onnx": b"",
    b"bank/phonemes.txt": b"<PAD>\nSP\na\n",
}
