from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from singsynth_mcp.artifacts.base import Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.common import Result
from singsynth_mcp.contracts.performance import AlignRequest, PerformanceResult, PhonemizeRequest
from singsynth_mcp.contracts.score import ParseScoreRequest
from singsynth_mcp.cpu_server.alignment import align_phonemes_to_notes
from singsynth_mcp.cpu_server.lyrics import phonemize
from singsynth_mcp.cpu_server.scores import parse_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import (
    InvalidLyrics,
    InvalidRequest,
    UnknownArtifact,
    UnknownName,
    UnknownVoicebank,
    VoicebankMismatch,
    WrongArtifactKind,
)
from singsynth_mcp.performance.blobs import phrase_from_bytes
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.score import blobs, played
from singsynth_mcp.settings import Settings
from tests.voicebank_texts import kana_bank

SCORES = Path(__file__).parents[1] / "scores"
JAPANESE = ("09-ja-usagi", "ja-yoru-no-mado", "ja-kasa-to-posuto", "ja-jitensha")


@pytest.fixture
def services(tmp_path: Path) -> CpuServices:
    kana_bank(tmp_path / "banks", use_key_shift_embed=True)
    settings = Settings(voicebanks=(tmp_path / "banks",), default_voicebank="kana")
    store = FolderStore(tmp_path / "store", max_bytes=2**30, max_days=1)
    return CpuServices(settings, store, readable=(SCORES, tmp_path), writable=(tmp_path,))


async def parsed(services: CpuServices, name: str) -> str:
    path = next(SCORES.glob(f"{name}.*"))
    result = await parse_score(ParseScoreRequest(path=str(path)), services)
    assert result.id
    return result.id


async def aligned(services: CpuServices, score: str, **arguments: object) -> PerformanceResult:
    phonemes = await phonemize(PhonemizeRequest(score=score), services)
    request = AlignRequest.model_validate({"score": score, "phonemes": phonemes.id} | arguments)
    return await align_phonemes_to_notes(request, services)


async def phrases_of(services: CpuServices, performance: str | None) -> tuple[Manifest, list[Phrase]]:
    manifest = await services.store.get(performance or "", "performance")
    return manifest, [phrase_from_bytes(await services.store.get_blob(entry.blob)) for entry in manifest.entries]


def size(result: Result) -> int:
    return len(result.model_dump_json(exclude_none=True).encode())


async def test_usagi_is_sung_mora_by_mora(services: CpuServices) -> None:
    score = await parsed(services, "09-ja-usagi")
    result = await phonemize(PhonemizeRequest(score=score), services)
    assert result.id is not None
    assert result.id.startswith("phonemes-")
    assert (result.voicebank, result.language) == ("kana", "ja")
    assert [row.text for row in result.words or []] == [*"うさぎうさぎなに", "みっ", *"てはねる"]
    assert (result.words or [])[8].phonemes == ["ja/m", "ja/i", "ja/cl"]
    assert {row.source for row in result.words or []} == {"dictionary"}
    assert result.warnings is None
    performance = await aligned(services, score)
    _, (phrase,) = await phrases_of(services, performance.id)
    symbols = [phoneme.symbol.removeprefix("ja/") for phoneme in phrase.phonemes]
    assert symbols == [*"usagiusaginanimi", "cl", *"tehaneru"]
    assert (performance.phrases, performance.stages, performance.seconds) == (1, [], 12.0)


@pytest.mark.parametrize("name", JAPANESE)
async def test_every_written_onset_of_a_real_song_is_an_anchor(services: CpuServices, name: str) -> None:
    score = await parsed(services, name)
    summary = await parse_score(ParseScoreRequest(score=score), services)
    performance = await aligned(services, score)
    manifest, phrases = await phrases_of(services, performance.id)
    assert manifest.header["voicebank"] == "kana"
    starts = [entry.start_seconds for entry in manifest.entries]
    assert starts == sorted(starts)
    sung = [note for phrase in phrases for note in phrase.notes]
    assert len(sung) == (summary.parts or [])[0].played_notes
    for phrase in phrases:
        anchors = {group.start_s for group in phrase.groups[1:]}
        assert all(note.start_s in anchors for note in phrase.notes if note.lyric != "+~")
    for (start, phrase), (next_start, following) in pairwise(zip(starts, phrases, strict=True)):
        assert start + phrase.end_s <= next_start
        assert following.head_s == 0.5


async def test_the_same_call_returns_the_same_id_and_equal_phrases_are_stored_once(services: CpuServices) -> None:
    score = await parsed(services, "ja-yoru-no-mado")
    first, again = await aligned(services, score), await aligned(services, score)
    assert first == again
    other = await aligned(services, score, seed=1)
    assert other.id != first.id
    one, _ = await phrases_of(services, first.id)
    two, _ = await phrases_of(services, other.id)
    assert one.entries == two.entries


async def test_a_pruned_artifact_is_made_again(services: CpuServices) -> None:
    score = await parsed(services, "09-ja-usagi")
    performance = await aligned(services, score)
    manifest, _ = await phrases_of(services, performance.id)
    store = services.store
    assert isinstance(store, FolderStore)
    blob = manifest.entries[0].blob
    (store.root / "blobs" / blob[:2] / blob).unlink()
    assert (await aligned(services, score)).id == performance.id
    assert await store.missing_blobs([blob]) == []


