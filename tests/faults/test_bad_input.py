"""What people and models get wrong, at the merged endpoint: a clear error each time, and the servers sing on."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from singsynth_mcp.contracts.arguments import read_arguments
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.performance.controls import check_controls
from tests import voicebank_factory as factory
from tests.faults.conftest import Endpoint
from tests.score.musicxml_text import document, mxl, note, part

MELODY = part(note(lyric="さ"), note("D4", lyric="く"), note("E4", lyric="ら"), note("rest", 4))
GOOD = document(MELODY)
TEXT = GOOD.decode()
DRUMS = "<note><unpitched/><duration>4</duration></note>"
full_disk = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process's files: Linux alone")


def entity_bomb() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE score-partwise [<!ENTITY l0 "ha">{levels}]><score-partwise>&l9;</score-partwise>'.encode()


@pytest.fixture(autouse=True)
def _both_servers_answer_and_nothing_lies_about(endpoint: Endpoint):
    yield
    assert endpoint.done("parse_score", text=TEXT)["duration_quarters"] == 7
    assert "sine" in [bank["id"] for bank in endpoint.done("list_voicebanks")["voicebanks"]]
    assert endpoint.leftovers() == []


class TestFiles:
    def test_not_a_file_and_a_directory(self, endpoint: Endpoint) -> None:
        missing = str(endpoint.songs / "none.musicxml")
        assert endpoint.refused("parse_score", "file_problem", missing, path=missing)["details"]["path"] == missing
        endpoint.refused("parse_score", "file_problem", "is a directory", path=str(endpoint.songs))
        endpoint.refused("sing", "file_problem", missing, path=missing)

    def test_outside_the_allowed_roots_even_by_a_link(self, endpoint: Endpoint) -> None:
        outside = endpoint.folder / "outside.musicxml"
        outside.write_bytes(GOOD)
        link = endpoint.songs / "link.musicxml"
        link.symlink_to(outside)
        for path in (outside, link, endpoint.songs / ".." / "outside.musicxml", Path("/etc/passwd")):
            endpoint.refused("parse_score", "path_not_allowed", str(endpoint.songs), path=str(path))

    @pytest.mark.parametrize("path", ["", "https://example.org/song.musicxml", "a\0b"])
    def test_what_is_no_path(self, endpoint: Endpoint, path: str) -> None:
        endpoint.refused("parse_score", "file_problem", "is no path", path=path)

    def test_empty(self, endpoint: Endpoint) -> None:
        endpoint.refused("parse_score", "file_problem", "0 bytes", path=endpoint.song("empty.musicxml", b""))
        endpoint.refused("parse_score", "file_problem", "0 bytes", text="")

    def test_truncated_with_line_part_and_measure(self, endpoint: Endpoint) -> None:
        broken = GOOD[: GOOD.index(b"<lyric", GOOD.index(b"<step>D"))]
        words = ("breaks off", "part P1, measure 2", "download or export it again")
        error = endpoint.refused("sing", "invalid_score", *words, path=endpoint.song("broken.musicxml", broken))
        assert (error["details"]["part"], error["details"]["measure"], error["details"]["line"]) == ("P1", "2", 1)

    @pytest.mark.parametrize(
        ("data", "named"),
        [
            (b"just some words", "plain text"),
            (b"\0\1\2\3", "binary"),
            (b"%PDF-1.7", "PDF"),
            (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
            (b"<recipe/>", "<recipe>"),
        ],
    )
    def test_not_musicxml(self, endpoint: Endpoint, data: bytes, named: str) -> None:
        path = endpoint.song("other.musicxml", data)
        endpoint.refused("parse_score", "unsupported_format", "other.musicxml", named, "Export the score", path=path)

    def test_bombs(self, endpoint: Endpoint) -> None:
        endpoint.refused("sing", "invalid_score", '"l0"', path=endpoint.song("entities.musicxml", entity_bomb()))
        bomb = endpoint.song("bomb.mxl", mxl(b"<" + b" " * 60 * 2**20))
        endpoint.refused("sing", "invalid_score", "bomb.mxl", "more than a score may have", path=bomb)
        half = endpoint.song("half.mxl", mxl(GOOD)[:300])
        endpoint.refused("sing", "invalid_score", "half.mxl", "not a whole zip archive", path=half)


class TestScores:
    @pytest.mark.parametrize(
        ("score", "words"),
        [
            (b"<score-partwise><part-list/></score-partwise>", ("no parts",)),
            (document(part(note("rest", 4))), ("no notes", "vocal part")),
            (document(part(DRUMS)), ("percussion only", "vocal part")),
            (document(part(note(), note("D4"))), ("no part of the score has lyrics", "modify_score", "set_lyrics")),
        ],
    )
    def test_nothing_to_sing(self, endpoint: Endpoint, score: bytes, words: tuple[str, ...]) -> None:
        endpoint.refused("sing", "nothing_to_sing", *words, text=score.decode())

    def test_two_hundred_parts_are_listed_in_windows_and_the_last_one_sings(self, endpoint: Endpoint) -> None:
        parts = (part(note(lyric="ら"), id=f"P{number}") for number in range(1, 201))
        text = document(*parts).decode()
        listed = endpoint.done("parse_score", text=text)
        assert listed["total"] == 200
        assert listed["next"].startswith(f"{len(listed['parts']) + 1}-")
        assert endpoint.done("sing", text=text, part="P200")["parts"][0]["part"] == "P200"
        assert "and 160 more" in endpoint.refused("sing", "unknown_name", '"P201"', text=text, part="P201")["hint"]

    def test_every_part_sings_though_a_result_lists_forty(self, endpoint: Endpoint) -> None:
        silent = (part(note("rest", 4), id=f"S{number}") for number in range(60))
        sung = endpoint.done("sing", text=document(*silent, part(note(lyric="ら"), id="Last")).decode())
        assert [each["part"] for each in sung["parts"]] == ["Last"]

    def test_a_note_outside_the_voices_range_is_sung_with_a_warning(self, endpoint: Endpoint) -> None:
        sung = endpoint.done("sing", text=TEXT, transpose=30, output="high.wav")
        warning = sung["warnings"][0]
        assert (warning["code"], warning["part"], warning["measure"], warning["beat"]) == ("out_of_range", "P1", "1", 1)
        assert "F#6 is above the voice's range (A3 to E5)" in warning["message"]
        assert (endpoint.output / "high.wav").stat().st_size > 10_000

    def test_notes_without_length_are_passed_over_with_a_warning(self, endpoint: Endpoint) -> None:
        text = document(part(note(lyric="さ") + note("D4", 0, lyric="く") + note("E4", lyric="ら"))).decode()
        warnings = endpoint.done("sing", text=text)["warnings"]
        assert ("zero_length", "P1", "1", 2) in [
            (each["code"], each.get("part"), each.get("measure"), each.get("beat")) for each in warnings
        ]

    @pytest.mark.parametrize("tempo", ["1000000", "0", "-5", "1e400", "nan", "0.0001"])
    def test_an_absurd_tempo_is_passed_over_with_a_warning(self, endpoint: Endpoint, tempo: str) -> None:
        mark = f'<direction><sound tempo="{tempo}"/></direction>'
        parsed = endpoint.done("parse_score", text=document(part(mark + note(lyric="ら"))).decode())
        assert (parsed["tempo"], parsed["duration_seconds"]) == (120, 0.5)
        assert [(each["code"], each["measure"]) for each in parsed["warnings"]] == [("tempo_ignored", "1")]

    def test_a_note_of_absurd_length(self, endpoint: Endpoint) -> None:
        text = document(part(note(lyric="ら"), note(lyric="ら", duration=10**7))).decode()
        error = endpoint.refused("sing", "invalid_score", "measure 2", "10000000", text=text)
        assert error["details"] == {"part": "P1", "measure": "2"}

    def test_a_note_of_hours(self, endpoint: Endpoint) -> None:
        text = document(part(note(lyric="さ"), note(lyric="ら", duration=9000))).decode()
        words = ("held for 4500 seconds from measure 2, beat 1 (note n2)", "change_note")
        assert endpoint.refused("sing", "invalid_request", *words, text=text)["details"]["measure"] == "2"

    def test_a_song_of_hours_becomes_a_job_that_can_be_cancelled(self, endpoint: Endpoint) -> None:
        text = document(part(*[note(lyric="ら", duration=40)] * 400)).decode()
        answer = endpoint.call("sing", text=text, wait_seconds=0).structured_content
        assert answer["state"] in ("queued", "running")
        assert endpoint.call("cancel_job", job_id=answer["job_id"]).structured_content["state"] == "cancelled"


class TestNames:
    def test_unknown_part_verse_voicebank_speaker_language_control(self, endpoint: Endpoint) -> None:
        endpoint.refused("sing", "unknown_name", '"Tuba"', "P1 (Voice)", text=TEXT, part="Tuba")
        endpoint.refused("sing", "unknown_name", "Part P1 has no verse 7", "Verses: 1", text=TEXT, verse=7)
        endpoint.refused("sing", "unknown_voicebank", "nobody", "sine", text=TEXT, voicebank="nobody")
        endpoint.refused("get_voicebank_info", "unknown_voicebank", "../sine", voicebank="../sine")
        endpoint.refused("sing", "unknown_name", "no speaker nobody", "solo", text=TEXT, speaker="nobody")
        endpoint.refused("sing", "unknown_name", "does not sing 'xx'", "ja", text=TEXT, language="xx")
        endpoint.refused("sing", "unknown_name", "'sparkle'", "breathiness", text=TEXT, controls={"sparkle": 1})

    @pytest.mark.parametrize(
        ("tool", "argument", "kind", "maker"),
        [
            ("parse_score", "score", "score", "parse_score"),
            ("phonemize", "score", "score", "parse_score"),
            ("predict_durations", "performance", "performance", "align_phonemes_to_notes"),
            ("synthesize_audio", "performance", "performance", "align_phonemes_to_notes"),
            ("vocode", "mel", "mel", "synthesize_audio"),
            ("save_audio", "audio", "audio", "vocode"),
            ("inspect_performance", "performance", "performance", "align_phonemes_to_notes"),
        ],
    )
    def test_ids_unknown_or_of_the_wrong_kind_name_the_tool_that_makes_one(
        self, endpoint: Endpoint, tool: str, argument: str, kind: str, maker: str
    ) -> None:
        for unknown in (f"{kind}-000000000000", "nonsense", "../../etc/passwd"):
            endpoint.refused(tool, "unknown_artifact", unknown, f"Call {maker}", **{argument: unknown})
        wrong = endpoint.done("phonemize", text="さくら")["id"]
        words = (wrong, "of kind phonemes", f"expected {kind}", f"Call {maker}")
        endpoint.refused(tool, "wrong_artifact_kind", *words, **{argument: wrong})

    def test_unknown_tools_and_jobs(self, endpoint: Endpoint) -> None:
        endpoint.refused("parse_scores", "invalid_request", "'parse_scores'", "parse_score,")
        for job in ("cpu-000000000000", "proxy-000000000000", "nonsense"):
            endpoint.refused("get_job", "unknown_job", job, "list_jobs", job_id=job)
            endpoint.refused("cancel_job", "unknown_job", job, "list_jobs", job_id=job)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("sing", {"text": TEXT, "transpose": "up"}, ("transpose", "number", "'up'")),
        ("sing", {"text": TEXT, "tempo": 0}, ("tempo", "greater than 0")),
        ("sing", {"text": TEXT, "verse": 0}, ("verse", "greater than or equal to 1")),
        ("sing", {"text": TEXT, "format": "aiff"}, ("format", "'flac'")),
        ("sing", {"text": TEXT, "wait_seconds": 100}, ("wait_seconds", "45")),
        ("sing", {"text": TEXT, "colour": "red"}, ("colour: no such argument", "It accepts:", "voicebank")),
        ("sing", {"text": TEXT, "part": "P1", "parts": [{"part": "P1"}]}, ("part or parts, not both",)),
        ("sing", {"text": TEXT, "path": "song.musicxml"}, ("exactly one form", "path and text")),
        ("sing", {}, ("exactly one form", "path, text, base64")),
        ("sing", {"text": TEXT, "controls": {"gender": 100}}, ("control gender: 100", "-1 to 1")),
        (
            "sing",
            {"text": TEXT, "parts": [{"part": "P1", "gain": 3}]},
            ("parts.0.gain: no such argument", "Each of parts accepts: part,"),
        ),
        ("predict_pitch", {"performance": "x", "phrases": "9" * 5000}, ("phrases", "pattern")),
        (
            "modify_score",
            {"score": "x", "operations": [{"operation": "transpose", "semitones": 2, "parts": "P1"}]},
            (
                "operations.0.transpose.parts: no such argument",
                "transpose accepts: semitones, steps,",
            ),
        ),
        ("sing", {"text": TEXT, "controls": {"gender": "high"}}, ("controls.gender: input should be a valid number",)),
        (
            "save_audio",
            {"audio": [{"audio": "x", "pan": 2}]},
            ("audio.0.pan: input should be less than or equal to 1", "Each of audio accepts: audio, gain_db,"),
        ),
        ("parse_score", {"path": 7}, ("path", "string")),
        ("parse_score", {"base64": "@@@"}, ("not valid base64",)),
        ("parse_score", {"text": TEXT, "range": "90-99"}, ("list of 1",)),
        ("phonemize", {"text": "さくら", "score": "score-000000000000"}, ("either score or text",)),
        ("phonemize", {"text": "さくら", "range": "90-99"}, ("list of 1",)),
        ("save_audio", {"audio": []}, ("empty list", "vocode")),
        ("inspect_performance", {}, ("nothing to inspect",)),
        ("get_job", {}, ("job_id: is required",)),
    ],
)
def test_arguments_that_no_tool_takes(endpoint: Endpoint, tool: str, arguments: dict, words: tuple[str, ...]) -> None:
    endpoint.refused(tool, "invalid_request", *words, **arguments)


def test_numbers_that_are_none() -> None:
    """Ours cannot send them, other clients' JSON can: 1e999, NaN."""
    insert = {"operation": "insert_note", "measure": "1", "beat": float("inf"), "duration": 1, "pitch": "C4"}
    with pytest.raises(InvalidRequest, match="beat: input should be a finite number"):
        read_arguments(TOOLS["modify_score"], {"score": "x", "operations": [insert]})
    with pytest.raises(InvalidRequest, match="gender"):
        check_controls({"gender": float("nan")})


