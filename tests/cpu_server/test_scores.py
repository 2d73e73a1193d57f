"""parse_score and modify_score as tools."""

from __future__ import annotations

import base64
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from singsynth_mcp.artifacts.base import Entry, Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.contracts.score import ModifyScoreRequest, ParseScoreRequest, ScoreResult
from singsynth_mcp.cpu_server.scores import load_score, modify_score, parse_score, within_deadline
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import (
    DeadlineExceeded,
    FileProblem,
    InvalidRequest,
    PathNotAllowed,
    SingSynthError,
    UnknownArtifact,
    UnknownName,
    UnsupportedFormat,
    WrongArtifactKind,
)
from singsynth_mcp.settings import Settings
from tests.score.musicxml_text import document, note, part

SCORES = Path(__file__).parent.parent / "scores"
USAGI = SCORES / "09-ja-usagi.musicxml"
SATB = SCORES / "01-de-satb-brahms-magdalena.mxl"


@pytest.fixture
def services(tmp_path: Path) -> CpuServices:
    store = FolderStore(tmp_path / "store", max_bytes=2**30, max_days=1)
    songs = tmp_path / "songs"
    songs.mkdir()
    return CpuServices(Settings(output=tmp_path), store, readable=(SCORES, songs), writable=(tmp_path,))


async def parse(services: CpuServices, **arguments: Any) -> ScoreResult:
    return await parse_score(ParseScoreRequest(**arguments), services)


async def modify(services: CpuServices, score: str | None, *operations: dict[str, Any], **more: Any) -> ScoreResult:
    return await modify_score(ModifyScoreRequest(score=score or "", operations=list(operations), **more), services)


def structured(result: ScoreResult) -> dict[str, Any]:
    return result.model_dump(mode="json", exclude_none=True)


async def test_a_score_in_words_and_numbers(services: CpuServices) -> None:
    result = structured(await parse(services, path=str(USAGI)))
    assert result.pop("id").startswith("score-")
    assert result == {
        "state": "done",
        "title": "うさぎ (Usagi)",
        "duration_seconds": 12.0,
        "duration_quarters": 16.0,
        "tempo": 80.0,
        "measures": 4,
        "parts": [
            {
                "id": "P1",
                "name": "Voice",
                "lines": 1,
                "sung_notes": 13,
                "played_notes": 13,
                "verses": [1],
                "lowest": "E4",
                "highest": "B4",
                "first_lyrics": "う さ ぎ う さ ぎ な に みっ て は ね る",
            }
        ],
        "total": 1,
    }


async def test_every_form_gives_the_same_id(services: CpuServices) -> None:
    data = USAGI.read_bytes()
    blob = await services.store.put_blob(data)
    upload = await services.store.put(Manifest("upload", {}, (Entry(0, blob),)))
    latin = data.decode().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
    by_path = await parse(services, path=str(USAGI))
    forms = [{"text": data.decode()}, {"text": latin}, {"base64": base64.b64encode(data).decode()}]
    forms += [{"upload": upload}, {"score": by_path.id}]
    assert [(await parse(services, **form)).id for form in forms] == [by_path.id] * 5


@pytest.mark.parametrize(
    "forms", [{}, {"path": "a.musicxml", "text": "<a/>"}, {"score": "score-0", "upload": "upload-0"}]
)
async def test_exactly_one_form(services: CpuServices, forms: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="exactly one"):
        await parse(services, **forms)


async def test_the_notes_of_a_part_in_windows(services: CpuServices) -> None:
    path = str(SCORES / "ja-jitensha.musicxml")
    first = await parse(services, path=path, part="voice")
    assert first.notes is not None
    assert (len(first.notes), first.total, first.next) == (40, 95, "41-80")
    assert first.notes[0].model_dump() == {
        "id": "n1", "measure": "1", "beat": 1.0, "pitch": "D4", "duration": 0.5, "lyric": "ペ-",
    }  # fmt: skip
    last = await parse(services, path=path, part="P1", range="81-95")
    assert last.notes is not None
    assert (last.notes[0].id, last.notes[-1].id, last.next) == ("n81", "n95", None)
    with pytest.raises(InvalidRequest, match="list of 95"):
        await parse(services, path=path, part="P1", range="96-99")


async def test_a_result_is_small_however_long_the_score(services: CpuServices) -> None:
    parts = (part(*[note(duration=4, lyric="la" * 20)] * 4, id=f"P{number}") for number in range(1, 201))
    result = await parse(services, text=document(*parts).decode())
    assert (len(result.parts or ()), result.total, result.next) == (40, 200, "41-80")
    assert len(json.dumps(structured(result), separators=(",", ":"))) < 10_000
    rest = await parse(services, score=result.id, range="161-200")
    assert [(rest.parts or [])[place].id for place in (0, -1)] == ["P161", "P200"]


async def test_warnings_have_places(services: CpuServices) -> None:
    result = await parse(services, path=str(SATB))
    found = [(warning.code, warning.part, warning.measure) for warning in result.warnings or ()]
    assert ("note_without_syllable", "P4", "1") in found
    silent = await parse(services, text=document(part(note())).decode())
    assert [warning.code for warning in silent.warnings or ()] == ["no_lyrics"]


