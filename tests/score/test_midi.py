"""MIDI: notes, karaoke words in their conventions and encodings, and files that are broken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.errors import InvalidScore, NothingToSing, SingSynthError
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.reading import read_score
from tests.score.midi_bytes import melody, meta, midi, note, number, words


def texts(score: Score, part: int = 0) -> list[str]:
    """Each note's text, a hyphen where the word goes on."""
    return [
        "_".join(one.lyrics[0].syllables) + "-" * (one.lyrics[0].syllabic in ("begin", "middle")) if one.lyrics else ""
        for one in score.parts[part].lines[0].notes
    ]


def shape(score: Score, part: int = 0) -> list[tuple[float, float, float]]:
    return [(float(one.position), float(one.duration), one.midi) for one in score.parts[part].lines[0].notes]


class TestWords:
    def test_hyphens_join_in_lyric_events(self) -> None:
        score = read_score(midi(melody(60, 62, 64, 65) + words("Twin-", "kle", "star", "_")))
        assert texts(score) == ["Twin-", "kle", "star", ""]

    def test_spaces_part_in_karaoke(self) -> None:
        lines = words("\\Twin", "kle ", "/lit", "tle", kind=1)
        score = read_score(midi([meta(1, "@KMIDI KARAOKE FILE"), *lines], melody(60, 62, 64, 65)))
        assert texts(score) == ["Twin-", "kle", "lit-", "tle"]

    def test_spaces_before_words(self) -> None:
        assert texts(read_score(midi(melody(60, 62, 64) + words("Twin", "kle", " star")))) == ["Twin-", "kle", "star"]

    def test_title_and_language_of_the_headers(self) -> None:
        headers = [meta(1, "@KMIDI KARAOKE FILE"), meta(1, "@LGERM"), meta(1, "@TM\u00fcd")]
        score = read_score(midi([*headers, *words("ja", "so", kind=1)], melody(60, 62)))
        assert (score.title, score.language) == ("M\u00fcd", "de")
        assert score.parts[0].lines[0].notes[0].lyrics[0].language == "de"

    def test_the_melody_is_the_one_that_the_words_fit(self) -> None:
        half_bars = [event for place in range(4) for event in note(place * 960, 48, 960)]
        score = read_score(midi(words("a ", "b ", "c ", "d "), half_bars, melody(60, 62, 64, 65), melody(40, 41)))
        assert [texts(score, part) for part in range(3)] == [[""] * 4, ["a", "b", "c", "d"], ["", ""]]

    def test_each_singer_keeps_the_words_of_his_track(self) -> None:
        score = read_score(midi(melody(60, 62) + words("la", "lo"), melody(48, 50) + words("mi", "mo")))
        assert [texts(score, part) for part in range(2)] == [["la", "lo"], ["mi", "mo"]]

    def test_late_words_find_their_note_and_lost_ones_are_told(self) -> None:
        score = read_score(midi(melody(60, 62) + words("la", "lo", shift=20) + [meta(5, "hey", 4000)]))
        assert texts(score) == ["la", "lo"]
        assert [(one.code, "hey" in one.message) for one in score.warnings] == [("lyrics_without_notes", True)]

    def test_two_syllables_at_once_are_an_elision(self) -> None:
        assert texts(read_score(midi(melody(60, 62) + words("la", "lo") + [meta(5, "ha", 480)]))) == ["la", "lo_ha"]

    def test_remarks_are_no_words(self) -> None:
        score = read_score(midi([meta(1, "made with care")], melody(60, 62)))
        assert texts(score) == ["", ""]
        assert [one.code for one in score.warnings] == ["no_lyrics"]

    @pytest.mark.parametrize(
        ("encoding", "sung"),
        [
            ("utf-8", ["さ", "く", "ら"]),
            ("cp932", ["さ", "く", "ら"]),
            ("euc_jp", ["さくら", "さくら", "やよい"]),
            ("gb18030", ["月", "在", "天", "上", "我", "的", "心"]),
            ("big5", ["月", "在", "天", "上", "我", "的", "心"]),
            ("euc_kr", ["나", "의", "사", "랑"]),
            ("cp1251", ["вечер", "тихий", "звон"]),
            ("cp1252", ["müd", "schön", "weiß"]),
        ],
    )
    def test_encodings(self, encoding: str, sung: list[str]) -> None:
        data = midi(melody(*range(60, 60 + len(sung))) + words(*(text.encode(encoding) for text in sung)))
        assert texts(read_score(data)) == sung

    def test_a_tag_names_the_encoding(self) -> None:
        events = words(b"{@LATIN}f\xfcr", b"dich")
        assert texts(read_score(midi(melody(60, 62) + events))) == ["für", "dich"]


