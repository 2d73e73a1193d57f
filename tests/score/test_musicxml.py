"""What the MusicXML reader makes of notation, element by element."""

from __future__ import annotations

from fractions import Fraction

import pytest

from singsynth_mcp.score.model import Line, Score
from singsynth_mcp.score.reading import read_score
from tests.score.musicxml_text import attributes, document, mxl, note, part


def read(*measures: str, **options: str) -> Score:
    return read_score(document(part(*measures), **options))


def top(score: Score, part_index: int = 0) -> Line:
    return score.parts[part_index].lines[0]


def shape(line: Line) -> list[tuple[float, float, float]]:
    """(position, duration, midi) of each note."""
    return [(float(one.position), float(one.duration), one.midi) for one in line.notes]


def words(line: Line, verse: int = 1) -> list[str]:
    """Each note's text with a hyphen where the word goes on; "" for none."""
    return [
        next(
            ("_".join(x.syllables) + "-" * (x.syllabic in ("begin", "middle")) for x in one.lyrics if x.verse == verse),
            "",
        )
        for one in line.notes
    ]


def codes(score: Score) -> list[str]:
    return [warning.code for warning in score.warnings]


def lyric(text: str, verse: str = "1", syllabic: str = "single", more: str = "") -> str:
    return f'<lyric number="{verse}"><syllabic>{syllabic}</syllabic><text>{text}</text>{more}</lyric>'


TIE = {"start": '<tie type="start"/>', "stop": '<tie type="stop"/>'}
NOTATION = "<notations>{}</notations>"


class TestTime:
    def test_divisions_change_between_measures(self) -> None:
        score = read(note(duration=4), attributes(6) + note(duration=2) + note(duration=4))
        assert [one.position for one in top(score).notes] == [0, 4, Fraction(13, 3)]

    def test_triplets_are_exact(self) -> None:
        score = read(attributes(3) + note(duration=1) * 3 + note(duration=3))
        assert [one.duration for one in top(score).notes] == [Fraction(1, 3)] * 3 + [1]

    def test_backup_and_forward_place_the_second_voice(self) -> None:
        second = "<backup><duration>4</duration></backup><forward><duration>2</duration></forward>"
        score = read(note("C5", 4, "la") + second + note("E4", 2, inside="<voice>2</voice>"))
        assert [shape(line) for line in score.parts[0].lines] == [[(0, 4, 72)], [(2, 2, 64)]]
        assert [line.id for line in score.parts[0].lines] == ["P1", "P1/2"]

    def test_a_pickup_measure_is_as_long_as_its_notes(self) -> None:
        pickup = f'<measure number="0" implicit="yes">{attributes()}{note(duration=1)}</measure>'
        text = f'<part id="P1">{pickup}<measure number="1">{note(duration=4)}</measure></part>'
        score = read_score(document(text))
        assert [(one.number, one.position, one.duration) for one in score.measures] == [("0", 0, 1), ("1", 1, 4)]
        assert top(score).notes[1].beat == 1

    def test_parts_stay_together_where_one_writes_less(self) -> None:
        score = read_score(document(part(note(duration=1), note(duration=4)), part(note(duration=4), note(), id="P2")))
        assert top(score).notes[1].position == 4

    def test_an_empty_measure_has_the_length_of_its_meter(self) -> None:
        score = read(attributes(beats="3") + note(duration=3), "", note(duration=3))
        assert top(score).notes[1].position == 6

    def test_an_additive_meter(self) -> None:
        assert read(attributes(beats="3+2", beat_type=8) + note()).measures[0].beats == 5


class TestTempo:
    def tempos(self, *measures: str) -> list[tuple[float, float]]:
        return [(float(tempo.position), tempo.quarters_per_minute) for tempo in read(*measures).tempos]

    @staticmethod
    def metronome(unit: str, rate: str, dots: int = 0, sound: str = "") -> str:
        mark = f"<beat-unit>{unit}</beat-unit>{'<beat-unit-dot/>' * dots}<per-minute>{rate}</per-minute>"
        return f"<direction><direction-type><metronome>{mark}</metronome></direction-type>{sound}</direction>"

    def test_120_where_nothing_is_said(self) -> None:
        assert self.tempos(note()) == [(0, 120)]

    def test_a_dotted_beat(self) -> None:
        assert self.tempos(self.metronome("quarter", "60", dots=1) + note()) == [(0, 90)]

    def test_a_double_dotted_beat(self) -> None:
        assert self.tempos(self.metronome("half", "60", dots=2) + note()) == [(0, 210)]

    @pytest.mark.parametrize(("text", "tempo"), [("c. 80", 80), ("80-90", 85), ("ca 72,5", 72.5)])
    def test_a_tempo_in_words_and_numbers(self, text: str, tempo: float) -> None:
        assert self.tempos(self.metronome("quarter", text) + note()) == [(0, tempo)]

    def test_sound_wins_over_the_printed_mark(self) -> None:
        assert self.tempos(self.metronome("quarter", "60", sound='<sound tempo="66"/>') + note()) == [(0, 66)]

    def test_in_the_middle_of_a_measure_with_an_offset(self) -> None:
        words = "<direction-type><words>x</words></direction-type>"
        mark = f'<direction>{words}<offset>1</offset><sound tempo="60"/></direction>'
        assert self.tempos(note(duration=2) + mark + note(duration=2)) == [(0, 120), (3, 60)]

    def test_a_metric_modulation(self) -> None:
        equal = "<beat-unit>quarter</beat-unit><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        mark = f"<direction><direction-type><metronome>{equal}</metronome></direction-type></direction>"
        assert self.tempos('<sound tempo="80"/>' + note(duration=4), mark + note()) == [(0, 80), (4, 120)]

    def test_an_absurd_tempo_is_passed_over(self) -> None:
        score = read('<sound tempo="9999999"/>' + note())
        assert score.tempos[0].quarters_per_minute == 120
        assert "tempo_ignored" in codes(score)


