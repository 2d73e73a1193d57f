"""A user's own pronunciations: of a call, and of a voicebank's files in the user's folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.performance import PhonemizeRequest, PhonemizeResult
from singsynth_mcp.contracts.score import ParseScoreRequest
from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.cpu_server.lyrics import phonemize
from singsynth_mcp.cpu_server.scores import parse_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import InvalidLyrics, InvalidVoicebank
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.settings import Settings
from tests.voicebanks.test_aviary import FOLDER

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")


@pytest.fixture
def services(tmp_path: Path) -> CpuServices:
    settings = Settings(dictionaries=tmp_path / "dictionaries", artifacts=tmp_path / "artifacts")
    store = FolderStore(settings.artifacts, max_bytes=2**30, max_days=1)
    return CpuServices(settings, store, readable=(tmp_path,), writable=(tmp_path,))


def read(result: PhonemizeResult) -> list[tuple[str, str, str]]:
    return [(row.text, " ".join(row.phonemes), row.source) for row in result.words or []]


async def said(services: CpuServices, text: str, language: str = "en", **own: str) -> list[tuple[str, str, str]]:
    request = PhonemizeRequest(text=text, language=language, pronunciations=own)
    return read(await phonemize(request, services))


def write(services: CpuServices, name: str, text: str) -> Path:
    path = services.settings.dictionaries / "aviary" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


async def test_a_call_says_how_a_word_is_read(services: CpuServices) -> None:
    assert (await said(services, "read it"))[0] == ("read", "en/r en/eh en/d", "cmudict")
    assert await said(services, 'I "Read," it', read="r iy d") == [
        ("I", "en/ay", "cmudict"),
        ('"Read,"', "en/r en/iy en/d", "user"),
        ("it", "en/ih en/t", "cmudict"),
    ]
    # A hint counts more still, and the next call does not remember.
    assert (await said(services, "read[r ay d]", read="r iy d"))[0][1:] == ("en/r en/ay en/d", "hint")
    assert (await said(services, "read it"))[0][2] == "cmudict"


async def test_files_of_a_voicebank_count_in_their_language(services: CpuServices) -> None:
    entry = "entries:\n- grapheme: Nguyen\n  phonemes: [hh, w, ih, n]\n"
    write(services, "dsdict-en.yaml", entry)
    assert await said(services, "Nguyen sings") == [
        ("Nguyen", "en/hh en/w en/ih en/n", "user"),
        ("sings", "en/s en/ih en/ng en/z", "cmudict"),
    ]
    assert (await said(services, "nguyen", nguyen="n uw ih n"))[0][1:] == ("en/n en/uw en/ih en/n", "user")
    write(services, "dsdict-en.yaml", entry.replace("ih", "iy"))
    assert (await said(services, "Nguyen"))[0][1] == "en/hh en/w en/iy en/n"
    write(services, "dsdict.yaml", "entries:\n- grapheme: 私\n  phonemes: [a, t, a, sh, i]\n")
    assert (await said(services, "私", "ja"))[0][1:] == ("ja/a ja/t ja/a ja/sh ja/i", "user")


async def test_what_the_voice_lacks_is_named_with_its_place(services: CpuServices) -> None:
    with pytest.raises(
        InvalidLyrics, match=r"read\[r zz d\] \(from pronunciations\): voicebank aviary has no phoneme zz"
    ):
        await said(services, "read", read="r zz d")
    path = write(services, "dsdict-en.yaml", "entries:\n- grapheme: bad\n  phonemes: [b, zz]\n")
    with pytest.raises(InvalidLyrics, match="zz") as caught:
        await said(services, "bad")
    assert str(path) in caught.value.message
    write(services, "dsdict-en.yaml", "entries: [")
    with pytest.raises(InvalidVoicebank):
        await said(services, "bad")


async def test_a_word_over_several_notes_is_parted_among_them(services: CpuServices) -> None:
    songs = {
        "en": [["C4", 1, "Ngu-"], ["D4", 1, "yen"], ["C4", 2, "sings"]],
        "ja": [["C4", 1, "きょう"], ["C4", 1, "は"]],
    }
    own = {"Nguyen": "n uw ih n", "きょう": "ky o"}
    found = {}
    for language, notes in songs.items():
        text = json.dumps({"title": "x", "language": language, "notes": notes})
        score = await parse_score(ParseScoreRequest(text=text), services)
        found[language] = read(await phonemize(PhonemizeRequest(score=score.id, pronunciations=own), services))
    assert found["en"] == [("Nguyen", "en/n en/uw en/ih en/n", "user"), ("sings", "en/s en/ih en/ng en/z", "cmudict")]
    assert found["ja"][0] == ("きょう", "ja/ky ja/o", "user")
    assert found["ja"][1][2] == "dictionary"


async def test_sing_passes_them_on(services: CpuServices) -> None:
    song = json.dumps({"title": "x", "language": "en", "notes": [["A4", 1, "read"]]})
    caller = LocalCaller(services.settings)
    request = {"text": song, "pronunciations": {"read": "r iy d"}, "output": "x.wav"}
    settings = services.settings.model_copy(update={"output": services.settings.artifacts.parent / "out"})
    caller = LocalCaller(settings)
    result = await sing(SingRequest.model_validate(request), caller)
    arguments = {"performance": (result.performances or [""])[0], "notes": True, "picture": False}
    (row,) = (await caller.call("inspect_performance", arguments))["notes"]
    assert [sung.split()[0] for sung in row["phonemes"].split(", ")] == ["en/r", "en/iy", "en/d"]
