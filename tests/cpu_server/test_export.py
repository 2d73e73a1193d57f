"""export and render_score as tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from singsynth_mcp.artifacts.base import Entry, Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.audio import InspectRequest
from singsynth_mcp.contracts.export import ExportRequest, ExportResult, RenderScoreRequest
from singsynth_mcp.contracts.performance import AlignRequest, PhonemizeRequest
from singsynth_mcp.contracts.score import ParseScoreRequest
from singsynth_mcp.cpu_server.alignment import align_phonemes_to_notes
from singsynth_mcp.cpu_server.engraving import render_score
from singsynth_mcp.cpu_server.exporting import export
from singsynth_mcp.cpu_server.inspection import inspect_performance
from singsynth_mcp.cpu_server.lyrics import phonemize
from singsynth_mcp.cpu_server.scores import parse_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import InvalidRequest, PathNotAllowed, StageMissing, UnknownName
from singsynth_mcp.performance.blobs import phrase_to_bytes
from singsynth_mcp.performance.model import Group, Phoneme, Phrase, PhraseNote
from singsynth_mcp.settings import Settings

SCORES = Path(__file__).parent.parent / "scores"


@pytest.fixture
def services(tmp_path: Path) -> CpuServices:
    store = FolderStore(tmp_path / "store", max_bytes=2**30, max_days=1)
    return CpuServices(Settings(output=tmp_path), store, readable=(SCORES,), writable=(tmp_path,))


async def usagi(services: CpuServices) -> str:
    parsed = await parse_score(ParseScoreRequest(path=str(SCORES / "09-ja-usagi.musicxml")), services)
    return parsed.id or ""


async def exported(services: CpuServices, **arguments: Any) -> tuple[ExportResult, str]:
    result = await export(ExportRequest(**arguments), services)
    data = Path(result.path or "").read_bytes()
    assert len(data) == result.bytes
    return result, data.decode("utf-8", "replace")


async def test_a_score_in_every_format(services: CpuServices) -> None:
    score = await usagi(services)
    starts = {
        "musicxml": "<?xml", "midi": "MThd", "ustx": "name:", "lrc": "[ti:うさぎ (Usagi)]", "srt": "1\n00:00:00,000",
        "textgrid": 'File type = "ooTextFile"',
    }  # fmt: skip
    for format, start in starts.items():
        result, text = await exported(services, score=score, format=format)
        assert text.startswith(start)
        assert (result.format, result.id) == (format, score)
    named, _ = await exported(services, score=score, output="song.mid")
    assert (named.format, Path(named.path or "").name) == ("midi", "song.mid")


async def test_lyrics_in_time(services: CpuServices) -> None:
    _, text = await exported(services, score=await usagi(services), format="lrc", offset_seconds=1)
    assert text.splitlines()[2].startswith("[00:01.00]うさぎうさぎ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "exactly one"),
        ({"format": "lab", "score": "x"}, "align_phonemes_to_notes"),
        ({"output": "a.docx", "score": "x"}, "no format"),
        ({"output": "a.mid", "format": "musicxml", "score": "x"}, "ends in"),
    ],
)
async def test_what_cannot_be_exported(services: CpuServices, arguments: dict[str, Any], told: str) -> None:
    if "score" in arguments:
        arguments["score"] = await usagi(services)
    with pytest.raises(InvalidRequest) as caught:
        await export(ExportRequest(**arguments), services)
    assert told in str(caught.value)
    assert not list(services.settings.output.glob("*.*"))


async def test_a_path_outside(services: CpuServices) -> None:
    with pytest.raises(PathNotAllowed):
        await export(ExportRequest(score=await usagi(services), output="/etc/song.mid"), services)


def phrase(durations: bool) -> Phrase:
    import numpy as np

    return Phrase(
        notes=(PhraseNote("n1", 1, 0.0, 0.5, 60, "か"), PhraseNote("n2", 1, 0.5, 0.5, 62, "+~")),
        phonemes=(Phoneme("k", "ja", "consonant", 0, 0), Phoneme("a", "ja", "vowel", 0, 1)),
        groups=(Group(0, 0.0, 60), Group(1, 0.0, 60)),
        end_s=1.0,
        boundaries_s=np.array([-0.1, 0.0, 1.0]) if durations else None,
    )


async def performance(services: CpuServices, *, durations: bool) -> str:
    blob = await services.store.put_blob(phrase_to_bytes(phrase(durations)))
    header = {"title": "Ka", "voicebank": "aviary", "score": await usagi(services)}
    return await services.store.put(Manifest("performance", header, (Entry(2.0, blob),)))


async def test_a_performance_as_labels_and_ds(services: CpuServices) -> None:
    import json

    made = await performance(services, durations=True)
    _, labels = await exported(services, performance=made, format="lab")
    assert labels.splitlines() == ["0 19000000 SP", "19000000 20000000 k", "20000000 30000000 a"]
    _, text = await exported(services, performance=made)
    (segment,) = json.loads(text)
    assert segment["ph_seq"] == "SP k a SP"
    assert segment["ph_num"] == "2 1 1"
    assert (segment["note_seq"], segment["note_slur"]) == ("rest C4 D4 rest", "0 0 1 0")
    lengths = [sum(map(float, segment[name].split())) for name in ("ph_dur", "note_dur")]
    assert lengths[0] == pytest.approx(lengths[1], abs=1e-5)
    _, grid = await exported(services, performance=made, format="textgrid")
    assert '"phonemes"' in grid
    assert 'text = "か"' in grid


async def test_the_words_of_a_performance_are_whole(services: CpuServices) -> None:
    text = (
        '{"title": "T", "notes": [["C4", 1, "Twin-"], ["C4", 1, "kle"], ["D4", 1, "mov-"], ["E4", 1, "ed"], '
        '["E4", 1, "_"], ["G4", 1, "on"]]}'
    )
    score = (await parse_score(ParseScoreRequest(text=text), services)).id or ""
    phonemes = (await phonemize(PhonemizeRequest(score=score), services)).id or ""
    aligned = (await align_phonemes_to_notes(AlignRequest(score=score, phonemes=phonemes), services)).id or ""
    _, lines = await exported(services, performance=aligned, format="srt")
    assert "Twinkle moved on" in lines.splitlines()
    asked = InspectRequest(performance=aligned, picture=False, notes=True)
    inspected = await inspect_performance(asked, services)
    assert [phrase.lyrics for phrase in inspected.phrases or ()] == ["Twinkle moved on"]
    assert [row.lyric for row in inspected.notes or ()] == ["Twin-", "kle", "moved", "+~", "+~", "on"]


async def test_labels_need_durations(services: CpuServices) -> None:
    with pytest.raises(StageMissing, match="predict_durations"):
        await export(ExportRequest(performance=await performance(services, durations=False), format="lab"), services)


async def test_a_score_drawn(services: CpuServices) -> None:
    score = await usagi(services)
    drawn = await render_score(RenderScoreRequest(score=score, measures="2-3"), services)
    assert Path(drawn.picture or "").read_bytes().startswith(b"\x89PNG")
    assert (drawn.measures, drawn.next) == ("2-3", "4-4")
    svg = await render_score(RenderScoreRequest(score=score, output="page.svg"), services)
    text = Path(svg.path or "").read_text(encoding="utf-8")
    assert all(syllable in text for syllable in ("う", "みっ", "る"))
    with pytest.raises(UnknownName, match="Measures: 1 to 4"):
        await render_score(RenderScoreRequest(score=score, measures="7"), services)