def test_a_tool_called_too_early_names_the_one_to_call_first(endpoint: Endpoint) -> None:
    score = endpoint.done("parse_score", text=TEXT)["id"]
    phonemes = endpoint.done("phonemize", score=score)["id"]
    performance = endpoint.done("align_phonemes_to_notes", score=score, phonemes=phonemes)["id"]
    for tool in ("predict_pitch", "synthesize_audio"):
        words = ("phrase 1", "no durations", "Call predict_durations first")
        endpoint.refused(tool, "stage_missing", *words, performance=performance)
    endpoint.refused(
        "predict_durations", "invalid_request", "phrases 5 is not within 1-1", performance=performance, phrases="5"
    )
    free = endpoint.done("phonemize", text="さくら")["id"]
    words = ("made for a free text", f"Call phonemize with score={score}")
    endpoint.refused("align_phonemes_to_notes", "invalid_request", *words, score=score, phonemes=free)


def test_a_corrupt_voicebank_is_named_and_the_others_sing(endpoint: Endpoint) -> None:
    banks = endpoint.folder / "banks"
    (factory.multi(banks / "corrupt") / "acoustic.onnx").write_bytes(b"no model at all")
    words = ("synthesize_audio, phrase 1", "acoustic.onnx is no usable ONNX model", "Reinstall")
    endpoint.refused("sing", "invalid_voicebank", *words, text=TEXT, voicebank="corrupt")
    (factory.multi(banks / "garbled") / "dsconfig.yaml").write_text("acoustic: [", encoding="utf-8")
    words = ("dsconfig.yaml is not valid YAML in line", "list_voicebanks")
    endpoint.refused("sing", "invalid_voicebank", *words, text=TEXT, voicebank="garbled")
    errors = {bank["id"]: bank.get("error") for bank in endpoint.done("list_voicebanks")["voicebanks"]}
    assert "dsconfig.yaml" in errors["garbled"]
    assert errors["sine"] is None


