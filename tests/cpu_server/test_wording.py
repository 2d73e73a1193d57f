"""set_lyrics as a tool: words of any language on the notes of a melody without words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.score import ModifyScoreRequest, ParseScoreRequest
from singsynth_mcp.cpu_server.scores import modify_score, parse_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.settings import Settings


@pytest.fixture
def services(tmp_path: Path) -> CpuServices:
    store = FolderStore(tmp_path / "store", max_bytes=2**30, max_days=1)
    return CpuServices(Settings(output=tmp_path), store, readable=(), writable=(tmp_path,))


async def sung(services: CpuServices, text: str, melody: dict[str, Any] | None = None, **choices: Any) -> list[str]:
    """Set lyrics on a melody; return the notes' lyrics, and after them what is warned of."""
    notes = {"notes": [["C4", 1, ""]] * 20} if melody is None else melody
    bare = await parse_score(ParseScoreRequest(text=json.dumps(notes)), services)
    operation = {"operation": "set_lyrics", "text": text, **choices}
    request = ModifyScoreRequest.model_validate({"score": bare.id, "operations": [operation], "part": "P1"})
    changed = await modify_score(request, services)
    lyrics = " ".join(note.lyric for note in changed.notes or () if note.lyric).replace("- ", "-")
    return [lyrics, *(one.message for one in changed.warnings or () if one.code == "words_whole")]


@pytest.mark.parametrize(
    ("text", "choices", "expected"),
    [
        ("春が来た、山に来た", {}, "は-る-が-き-た-や-ま-に-き-た"),
        ("私は 東京の_人", {}, "わ-た-し-わ と-お-きょ-お-の-ひ-と"),
        ("春[h a r u] の 歌", {}, "春[h a r u] の う-た"),
        ("青空", {"language": "ja"}, "あ-お-ぞ-ら"),
        ("青空", {"language": "zh"}, "青-空"),
        ("sakura sakura yayoi no sora wa", {}, "sa-ku-ra sa-ku-ra ya-yo-i no so-ra wa"),
        ("Amazing grace how sweet the sound", {}, "A-ma-zing grace how sweet the sound"),
        ("Sweet dreams tonight", {}, "Sweet dreams to-night"),
        ("Ich liebe dich so wie du mich", {}, "Ich lie-be dich so wie du mich"),
        ("grace", {"language": "it"}, "gra-ce"),
        ("happy morning", {"language": "en"}, "hap-py morn-ing"),
    ],
)
async def test_words_are_parted_by_the_rules_of_their_language(
    services: CpuServices, text: str, choices: dict[str, str], expected: str
) -> None:
    assert await sung(services, text, auto_syllables=True, **choices) == [expected]


async def test_the_scores_own_language_goes_before_a_guess(services: CpuServices) -> None:
    melody = {"language": "it", "notes": [["C4", 1, "la"]] * 6}
    assert await sung(services, "grace", melody, auto_syllables=True, too_few="hold") == ["gra-ce"]


async def test_of_two_languages_that_of_the_line_counts(services: CpuServices) -> None:
    notes = [["C4", 1, ["la", "la"]]] * 8
    text = json.dumps({"parts": [{"name": "A", "notes": notes[:4]}, {"name": "B", "notes": notes}]})
    score = (await parse_score(ParseScoreRequest(text=text), services)).id
    lines = [
        {"operation": "set_lyrics", "part": part, "text": "la la la la", "language": language}
        for part, language in (("P1", "it"), ("P2", "en"))
    ]
    request = ModifyScoreRequest.model_validate({"score": score, "operations": lines})
    tagged = (await modify_score(request, services)).id
    parted = {"operation": "set_lyrics", "part": "P1", "text": "grace", "auto_syllables": True}
    request = ModifyScoreRequest.model_validate({"score": tagged, "operations": [parted], "part": "P1"})
    rows = (await modify_score(request, services)).notes or ()
    assert [row.lyric for row in rows][:2] == ["gra-", "ce"]


@pytest.mark.parametrize(
    ("text", "lyrics", "whole"),
    [
        ("Amazing grace", "Amazing grace", "Amazing"),
        ("A-ma-zing grace", "A-ma-zing grace", None),
        ("春が来た やまに 歌[u t a]", "春が来た や-ま-に 歌[u t a]", "春が来た"),
        ("はるがきた", "は-る-が-き-た", None),
    ],
)
async def test_words_that_stay_whole_are_told(services: CpuServices, text: str, lyrics: str, whole: str | None) -> None:
    found = await sung(services, text)
    assert found[0] == lyrics
    assert found[1:] == (
        []
        if whole is None
        else [f"Words of several syllables have one note each: {whole}. auto_syllables parts them, as do hyphens"]
    )
