from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.voicebanks.entry_names import check_distinct, checked_parts, guess_encoding, same_file

JAPANESE = [
    "利用規約.txt",
    "歌う正弦波",
    "ソプラノ",
    "テスト/立ち絵.png",
    "はじめにお読みください.txt",
    "囁き",
    "能力表",
]
CHINESE = ["使用规约.txt", "绮萱", "默认", "声库", "参考音源", "洛天依", "泠鸢", "立绘.png", "请先阅读", "轻柔"]
PIECES = ["..", ".", "a", "C:", "con", "é", "b ", "x.", "nul.txt", "あ", "\x7f", "~", "com¹", "/", "/", "\\", "//"]
WESTERN = ["é.txt", "für.emb", "Señor", "Türkçe sözlük", "naïve", "Ångström"]


@pytest.mark.parametrize("name", JAPANESE)
def test_shift_jis_is_recognised_by_a_single_name(name: str) -> None:
    assert guess_encoding([name.encode("cp932")]) == "cp932"


@pytest.mark.parametrize("name", CHINESE)
def test_gbk_is_recognised_by_a_single_name(name: str) -> None:
    assert guess_encoding([name.encode("gbk")]) == "gb18030"


@pytest.mark.parametrize("name", WESTERN)
def test_accents_of_code_page_437_stay(name: str) -> None:
    assert guess_encoding([name.encode("cp437")]) == "cp437"


@pytest.mark.parametrize("name", [*JAPANESE, *CHINESE, *WESTERN])
def test_utf_8_without_its_flag_is_recognised(name: str) -> None:
    assert guess_encoding([name.encode()]) == "utf-8"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../evil.onnx", "leaves"),
        ("bank/../../evil", "leaves"),
        ("bank\\..\\..\\evil", "leaves"),
        ("bank/.. /evil", "leaves"),
        ("bank/.../evil", "leaves"),
        ("/etc/passwd", "absolute"),
        ("\\\\server\\share\\x", "absolute"),
        ("C:\\windows\\x", "absolute"),
        ("C:x", "absolute"),
        ("bank/model.onnx:stream", "absolute"),
        ("bank/CON", "device"),
        ("bank/nul.emb", "device"),
        ("aux.d/model.onnx", "device"),
        ("COM1 .txt", "device"),
        ("bank/a\x00b", "control"),
        ("bank/a\nb", "control"),
        ("", "no name"),
        ("./", "no name"),
        ("/".join("a" * 13), "deeper"),
        ("a" * 300, "too long"),
    ],
)
def test_names_that_do_harm_are_refused(name: str, problem: str) -> None:
    with pytest.raises(InvalidVoicebank, match=problem) as refused:
        checked_parts(name, "pack.zip")
    assert refused.value.message.startswith("pack.zip: ")


@pytest.mark.parametrize(
    "name", ["bank/console.txt", "x/nullified.emb", "a..b/c", ".hidden/x", "bank/v1.0/choir.v2.emb"]
)
def test_names_that_only_look_so_are_taken(name: str) -> None:
    assert "/".join(checked_parts(name, "pack.zip")) == name


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_what_is_taken_stays_inside_on_every_system(name: str) -> None:
    try:
        parts = checked_parts(name, "pack.zip")
    except InvalidVoicebank:
        return
    assert parts
    for system in (PurePosixPath, PureWindowsPath):
        path = system("/home/voicebanks").joinpath(*parts)
        assert path.is_relative_to("/home/voicebanks")
        assert ".." not in path.parts
        assert len(path.parts) == len(system("/home/voicebanks").parts) + len(parts)
    assert not any(PureWindowsPath(part).is_reserved() for part in parts)


@given(st.lists(st.lists(st.sampled_from(["a", "A", "é", "e\u0301", "b.", "b"]), min_size=1, max_size=3).map(tuple)))
def test_names_that_are_one_file_somewhere_are_refused(files: list[tuple[str, ...]]) -> None:
    keys = [same_file(parts) for parts in files]
    folders = {key[:end] for key in keys for end in range(1, len(key))}
    clash = len(set(keys)) < len(keys) or bool(folders & set(keys))
    if clash:
        with pytest.raises(InvalidVoicebank, match="cannot both be there"):
            check_distinct(files, "pack.zip")
    else:
        check_distinct(files, "pack.zip")