class TestTies:
    def test_a_tie_over_the_bar_is_one_note(self) -> None:
        score = read(
            note(duration=4, lyric="la", inside=TIE["start"]), note(duration=2, inside=TIE["stop"]) + note("D4")
        )
        assert shape(top(score)) == [(0, 6, 60), (6, 1, 62)]

    def test_a_chain_of_ties(self) -> None:
        chain = note(inside=TIE["start"]) + note(inside=TIE["stop"] + TIE["start"]) * 2 + note(inside=TIE["stop"])
        assert shape(top(read(chain))) == [(0, 4, 60)]

    def test_tied_chords_merge_note_by_note(self) -> None:
        chord = note("E4", 2, inside=TIE["start"]) + note("C4", 2, inside="<chord/>")
        score = read(chord + note("E4", 2, inside=TIE["stop"]) + note("C4", 2, inside="<chord/>"))
        assert [shape(line) for line in score.parts[0].lines] == [[(0, 4, 64)], [(0, 2, 60), (2, 2, 60)]]

    def test_a_tie_that_matches_nothing_is_told_with_its_place(self) -> None:
        score = read(note(lyric="la"), note("D4", inside=TIE["stop"]) + note("E4", inside=TIE["start"]) + note("F4"))
        found = [(one.code, one.part, one.measure, one.beat) for one in score.warnings]
        assert found == [("tie_unmatched", "P1", "2", 1.0), ("tie_unmatched", "P1", "2", 2.0)]
        assert len(top(score).notes) == 4

    def test_a_syllable_under_a_tied_note_is_sung_and_told(self) -> None:
        score = read(note(lyric="ru", inside=TIE["start"]) + note(lyric="re", inside=TIE["stop"]) + note("D4"))
        assert words(top(score)) == ["ru", "re", ""]
        assert [one.tied for one in top(score).notes] == [False, True, False]
        assert codes(score) == ["lyric_on_tie"]

    def test_the_same_syllable_under_a_tied_note_is_the_same_note(self) -> None:
        score = read(note(lyric="la", inside=TIE["start"]) + note(lyric="la", inside=TIE["stop"]))
        assert (shape(top(score)), codes(score)) == ([(0, 2, 60)], [])


class TestLyrics:
    def test_verses_and_the_numbers_in_their_text(self) -> None:
        score = read(note(lyrics=lyric("1. Ah,") + lyric("2. Oh,", "2") + lyric("3.Uh", "part1verse3")))
        assert [(one.verse, one.syllables) for one in top(score).notes[0].lyrics] == [
            (1, ("Ah,",)),
            (2, ("Oh,",)),
            (3, ("Uh",)),
        ]

    def test_hyphens_in_the_text_join_words(self) -> None:
        score = read(note(lyric="Twin-") + note(lyric="kle", syllabic="end") + note(lyric="star_"))
        assert words(top(score)) == ["Twin-", "kle", "star"]

    def test_a_missing_end_never_swallows_the_next_word(self) -> None:
        score = read(note(lyric="glo", syllabic="begin") + note(lyric="ri", syllabic="middle") + note(lyric="in"))
        assert [one.lyrics[0].syllabic for one in top(score).notes] == ["begin", "end", "single"]

    def test_a_middle_without_a_beginning_begins(self) -> None:
        score = read(
            note(lyric="ri", syllabic="middle") + note(lyric="a", syllabic="end") + note(lyric="b", syllabic="end")
        )
        assert [one.lyrics[0].syllabic for one in top(score).notes] == ["begin", "end", "single"]

    def test_an_elision_is_two_syllables_on_a_note(self) -> None:
        elision = (
            "<lyric><syllabic>end</syllabic><text>a</text><elision>‿</elision>"
            "<syllabic>begin</syllabic><text>in</text></lyric>"
        )
        begin, end = note(lyric="glori", syllabic="begin"), note(lyric="ter", syllabic="end")
        score = read(begin + note(lyrics=elision) + end)
        assert words(top(score)) == ["glori-", "a_in-", "ter"]

    def test_held_vowels_and_punctuation_are_no_syllables(self) -> None:
        score = read(note(lyrics=lyric("Ah", more="<extend/>")) + note(lyric=".") + note())
        assert words(top(score)) == ["Ah", "", ""]
        assert top(score).notes[0].lyrics[0].extend

    def test_language_of_the_lyric_and_of_the_score(self) -> None:
        tagged = '<lyric xml:lang="de-AT"><text>Tag</text></lyric>'
        score = read(note(lyrics=tagged) + note(lyric="x"), head='<defaults><lyric-language xml:lang="FR"/></defaults>')
        assert [one.lyrics[0].language for one in top(score).notes] == ["de", "fr"]
        assert score.language == "fr"

    def test_the_lyric_of_a_chord_belongs_to_all_of_its_notes(self) -> None:
        score = read(note("C4", lyric="la") + note("E4", inside="<chord/>") + note("C4"))
        assert [words(line) for line in score.parts[0].lines] == [["la", ""], ["la"]]
        assert shape(top(score)) == [(0, 1, 64), (1, 1, 60)]

    def test_the_voice_with_words_is_the_top_line(self) -> None:
        back = "<backup><duration>4</duration></backup>"
        score = read(note("C5", 4) + back + note("E4", 4, "la", inside="<voice>2</voice>"))
        assert words(top(score)) == ["la"]

    def test_no_lyrics_is_a_warning(self) -> None:
        assert codes(read(note())) == ["no_lyrics"]