async def test_a_long_songs_words_come_in_pages_of_a_small_result(services: CpuServices) -> None:
    score = await parsed(services, "ja-jitensha")
    texts: list[str] = []
    page = "1-40"
    while page:
        result = await phonemize(PhonemizeRequest(score=score, range=page), services)
        assert size(result) < 4096
        texts += [row.text for row in result.words or []]
        assert result.total is not None
        page = result.next or ""
    assert len(texts) == result.total > 60


async def test_free_text_needs_no_score_and_cannot_be_aligned(services: CpuServices) -> None:
    result = await phonemize(PhonemizeRequest(text="私は うさぎ[u s a]"), services)
    assert [(row.text, " ".join(row.phonemes), row.source) for row in result.words or []] == [
        ("私", "ja/w ja/a ja/t ja/a ja/sh ja/i", "g2p"),
        ("は", "ja/w ja/a", "g2p"),
        ("うさぎ", "ja/u ja/s ja/a", "hint"),
    ]
    score = await parsed(services, "09-ja-usagi")
    with pytest.raises(InvalidRequest, match="free text") as caught:
        await align_phonemes_to_notes(AlignRequest(score=score, phonemes=result.id or ""), services)
    assert score in caught.value.hint


async def test_phonemes_of_another_score_are_refused(services: CpuServices) -> None:
    usagi, mado = await parsed(services, "09-ja-usagi"), await parsed(services, "ja-yoru-no-mado")
    phonemes = await phonemize(PhonemizeRequest(score=usagi), services)
    with pytest.raises(InvalidRequest) as caught:
        await align_phonemes_to_notes(AlignRequest(score=mado, phonemes=phonemes.id or ""), services)
    assert f"phonemize with score={mado}" in caught.value.hint


async def test_a_voicebank_that_changed_is_refused(services: CpuServices, tmp_path: Path) -> None:
    score = await parsed(services, "09-ja-usagi")
    phonemes = await phonemize(PhonemizeRequest(score=score), services)
    (tmp_path / "banks" / "kana" / "readme.txt").write_text("A new version.", encoding="utf-8")
    with pytest.raises(VoicebankMismatch, match="kana"):
        await align_phonemes_to_notes(AlignRequest(score=score, phonemes=phonemes.id or ""), services)


async def test_names_that_are_not_there_are_errors_that_list_those_that_are(services: CpuServices) -> None:
    score = await parsed(services, "09-ja-usagi")
    for arguments, there in (
        ({"score": score, "language": "tlh"}, "ja"),
        ({"score": score, "voicebank": "nobody"}, "kana"),
        ({"score": score, "part": "Tuba"}, "P1"),
        ({"score": score, "verse": 7}, "1"),
    ):
        with pytest.raises(UnknownName) as caught:
            await phonemize(PhonemizeRequest.model_validate(arguments), services)
        assert there in caught.value.hint
    for choice, there in (({"speaker": "nobody"}, "linnet"), ({"controls": {"growl": 1}}, "gender")):
        with pytest.raises(UnknownName) as caught:
            await aligned(services, score, **choice)
        assert there in caught.value.hint
    with pytest.raises(UnknownVoicebank):
        await phonemize(PhonemizeRequest(text="さ", voicebank="../kana"), services)