class TestNotes:
    def test_gaps_and_overlaps_of_playing_are_closed(self) -> None:
        events = [*note(0, 60, 455), *note(480, 62, 520), *note(960, 64, 480)]
        assert shape(read_score(midi(events))) == [(0, 1, 60), (1, 1, 62), (2, 1, 64)]

    def test_rests_stay(self) -> None:
        assert shape(read_score(midi(note(0, 60, 240) + note(480, 62, 480)))) == [(0, 0.5, 60), (1, 1, 62)]

    def test_a_chord_played_unevenly_is_one(self) -> None:
        score = read_score(midi(note(0, 60, 480) + note(8, 64, 470) + note(4, 67, 470)))
        assert [[one.midi for one in line.notes] for line in score.parts[0].lines] == [[67], [64], [60]]

    def test_running_status_and_note_on_with_velocity_0(self) -> None:
        body = b"\0\x90\x3c\x50" + number(480) + b"\x3c\x00" + b"\0\x3e\x50" + number(480) + b"\x3e\x00\0\xff\x2f\0"
        data = midi([])[:14] + b"MTrk" + len(body).to_bytes(4, "big") + body
        assert shape(read_score(data)) == [(0, 1, 60), (1, 1, 62)]

    def test_running_status_over_a_text(self) -> None:
        body = b"\0\x90\x3c\x50" + number(480) + b"\xff\x05\x02la" + b"\0\x3c\x00\0\xff\x2f\0"
        assert shape(read_score(midi([])[:14] + b"MTrk" + len(body).to_bytes(4, "big") + body)) == [(0, 1, 60)]

    def test_format_0_parts_by_channel_and_drums_are_percussion(self) -> None:
        data = midi(melody(60, 62) + melody(48, 50, channel=1) + melody(38, 38, channel=9), kind=0)
        score = read_score(data)
        assert [(len(part.lines), part.percussion) for part in score.parts] == [(1, False), (1, False), (0, True)]

    def test_tempo_and_meter_maps(self) -> None:
        conductor = [meta(0x51, (600_000).to_bytes(3, "big")), meta(0x51, (400_000).to_bytes(3, "big"), 1440),
                     meta(0x58, bytes([3, 2, 24, 8])), meta(0x58, bytes([2, 2, 24, 8]), 1440)]  # fmt: skip
        score = read_score(midi(conductor, melody(60, 62, 64, 65, 67)))
        assert [(tempo.position, tempo.quarters_per_minute) for tempo in score.tempos] == [(0, 100), (3, 150)]
        assert [(measure.beats, measure.duration) for measure in score.measures] == [(3, 3), (2, 2)]

    def test_smpte_time(self) -> None:
        score = read_score(midi(note(0, 60, 1000), division=0xE728))  # 25 frames of 40 ticks
        assert shape(score) == [(0, 2, 60)]

    def test_a_note_without_an_end_is_told(self) -> None:
        score = read_score(midi([(0, b"\x90\x3c\x50"), meta(1, "x", 960)]))
        assert shape(score) == [(0, 2, 60)]
        assert "unended_note" in [one.code for one in score.warnings]


class TestBroken:
    def test_every_truncation_is_an_error_or_told(self) -> None:
        data = midi(melody(60, 62, 64), melody(48, 50, 52))
        for length in range(4, len(data)):
            try:
                score = read_score(data[:length])
            except SingSynthError:
                continue
            assert "tracks_missing" in [one.code for one in score.warnings]

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (midi(melody(60), kind=2), "format 2"),
            (midi(melody(60), division=0), "0 ticks"),
            (midi([(0, b"\x00\x00")]), "starts no event"),
            (midi([])[:14], "without a track"),
            (midi([])[:14] + b"MTrk\0\0\0\5\xff\xff\xff\xff\xff", "has no end"),
            (midi(note(0, 60, 2**27)), "measures"),
        ],
    )
    def test_what_is_wrong_is_named(self, data: bytes, words: str) -> None:
        with pytest.raises(InvalidScore) as caught:
            read_score(data, "song.mid")
        assert words in caught.value.message
        assert caught.value.hint

    def test_no_notes(self) -> None:
        with pytest.raises(NothingToSing):
            read_score(midi(words("la", "lo")))

    def test_thousands_of_notes_at_once_are_cut(self) -> None:
        events = [(tick, b"\x90\x3c\x50") for tick in range(5_000)] + [(9_000, b"\x80\x3c\x50")] * 5_000
        score = read_score(midi(events))
        assert "too_many_lines" in [one.code for one in score.warnings]
        assert len(score.parts[0].lines) == 32

    @given(st.binary(max_size=200))
    @settings(max_examples=100)
    def test_any_bytes_of_a_track(self, body: bytes) -> None:
        data = midi([])[:14] + b"MTrk" + len(body).to_bytes(4, "big") + body
        try:
            read_score(data)
        except SingSynthError:
            return


def test_riff_midi() -> None:
    data = midi(melody(60, 62))
    wrapped = b"RIFF" + (len(data) + 12).to_bytes(4, "little") + b"RMIDdata" + len(data).to_bytes(4, "little") + data
    assert read_score(wrapped) == read_score(data)