class TestWriting:
    @full_disk
    def test_a_full_disk_under_the_artifact_store(self, endpoint: Endpoint) -> None:
        unheard = document(MELODY.replace("さ", "た"))
        try:
            endpoint.limit_files(1)
            for tool in ("parse_score", "sing"):
                words = ("cannot write to the artifact store", "artifacts prune")
                endpoint.refused(tool, "storage_problem", *words, text=unheard.decode())
            assert endpoint.leftovers() == []
        finally:
            endpoint.limit_files()
        assert endpoint.done("sing", text=unheard.decode())["seconds"] > 1

    @full_disk
    @pytest.mark.parametrize("format", ["wav", "flac", "mp3", "ogg"])
    def test_a_full_disk_under_the_output(self, endpoint: Endpoint, format: str) -> None:
        audio = endpoint.done("sing", text=TEXT)["id"]
        try:
            endpoint.limit_files(4000)
            words = (f"full.{format} could not be written", "Free some space")
            endpoint.refused("save_audio", "storage_problem", *words, audio=audio, output=f"full.{format}")
        finally:
            endpoint.limit_files()
        assert not (endpoint.output / f"full.{format}").exists()
        assert endpoint.done("save_audio", audio=audio, output=f"full.{format}")["format"] == format

    @full_disk
    def test_a_full_disk_leaves_the_file_that_was_there(self, endpoint: Endpoint) -> None:
        audio = endpoint.done("sing", text=TEXT, output="kept.wav")["id"]
        before = (endpoint.output / "kept.wav").read_bytes()
        try:
            endpoint.limit_files(4000)
            arguments = {"audio": audio, "output": "kept.wav", "loudness_lufs": -20}
            endpoint.refused("save_audio", "storage_problem", "kept.wav", **arguments)
        finally:
            endpoint.limit_files()
        assert (endpoint.output / "kept.wav").read_bytes() == before

    def test_a_folder_that_cannot_be_made(self, endpoint: Endpoint) -> None:
        audio = endpoint.done("sing", text=TEXT)["id"]
        (endpoint.output / "taken").write_text("", encoding="utf-8")
        words = ("a folder on the way to it is a file", "output")
        endpoint.refused("save_audio", "storage_problem", *words, audio=audio, output="taken/song.wav")

    @pytest.mark.parametrize(
        ("code", "output", "words"),
        [
            ("path_not_allowed", "/etc/song.wav", "outside the folders that may be written"),
            ("path_not_allowed", "../song.wav", "Give a name alone"),
            ("invalid_request", "song.aiff", "wav, flac, mp3, ogg"),
            ("file_problem", "x" * 300 + ".wav", "is no path"),
            ("file_problem", "a\0b.wav", "is no path"),
            ("file_problem", "~nobody-of-that-name/song.wav", "is no path"),
        ],
    )
    def test_names_that_are_not_written_to(self, endpoint: Endpoint, code: str, output: str, words: str) -> None:
        audio = endpoint.done("sing", text=TEXT)["id"]
        before = sorted(endpoint.output.rglob("*"))
        endpoint.refused("save_audio", code, words, audio=audio, output=output)
        assert sorted(endpoint.output.rglob("*")) == before

    def test_silence_without_end_is_refused(self, endpoint: Endpoint) -> None:
        audio = endpoint.done("sing", text=TEXT)["id"]
        tracks = [{"audio": audio, "offset_seconds": 1e9}]
        endpoint.refused("save_audio", "invalid_request", "offset_seconds", "3600", audio=tracks)
