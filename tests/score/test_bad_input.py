"""Files that are no scores: every one a clear error with a place and a remedy."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from singsynth_mcp.errors import FileProblem, InvalidScore, NothingToSing, SingSynthError, UnsupportedFormat
from singsynth_mcp.score.limits import MAX_BYTES
from singsynth_mcp.score.reading import read_score
from tests.score.musicxml_text import DOCTYPE, attributes, document, mxl, note, part

SCORES = Path(__file__).parent.parent / "scores"
GOOD = document(part(note(lyric="la"), note("D4", lyric="le")))


def refused(data: bytes, kind: type[SingSynthError]) -> SingSynthError:
    with pytest.raises(kind) as caught:
        read_score(data, "song.mxl")
    assert type(caught.value) is kind
    assert "song.mxl" in caught.value.message or caught.value.details.get("part")
    assert caught.value.hint
    return caught.value


def test_empty() -> None:
    assert "0 bytes" in refused(b"", FileProblem).message


def test_too_large() -> None:
    assert "20 MB" in refused(b"<" + b" " * MAX_BYTES, UnsupportedFormat).message


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"%PDF-1.7", "PDF"),
        (b'\\version "2.24.0"\n{ c\' }', "LilyPond"),
        (b'{"version": 153, "library": [], "tracks": []}', "Synthesizer V"),
        (b"just some words", "plain text"),
        (b"\x00\x01\x02\x03", "binary"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "web page"),
        (b'<mei xmlns="http://www.music-encoding.org/ns/mei"/>', "MEI"),
        (b'<museScore version="2.06"><Score/></museScore>', "MuseScore 2.06"),
        (b"<opus/>", "opus"),
        (b"<recipe/>", "<recipe>"),
    ],
)
def test_other_formats_are_named(data: bytes, named: str) -> None:
    error = refused(data, UnsupportedFormat)
    assert named in error.message
    assert "MusicXML" in error.hint


def test_truncated_names_part_and_measure() -> None:
    error = refused(GOOD[: GOOD.index(b"<lyric", GOOD.index(b'number="2"'))], InvalidScore)
    assert "breaks off" in error.message
    assert (error.details["part"], error.details["measure"]) == ("P1", "2")
    assert error.details["line"] == 1


def test_not_well_formed_names_line_and_column() -> None:
    error = refused(GOOD.replace(b"<part-list>", b"\n\n<part-list><oops></part-list>", 1), InvalidScore)
    assert (error.details["line"], "mismatched tag" in error.message) == (3, True)


def test_every_truncation_of_a_real_score_is_an_error() -> None:
    data = (SCORES / "09-ja-usagi.musicxml").read_bytes()
    for length in range(0, len(data) - 20, 37):
        with pytest.raises(SingSynthError):
            read_score(data[:length])


def test_every_truncation_of_a_compressed_score_is_an_error() -> None:
    data = (SCORES / "08-de-5verses-pickup-zumsteeg-romanze.mxl").read_bytes()
    for length in range(0, len(data), 97):
        with pytest.raises(SingSynthError):
            read_score(data[:length])


def test_an_entity_bomb_is_refused_unread() -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE score-partwise [<!ENTITY l0 "ha">{levels}]><score-partwise>&l9;</score-partwise>'
    assert '"l0"' in refused(bomb.encode(), InvalidScore).message


def test_an_external_entity_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret", encoding="utf-8")
    text = f'<!DOCTYPE score-partwise [<!ENTITY x SYSTEM "{secret.as_uri()}">]><score-partwise>&x;</score-partwise>'
    assert "secret" not in refused(text.encode(), InvalidScore).message.replace(secret.name + '"', "")


def test_an_undeclared_entity() -> None:
    assert "undefined entity" in refused(GOOD.replace(b"<text>la", b"<text>&nbsp;"), InvalidScore).message


def test_the_doctype_of_musicxml_is_fine() -> None:
    assert DOCTYPE.encode() in GOOD
    assert read_score(GOOD).parts


def test_an_encoding_nothing_reads() -> None:
    assert "encoding" in refused(GOOD.replace(b"UTF-8", b"shift_jis"), InvalidScore).message
    assert "encoding" in refused(GOOD.replace(b"UTF-8", b"klingon"), InvalidScore).message


class TestArchives:
    def test_a_bomb_by_size(self) -> None:
        assert "more than a score may have" in refused(mxl(b"<" + b" " * (MAX_BYTES + 10)), InvalidScore).message

    def test_a_bomb_by_ratio(self) -> None:
        assert "more than a score may have" in refused(mxl(GOOD + b" " * (2 * 2**20)), InvalidScore).message

    def test_a_bomb_for_a_container(self) -> None:
        refused(mxl(GOOD, container="<container>" + " " * 200_000 + "</container>"), InvalidScore)

    def test_an_archive_inside_the_archive(self) -> None:
        assert "inside the archive" in refused(mxl(mxl(GOOD)), InvalidScore).message

    def test_too_many_entries(self) -> None:
        buffer = io.BytesIO(mxl(GOOD))
        with zipfile.ZipFile(buffer, "a") as archive:
            for number in range(1001):
                archive.writestr(f"{number}", "")
        assert "1003 files" in refused(buffer.getvalue(), InvalidScore).message

    def test_without_a_container(self) -> None:
        assert "META-INF" in refused(mxl(GOOD, container=""), UnsupportedFormat).message

    def test_a_container_that_names_nothing(self) -> None:
        refused(mxl(GOOD, container="<container/>"), InvalidScore)
        named = '<container><rootfiles><rootfile full-path="../../etc/passwd"/></rootfiles></container>'
        assert "../../etc/passwd" in refused(mxl(GOOD, container=named), InvalidScore).message

    def test_an_old_musescore_archive(self) -> None:
        old = mxl(b"<museScore/>", container="", path="song.mscx")
        assert "MuseScore of unknown version" in refused(old, UnsupportedFormat).message

    def test_empty_and_damaged(self) -> None:
        buffer = io.BytesIO()
        zipfile.ZipFile(buffer, "w").close()
        refused(buffer.getvalue(), InvalidScore)
        data = bytearray(mxl(GOOD))
        data[data.index(b"score.xml") + 20] ^= 0xFF
        refused(bytes(data), InvalidScore)


class TestContent:
    def test_no_parts(self) -> None:
        refused(b"<score-partwise><part-list/></score-partwise>", NothingToSing)

    def test_no_notes(self) -> None:
        assert "no notes" in refused(document(part(note("rest", 4))), NothingToSing).message

    def test_percussion_only(self) -> None:
        drums = "<note><unpitched/><duration>4</duration></note>"
        assert "percussion" in refused(document(part(drums)), NothingToSing).message

    @pytest.mark.parametrize(
        "measure",
        [
            note(duration="x"),
            note(duration=-1),
            note().replace("<step>C", "<step>H"),
            note().replace("<octave>4", "<octave>"),
            attributes(0) + note(),
            attributes(beats="0") + note(),
            note(duration="1e999999999"),
        ],
    )
    def test_numbers_that_are_none(self, measure: str) -> None:
        error = refused(document(part(note(lyric="la"), measure)), InvalidScore)
        assert (error.details["part"], error.details["measure"]) == ("P1", "2")

    def test_two_parts_of_one_id(self) -> None:
        assert '"P1"' in refused(document(part(note()), part(note())), InvalidScore).message

    def test_two_hundred_parts_are_read(self) -> None:
        score = read_score(document(*(part(note(lyric="la"), id=f"P{n}") for n in range(1, 201))))
        assert len(score.parts) == 200

    def test_deep_nesting_is_read_past(self) -> None:
        nested = "<a>" * 50_000 + "</a>" * 50_000
        assert read_score(document(part(nested + note(lyric="la")))).parts