@pytest.mark.parametrize("arguments", [{}, {"score": "score-000000000000", "text": "さ"}])
async def test_phonemize_takes_a_score_or_a_text(services: CpuServices, arguments: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        await phonemize(PhonemizeRequest.model_validate(arguments), services)


async def test_ids_that_are_not_there_or_of_another_kind(services: CpuServices) -> None:
    score = await parsed(services, "09-ja-usagi")
    with pytest.raises(UnknownArtifact):
        await phonemize(PhonemizeRequest(score="score-000000000000"), services)
    with pytest.raises(WrongArtifactKind, match="phonemize"):
        await align_phonemes_to_notes(AlignRequest(score=score, phonemes=score), services)


async def test_a_german_song_is_sung_with_the_nearest_kana_phonemes(services: CpuServices) -> None:
    score = await parsed(services, "07-de-9tempi-grace-schumann-ich-kanns-nicht-fassen")
    result = await phonemize(PhonemizeRequest(score=score), services)
    assert size(result) < 4096
    assert (result.language, result.voicebank) == ("de", "kana")
    (warning,) = [warning for warning in result.warnings or [] if warning.code == "language_not_supported"]
    assert "'de'" in warning.message
    assert "→ ja/" in warning.message
    assert warning.measure
    (ich, *_) = result.words or []
    assert (ich.text, ich.phonemes, ich.source) == ("Ich", ["ja/i", "ja/hy"], "g2p")
    assert [row.split(" (")[0] for row in ich.substituted or []] == ["ɪ → ja/i"]
    assert all(row.phonemes for row in result.words or [])


async def test_what_nobody_can_read_is_an_error_that_says_what_to_do(services: CpuServices) -> None:
    with pytest.raises(InvalidLyrics) as caught:
        await phonemize(PhonemizeRequest(text="### %%%"), services)
    assert "list_voicebanks" in caught.value.hint


async def test_notes_out_of_range_are_warnings_with_their_place(services: CpuServices) -> None:
    score = await parsed(services, "09-ja-usagi")
    assert (await aligned(services, score)).warnings is None
    low = await aligned(services, score, transpose=-36)
    assert low.warnings is not None
    assert {warning.code for warning in low.warnings} <= {"out_of_range", "more_warnings"}
    assert (low.warnings[0].measure, low.warnings[0].beat) == ("1", 1.0)
    assert "E1" in low.warnings[0].message
    assert size(low) < 4096
    _, (phrase,) = await phrases_of(services, low.id)
    assert phrase.notes[0].midi == 28.0


async def test_speakers_and_controls_are_kept_as_curves_in_seconds(services: CpuServices) -> None:
    score = await parsed(services, "09-ja-usagi")
    result = await aligned(
        services,
        score,
        speaker={"linnet": [[0, 1], [8, 0]], "wren": [[0, 0], [8, 1]]},
        controls={"gender": [[4, 0], [12, 0.5]], "velocity": 1.25},
    )
    assert [warning.code for warning in result.warnings or []] == ["control_not_supported"]
    assert "velocity" in (result.warnings or [])[0].message
    _, (phrase,) = await phrases_of(services, result.id)
    assert phrase.controls["velocity"] == 1.25
    # 80 quarters a minute: quarter 4 lies at 3 s.
    assert phrase.controls["gender"] == ((-0.5, 0.0), (3.0, 0.0), (9.0, 0.5), (12.0, 0.5))
    assert phrase.speaker["wren"] == ((-0.5, 0.0), (0.0, 0.0), (6.0, 1.0), (12.0, 1.0))
    assert (await phrases_of(services, (await aligned(services, score)).id))[1][0].speaker == {"linnet": 1.0}


@pytest.mark.parametrize(
    ("ranges", "singers"),
    [
        (
            "linnet: [A3, E5], wren: [A2, E4]",
            {0: "linnet", -12: "wren", -36: "wren"},
        ),  # of those out of range, the nearest
        ("linnet: [D4, A4], wren: [C4, A5]", {0: "linnet"}),  # one of thirteen notes lies above A4
        ("linnet: [D4, F4], wren: [C4, A5]", {0: "wren"}),
    ],
)
async def test_a_part_without_a_singer_gets_the_one_whose_range_it_is(
    services: CpuServices, tmp_path: Path, ranges: str, singers: dict[float, str]
) -> None:
    character = tmp_path / "banks" / "kana" / "character.yaml"
    character.write_text(character.read_text(encoding="utf-8") + f"ranges: {{{ranges}}}\n", encoding="utf-8")
    score = await parsed(services, "09-ja-usagi")
    for transpose, singer in singers.items():
        sung = await aligned(services, score, transpose=transpose)
        assert (await phrases_of(services, sung.id))[1][0].speaker == {singer: 1.0}


@pytest.mark.parametrize(
    "choice",
    [
        {"controls": {"gender": 3}},
        {"controls": {"gender": [[4, 0], [2, 1]]}},
        {"speaker": {}},
        {"speaker": {"linnet": 0}},
        {"speaker": {"linnet": -1}},
    ],
)
async def test_curves_that_make_no_sense_are_errors(services: CpuServices, choice: dict[str, object]) -> None:
    score = await parsed(services, "09-ja-usagi")
    with pytest.raises(InvalidRequest):
        await aligned(services, score, **choice)


async def test_the_header_says_what_a_performance_is(services: CpuServices) -> None:
    score = await parsed(services, "ja-kasa-to-posuto")
    manifest, _ = await phrases_of(services, (await aligned(services, score, seed=7)).id)
    header = json.loads(manifest.to_json())["header"]
    assert (header["score"], header["part"], header["seed"]) == (score, "P1", 7)
    assert len(header["voicebank_digest"]) == 64


async def test_a_song_is_read_and_played_once_for_all_its_tools(
    services: CpuServices, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []
    for module, name in ((blobs, "score_from_bytes"), (played, "played_part")):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, real=real, name=name: (asked.append(name), real(*given))[1])
    text = next(SCORES.glob("09-ja-usagi.*")).read_text(encoding="utf-8")
    (tmp_path / "usagi.musicxml").write_text(text.replace("<octave>4<", "<octave>5<", 1), encoding="utf-8")
    score = await parse_score(ParseScoreRequest(path=str(tmp_path / "usagi.musicxml")), services)
    await aligned(services, score.id or "")
    await aligned(services, score.id or "", transpose=2)
    assert asked == ["played_part"], "and never read from its bytes"


async def test_scores_that_have_left_the_memory_are_read_again(services: CpuServices) -> None:
    ids = [await parsed(services, name) for name in (*JAPANESE, "01-*", "02-*")]
    first, again = [await aligned(services, ids[0]) for _ in range(2)]
    assert first == again