class TestNotes:
    def test_a_transposing_part_sounds(self) -> None:
        clarinet = (
            "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic><octave-change>-1</octave-change></transpose>"
        )
        score = read(attributes(more=clarinet) + note("C5"))
        assert shape(top(score)) == [(0, 1, 72 - 14)]

    def test_accidentals_and_quarter_tones(self) -> None:
        sharp_and_a_half = (
            "<note><pitch><step>F</step><alter>1.5</alter><octave>4</octave></pitch><duration>1</duration></note>"
        )
        assert [one.midi for one in top(read(note("Bb3") + note("F#5") + sharp_and_a_half)).notes] == [58, 78, 66.5]

    def test_grace_cue_and_unpitched(self) -> None:
        grace = "<note><grace/><pitch><step>D</step><octave>4</octave></pitch></note>"
        cue = "<note><cue/><pitch><step>G</step><octave>4</octave></pitch><duration>1</duration></note>"
        spoken = "<note><unpitched/><duration>1</duration><lyric><text>hey</text></lyric></note>"
        score = read(grace + note("E4", lyric="la") + cue + spoken + note("F4"))
        assert [(one.midi, one.grace, float(one.position)) for one in top(score).notes] == [
            (62, True, 0), (64, False, 0), (65, False, 3),
        ]  # fmt: skip
        assert [(one.code, one.measure, one.beat) for one in score.warnings] == [("unpitched_note", "1", 3.0)]

    def test_slur_fermata_and_breath(self) -> None:
        start, stop = ('<slur type="start" number="1"/>', '<slur type="stop" number="1"/>')
        marks = "<articulations><breath-mark/></articulations><fermata/>"
        score = read(
            note(lyric="la", inside=NOTATION.format(start))
            + note("D4", inside=NOTATION.format(stop))
            + note("E4", lyric="le", inside=NOTATION.format(marks))
        )
        assert [one.slurred for one in top(score).notes] == [False, True, False]
        assert [(one.fermata, one.breath_mark) for one in top(score).notes] == [
            (False, False),
            (False, False),
            (True, True),
        ]

    def test_a_percussion_part_is_flagged(self) -> None:
        drums = "<note><unpitched/><duration>4</duration></note>"
        score = read_score(document(part(note(lyric="la")), part(drums, id="P2"), names=("Voice", "Drums")))
        assert [one.percussion for one in score.parts] == [False, True]


class TestDocument:
    def test_timewise_reads_as_partwise(self) -> None:
        text = (
            '<score-timewise><part-list><score-part id="P1"><part-name>S</part-name></score-part></part-list>'
            f'<measure number="1"><part id="P1">{attributes()}{note(duration=4, lyric="la")}</part></measure>'
            f'<measure number="2"><part id="P1">{note("D4", 4)}</part></measure></score-timewise>'
        )
        assert shape(top(read_score(text.encode()))) == [(0, 4, 60), (4, 4, 62)]

    def test_compressed_reads_as_plain(self) -> None:
        plain = document(part(note(lyric="la")))
        assert read_score(mxl(plain)) == read_score(plain)

    @pytest.mark.parametrize(("encoding", "text"), [("utf-16", "か"), ("iso-8859-1", "é")])
    def test_other_encodings(self, encoding: str, text: str) -> None:
        data = document(part(note(lyric=text))).decode().replace("UTF-8", encoding).encode(encoding)
        assert words(top(read_score(data))) == [text]

    def test_a_namespace_is_no_matter(self) -> None:
        data = document(part(note(lyric="la"))).replace(b"<score-partwise", b'<score-partwise xmlns="urn:x"')
        assert words(top(read_score(data))) == ["la"]

    def test_title_of_work_and_movement(self) -> None:
        head = "<work><work-title>Lieder</work-title></work><movement-title>Wiegenlied</movement-title>"
        assert read(note(), head=head).title == "Lieder: Wiegenlied"