class TestPaths:
    async def refused(self, services: CpuServices, path: Path | str, kind: type[SingSynthError]) -> SingSynthError:
        with pytest.raises(kind) as caught:
            await parse(services, path=str(path))
        assert caught.value.hint
        return caught.value

    async def test_missing_directory_and_device(self, services: CpuServices) -> None:
        songs = services.readable[1]
        await self.refused(services, songs / "none.musicxml", FileProblem)
        assert "directory" in (await self.refused(services, songs, FileProblem)).message
        os.mkfifo(songs / "pipe")
        assert "regular" in (await self.refused(services, songs / "pipe", FileProblem)).message

    async def test_empty(self, services: CpuServices) -> None:
        (services.readable[1] / "a.musicxml").touch()
        await self.refused(services, services.readable[1] / "a.musicxml", FileProblem)

    async def test_outside_the_roots_even_by_link_or_dots(self, services: CpuServices, tmp_path: Path) -> None:
        outside = tmp_path / "outside.musicxml"
        outside.write_bytes(USAGI.read_bytes())
        link = services.readable[1] / "link.musicxml"
        link.symlink_to(outside)
        for path in (outside, link, services.readable[1] / ".." / "outside.musicxml", tmp_path / "not there"):
            await self.refused(services, path, PathNotAllowed)

    @pytest.mark.parametrize("path", ["a\0b", "~nobody-of-that-name/x", "x" * 5000])
    async def test_what_is_no_path(self, services: CpuServices, path: str) -> None:
        with pytest.raises((FileProblem, PathNotAllowed)):
            await parse(services, path=path)


class TestInline:
    async def test_base64_that_is_none_or_too_much(self, services: CpuServices) -> None:
        with pytest.raises(InvalidRequest, match="not valid base64"):
            await parse(services, base64="!!!")
        with pytest.raises(InvalidRequest, match="at most 2 MB"):
            await parse(services, base64="A" * 3 * 2**20)

    async def test_a_data_url_with_line_breaks(self, services: CpuServices) -> None:
        encoded = base64.encodebytes(USAGI.read_bytes()).decode()
        result = await parse(services, base64=f"data:application/xml;base64,{encoded}")
        assert result.title == "うさぎ (Usagi)"

    async def test_a_path_given_as_text(self, services: CpuServices) -> None:
        with pytest.raises(UnsupportedFormat, match="give path"):
            await parse(services, text="/home/me/song.musicxml")

    async def test_text_that_is_no_unicode(self, services: CpuServices) -> None:
        with pytest.raises(SingSynthError, match="Unicode"):
            await parse(services, text=f"<score-partwise>\ud800{'x'}</score-partwise>")


async def test_edits_make_a_new_score_and_keep_the_old(services: CpuServices) -> None:
    before = await parse(services, path=str(USAGI))
    tempo = {"operation": "set_tempo", "scale": 2}
    after = await modify(
        services, before.id, {"operation": "transpose", "semitones": -2}, tempo, part="P1", range="1-2"
    )
    assert after.id != before.id
    assert (after.duration_seconds, (after.parts or [])[0].lowest) == (6.0, "D4")
    assert after.changes == ["every part: 13 notes by -2 semitones, now D4 to A4", after.changes[1]]  # type: ignore[index]
    assert [row.pitch for row in after.notes or ()] == ["D4", "F4"]
    assert (await parse(services, score=before.id)).duration_seconds == 12.0
    back = await modify(
        services, after.id, {"operation": "transpose", "semitones": 2}, {"operation": "set_tempo", "scale": 0.5}
    )
    assert back.id == before.id


async def test_all_edits_or_none(services: CpuServices) -> None:
    before = await parse(services, path=str(USAGI))
    stored = [artifact.id async for artifact in services.store.list()]
    with pytest.raises(UnknownName, match="Operation 2 .*nothing was changed"):
        await modify(
            services, before.id, {"operation": "transpose", "semitones": 1}, {"operation": "delete_note", "note": "x"}
        )
    assert [artifact.id async for artifact in services.store.list()] == stored


async def test_many_operations_are_told_in_forty_lines(services: CpuServices) -> None:
    before = await parse(services, path=str(USAGI))
    after = await modify(services, before.id, *[{"operation": "transpose", "semitones": 0}] * 100)
    assert (len(after.changes or ()), (after.changes or [""])[-1]) == (40, "… and 61 more operations")


async def test_ids_that_are_no_scores(services: CpuServices) -> None:
    with pytest.raises(UnknownArtifact, match="parse_score"):
        await load_score("score-000000000000", services)
    upload = await services.store.put(Manifest("upload", {}, ()))
    with pytest.raises(WrongArtifactKind):
        await modify(services, upload, {"operation": "transpose", "semitones": 1})


async def test_an_unknown_part_lists_those_there_are(services: CpuServices) -> None:
    with pytest.raises(UnknownName, match="P1 \\(Soprano\\), P2 \\(Alto\\)"):
        await parse(services, path=str(SATB), part="Mezzo")


async def test_a_deadline_ends_the_wait() -> None:
    released = threading.Event()
    with pytest.raises(DeadlineExceeded, match="parse_score took longer than 0.01 seconds"):
        await within_deadline("parse_score", released.wait, seconds=0.01)
    released.set()
