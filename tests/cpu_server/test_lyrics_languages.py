"""English, German and French songs through phonemize and align, as a model calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.performance import AlignRequest, PhonemizeRequest, PhonemizeResult, WordRow
from singsynth_mcp.contracts.score import ParseScoreRequest
from singsynth_mcp.cpu_server import lyrics
from singsynth_mcp.cpu_server.alignment import align_phonemes_to_notes
from singsynth_mcp.cpu_server.lyrics import phonemize
from singsynth_mcp.cpu_server.scores import parse_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.lyrics import g2p
from singsynth_mcp.lyrics.espeak import Espeak
from singsynth_mcp.performance.blobs import phrase_from_bytes
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.settings import Settings
from tests.voicebank_texts import bilingual_bank, english_bank

SCORES = Path(__file__).parents[1] / "scores"


@pytest.fixture
def services(tmp_path: Path) -> CpuServices:
    bilingual_bank(tmp_path / "banks")
    english_bank(tmp_path / "banks")
    settings = Settings(voicebanks=(tmp_path / "banks",), default_voicebank="bilingual")
    store = FolderStore(tmp_path / "store", max_bytes=2**30, max_days=1)
    return CpuServices(settings, store, readable=(SCORES, tmp_path), writable=(tmp_path,))


async def parsed(services: CpuServices, name: str) -> str:
    result = await parse_score(ParseScoreRequest(path=str(next(SCORES.glob(f"{name}*")))), services)
    assert result.id
    return result.id


async def all_words(services: CpuServices, score: str, **arguments: object) -> tuple[PhonemizeResult, list[WordRow]]:
    rows: list[WordRow] = []
    page = "1-40"
    while True:
        request = PhonemizeRequest.model_validate({"score": score, "range": page} | arguments)
        result = await phonemize(request, services)
        assert len(result.model_dump_json(exclude_none=True).encode()) < 4096
        rows += result.words or []
        if result.next is None:
            return result, rows
        page = result.next


async def phrases_of(services: CpuServices, score: str, phonemes: str | None) -> list[Phrase]:
    aligned = await align_phonemes_to_notes(AlignRequest(score=score, phonemes=phonemes or ""), services)
    manifest = await services.store.get(aligned.id or "", "performance")
    return [phrase_from_bytes(await services.store.get_blob(entry.blob)) for entry in manifest.entries]


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("02-en", {"nothing": "n ah th ih ng", "mem’ry": "m eh m r iy", "winter’s": "w ih n t er z"}),
        ("05-en", {"yellowhammer": "y eh l ow hh ae m er", "kiss’d": "k ih s t", "wearied": "w ih r iy d"}),
    ],
)
async def test_an_english_song_is_sung_in_english_without_being_told(
    services: CpuServices, name: str, texts: dict[str, str]
) -> None:
    score = await parsed(services, name)
    result, rows = await all_words(services, score)
    assert result.language == "en"
    assert {row.source for row in rows} <= {"cmudict", "rules"}
    assert not any(row.substituted for row in rows)
    read = {row.text: " ".join(symbol.removeprefix("en/") for symbol in row.phonemes) for row in rows}
    assert {text: read[text] for text in texts} == texts
    assert not [warning for warning in result.warnings or [] if "substituted" in warning.code]


@pytest.mark.parametrize("name", ["02-en", "05-en", "04-de", "06-fr", "07-de", "10-zh"])
async def test_every_note_of_a_song_has_a_vowel_on_its_onset_and_nothing_is_lost(
    services: CpuServices, name: str
) -> None:
    score = await parsed(services, name)
    result, rows = await all_words(services, score)
    phrases = await phrases_of(services, score, result.id)
    read = [symbol for row in rows for symbol in row.phonemes]
    sung = [
        phoneme.symbol for phrase in phrases for phoneme in phrase.phonemes if phoneme.role in ("vowel", "consonant")
    ]
    assert sung == read
    for phrase in phrases:
        # All but the glide of consonant-glide-vowel: a vowel opens the group that starts on a written onset.
        starts = {note.start_s: note.lyric for note in phrase.notes}
        for group in phrase.groups[1:]:
            opens = phrase.phonemes[group.first]
            if opens.role not in ("rest", "breath"):
                assert group.start_s in starts
                following = phrase.phonemes[group.first + 1 : group.first + 2]
                assert opens.role == "vowel" or following[0].role == "vowel"


async def test_a_german_song_says_what_is_sung_for_its_sounds(services: CpuServices) -> None:
    score = await parsed(services, "04-de")
    result, rows = await all_words(services, score)
    assert result.language == "de"
    assert {row.source for row in rows} == {"g2p"}
    (warning,) = [one for one in result.warnings or [] if one.code == "language_not_supported"]
    assert "bilingual does not sing 'de'" in warning.message
    assert "x → ja/h (0.15)" in warning.message
    night = next(row for row in rows if row.text.startswith("Nacht"))
    assert night.substituted == ["x → ja/h (0.15)"]


async def test_the_rows_offer_other_pronunciations_as_hints_that_are_understood(services: CpuServices) -> None:
    result = await phonemize(PhonemizeRequest(text="I read the wind", language="en"), services)
    read = (result.words or [])[1]
    assert (read.text, read.phonemes, read.others) == ("read", ["en/r", "en/eh", "en/d"], ["r iy d"])
    again = await phonemize(PhonemizeRequest(text=f"read[{(read.others or [''])[0]}]", language="en"), services)
    assert [(row.phonemes, row.source) for row in again.words or []] == [(["en/r", "en/iy", "en/d"], "hint")]


async def test_a_bank_of_other_names_reads_the_same_words(services: CpuServices) -> None:
    score = await parsed(services, "05-en")
    _, ours = await all_words(services, score, voicebank="bilingual")
    _, theirs = await all_words(services, score, voicebank="english")
    assert [row.phonemes for row in theirs] == [
        [f"x_{symbol.removeprefix('en/').upper()}" for symbol in row.phonemes] for row in ours
    ]


async def test_what_an_installation_lacks_is_not_remembered(
    services: CpuServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = PhonemizeRequest(text="love xylographia", language="en")
    with monkeypatch.context() as patch:
        patch.setattr(g2p, "espeak", lambda: Espeak(("/nowhere/python",)))
        result = await phonemize(request, services)
    assert [warning.code for warning in result.warnings or []] == ["g2p_missing", "unread_word"]
    assert [row.source for row in result.words or []] == ["cmudict", "unread"]
    result = await phonemize(request, services)
    assert [row.source for row in result.words or []] == ["cmudict", "g2p"]
    assert lyrics.PHONEMIZE_VERSION > 1


async def test_a_language_may_be_tagged_with_its_country(services: CpuServices) -> None:
    result = await phonemize(PhonemizeRequest(text="love", language="en-GB"), services)
    assert result.language == "en"
    result = await phonemize(PhonemizeRequest(text="Nacht", language="de_AT"), services)
    assert result.language == "de"
